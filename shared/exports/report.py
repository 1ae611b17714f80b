"""Self-contained HTML report without scripts or external resources, suitable for mail."""

from collections.abc import Iterator
from html import escape

from duygu.shared.exports.palette import colour_of
from duygu.shared.exports.spans import (
    Span,
    guesses_in_words,
    is_talking,
    is_uncertain,
    overall_in_words,
    resting_in_words,
    shares_in_words,
    spans_of,
    talking_in_words,
)
from duygu.shared.exports.titles import face_title, title_of
from duygu.shared.schemas.result import Face, Result, ResultOptions, Window

WIDTH, LANE, PAD, AXIS, ROOM = 1000, 56, 8, 18, 40
"""Dimensions of a timeline in drawing units; ROOM is the space for a time label."""

STEPS_S = (0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600)
MOST_TICKS = 12
"""Maximum number of time labels. The smallest step that does not exceed it is used."""

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #15171c; max-width: 1040px; margin: 32px auto; padding: 0 20px; }
h1 { font-size: 28px; letter-spacing: -.02em; } h2 { font-size: 18px; margin: 32px 0 8px; }
p.soft { color: #555b66; } svg { width: 100%; height: auto; display: block; }
table { border-collapse: collapse; width: 100%; font-size: 13px; font-variant-numeric: tabular-nums; }
th, td { padding: 4px 8px; text-align: right; border-bottom: 1px solid #dcdcd6; white-space: nowrap; }
.text { text-align: left; } .box { overflow-x: auto; }
.legend span { display: inline-block; margin-right: 16px; }
svg text { font-size: 12px; fill: #555b66; }
.legend .hatched { background: repeating-linear-gradient(45deg, #555b66 0 1.5px, #fff 1.5px 5px); }
.legend i { display: inline-block; width: 11px; height: 11px; border-radius: 3px; margin-right: 6px; }
"""

HATCH = (
    '<svg width="0" height="0" aria-hidden="true"><defs><pattern id="hatch" width="8" height="8" '
    'patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    '<rect width="3" height="8" fill="#fff" fill-opacity=".62"/></pattern></defs></svg>'
)


WORDS, TEXT = ("emotion", "notes"), ' class="text"'
"""Text columns, which are left-aligned."""

TRUST = (
    "An expression is not a feeling: this describes what a face shows, not what a person feels. The height of a "
    "window is its confidence; hatched ones are uncertain, and an emotion with a question mark is shown by uncertain "
    "windows alone. A single window is an accident: look for runs of them. On people who talk, believe it less than it "
    "says. {rate}Not for judging people."
)

RATE = (
    "Of the windows that this model did not mark uncertain, {share:.0%} were right on video of people outside its "
    "training. "
)


def html_report(result: Result) -> str:
    """Render the report: video and program, then the timeline, shares of time and all windows of each face."""
    title = title_of(result)
    head = f"Duygu report: {title}" if title else "Duygu report"
    warnings = "".join(f"<p><b>{escape(warning.detail)}</b></p>" for warning in result.warnings)
    faces = "".join(_face(face, result) for face in result.faces) or "<p>No face was found in this video.</p>"
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(head)}</title>'
        f"<style>{STYLE}</style>"
        f"</head><body><h1>{escape(title) or 'What the faces show, and when'}</h1>"
        f'<p class="soft">{"<br>".join(map(escape, _facts(result)))}</p>{warnings}{_legend(result)}{HATCH}{faces}'
        f'<p class="soft">{_trust(result)}</p></body></html>\n'
    )


def _trust(result: Result) -> str:
    """How far to trust the result, with the rate of the model where it was measured."""
    share = result.model.certain_means
    return TRUST.format(rate="" if share is None else RATE.format(share=share))


def _facts(result: Result) -> Iterator[str]:
    """Lines about the video, the model and program, and the options."""
    video, count = result.video, len(result.faces)
    yield f"{video.duration_s:.1f} s, {video.width} × {video.height}, {count} {'face' if count == 1 else 'faces'}"
    made_by = [f"model {result.model.name} {result.model.version} ({result.model.sha256[:12]})"]
    if result.program:
        made_by.append(f"{result.program.name} {result.program.version}")
    if result.analysed_at:
        made_by.append(f"analysed at {result.analysed_at:%Y-%m-%d %H:%M} UTC")
    yield ", ".join(made_by)
    if result.uncertain_below is not None:
        yield f"windows below a confidence of {result.uncertain_below:g} are uncertain, as an edit set"
    if result.options:
        yield ", ".join(_options(result.options))


def _options(options: ResultOptions) -> Iterator[str]:
    yield f"engine {options.engine}"
    yield f"smallest face {options.min_face:.3g} of the shorter side"
    if options.max_faces is not None:
        yield f"at most {options.max_faces} faces at a time"
    yield f"emotions: {', '.join(options.labels)}"
    if options.faces is not None:
        yield f"only the {options.faces} faces seen longest"
    if options.every_s is not None:
        yield f"only windows every {options.every_s:g} s"


def _legend(result: Result) -> str:
    items = (
        f'<span><i style="background:{colour_of(label)}"></i>{escape(label)}</span>' for label in result.model.labels
    )
    return f'<p class="legend">{"".join(items)}<span><i class="hatched"></i>uncertain</span></p>'


def _face(face: Face, result: Result) -> str:
    overall = _overall(face)
    talking = "".join(f"<p>{escape(line.capitalize())}</p>" for line in talking_in_words(face))
    return (
        f"<h2>{escape(face_title(face))}, {face.start_s:.1f}–{face.end_s:.1f} s</h2><p>{escape(overall)}</p>{talking}"
        f"{_resting(face)}"
        f"{_lane(face, result.video.duration_s)}{_table(face, result.model.labels)}"
    )


def _resting(face: Face) -> str:
    """Where the resting face was taken from, and that the report does not show predictions relative to it."""
    if not (words := resting_in_words(face)):
        return ""
    sentence = escape(words[0].upper() + words[1:])
    return f"<p>{sentence}. Predictions relative to it are in JSON and CSV, not in this report.</p>"


def _overall(face: Face) -> str:
    if is_uncertain(face):
        return (
            "Uncertain throughout: every window is below the model's threshold of confidence. "
            f"Share of time by the most probable emotion: {guesses_in_words(face)}"
        )
    return f"{overall_in_words(face)} over all ({face.confidence:.0%}); share of time: {shares_in_words(face)}"


def _lane(face: Face, duration_s: float) -> str:
    scale = WIDTH / max(duration_s, 1e-3)
    bars = "".join(_bar(span, scale) for span in spans_of(face))
    line = f'<line x1="0" x2="{WIDTH}" y1="{LANE - PAD}" y2="{LANE - PAD}" stroke="#8b8f97"/>'
    label = escape(f"Timeline of {face_title(face)}; the table below holds the same figures")
    size = f'viewBox="0 0 {WIDTH} {LANE + AXIS}"'
    return f'<svg {size} role="img" aria-label="{label}">{_axis(duration_s, scale)}{line}{bars}</svg>'


def _axis(duration_s: float, scale: float) -> str:
    step_s = next((step for step in STEPS_S if duration_s / step <= MOST_TICKS), STEPS_S[-1])
    times = (index * step_s for index in range(int((duration_s - ROOM / scale) / step_s) + 1))
    return "".join(
        f'<line x1="{time_s * scale:.1f}" x2="{time_s * scale:.1f}" y1="0" y2="{LANE}" stroke="#dcdcd6"/>'
        f'<text x="{time_s * scale + 4:.1f}" y="{LANE + AXIS - 6}">{time_s:g} s</text>'
        for time_s in times
    )


def _bar(span: Span, scale: float) -> str:
    height = max(span.window.confidence * (LANE - 2 * PAD), 2.0)
    width = max((span.end_s - span.start_s) * scale - 0.5, 0.5)
    place = f'x="{span.start_s * scale:.2f}" y="{LANE - PAD - height:.2f}" width="{width:.2f}" height="{height:.2f}"'
    hatch = f'<rect {place} fill="url(#hatch)"/>' if span.window.uncertain else ""
    return f'<rect {place} fill="{colour_of(span.window.emotion)}"/>{hatch}'


def _table(face: Face, labels: list[str]) -> str:
    names = ("from", "to", "emotion", "confidence", *labels, "notes")
    heads = "".join(f'<th scope="col"{TEXT if name in WORDS else ""}>{escape(name)}</th>' for name in names)
    rows = "".join(_row(window, labels) for window in face.windows)
    return f'<div class="box"><table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>'


def _row(window: Window, labels: list[str]) -> str:
    talking = ["talking"] if is_talking(window) else []
    notes = ", ".join([*(["uncertain"] if window.uncertain else []), *talking, *window.flags])
    figures = "".join(f"<td>{window.probabilities.get(label, 0.0):.0%}</td>" for label in labels)
    return (
        f'<tr><td>{window.start_s:.2f}</td><td>{window.end_s:.2f}</td><td class="text">{escape(window.emotion)}</td>'
        f'<td>{window.confidence:.0%}</td>{figures}<td class="text">{notes}</td></tr>'
    )
