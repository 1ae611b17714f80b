"""Timeline figure: the drawing elements for SVG, PDF and PNG. Lengths are in pixels, y points down."""

from collections.abc import Iterator
from dataclasses import dataclass

from duygu.shared.exports.letters import shortened, text_width
from duygu.shared.exports.palette import colour_of
from duygu.shared.exports.spans import each_span, guesses_in_words, is_uncertain, shares_of, uncertain_share
from duygu.shared.exports.titles import face_title
from duygu.shared.schemas.result import Face, Result

WIDTH, GUTTER, MARGIN = 1600, 290, 40
"""Width of the figure, of the labels on its left, and of its margin."""

HEAD, LANE, GAP, FOOT = 170, 90, 30, 90
"""Heights of title and legend, of a lane, between lanes, and of the time axis."""

MAX_LANES = 40
"""Maximum number of lanes. In a result with more faces, the first ones are shown."""

PAPER, INK, SOFT, RULE = "#ffffff", "#15171c", "#555b66", "#dcdcd6"

STEPS_S = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1200, 1800, 3600)
LEAST_STEP = 90
"""Minimum distance between two marks of the time axis."""


@dataclass(frozen=True, slots=True)
class Bar:
    """A filled area. A hatched area has lines of the colour on paper."""

    left: float
    top: float
    width: float
    height: float
    colour: str
    hatched: bool = False


@dataclass(frozen=True, slots=True)
class Words:
    """One line of text; `capital` is the height of a capital letter."""

    text: str
    left: float
    base: float
    capital: float
    colour: str


Item = Bar | Words


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure; `items` are in drawing order."""

    title: str
    width: int
    height: int
    items: list[Item]


def timeline(result: Result) -> Figure:
    """Build the timeline: one lane per face with its shares of time per emotion, over a time axis."""
    faces, duration_s = result.faces[:MAX_LANES], result.video.duration_s
    left_out = len(result.faces) - len(faces)
    height = HEAD + max(len(faces), 1) * (LANE + GAP) + FOOT
    title = result.video.name or (f"Job {result.job_id}" if result.job_id else "Emotions over time")
    items = [*_head(result, title), *_axis(duration_s, height)]
    for row, face in enumerate(faces):
        items += _lane(face, HEAD + row * (LANE + GAP), duration_s)
    if not faces:
        items.append(Words("No face was found in this video", GUTTER, HEAD + LANE / 2, 18, SOFT))
    if left_out:
        words = f"+ {left_out} more {'face' if left_out == 1 else 'faces'}"
        items.append(Words(words, MARGIN, height - FOOT + 30, 14, SOFT))
    return Figure(title, WIDTH, height, items)


def _head(result: Result, title: str) -> Iterator[Item]:
    yield Words(shortened(title, 22, WIDTH - 2 * MARGIN), MARGIN, MARGIN + 24, 22, INK)
    made = [f"emotions over time, model {result.model.name} {result.model.version}"]
    made += [f"analysed {result.analysed_at:%Y-%m-%d %H:%M} UTC"] if result.analysed_at else []
    made += [f"{result.program.name} {result.program.version}"] if result.program else []
    yield Words(" · ".join(made), MARGIN, MARGIN + 54, 12, SOFT)
    left = float(MARGIN)
    top = MARGIN + 78
    shown = {window.emotion for face in result.faces for window in face.windows}
    for label in [*result.model.labels, *sorted(shown.difference(result.model.labels))]:
        yield Bar(left, top, 18, 18, colour_of(label))
        yield Words(label, left + 26, top + 15, 12, INK)
        left += text_width(label, 12) + 50
    yield Bar(left, top, 18, 18, SOFT, hatched=True)
    yield Words("hatched: uncertain; height: confidence, 0 to 100%", left + 26, top + 15, 12, SOFT)


def _axis(duration_s: float, height: int) -> Iterator[Item]:
    scale = (WIDTH - GUTTER - MARGIN) / max(duration_s, 1e-3)
    step = next((step for step in STEPS_S if step * scale >= LEAST_STEP), STEPS_S[-1])
    bottom = height - FOOT
    for index in range(int(duration_s / step + 1e-9) + 1):
        left, words = GUTTER + round(index * step * scale), _clock(index * step, step)
        yield Bar(left, HEAD - 14, 1, bottom - HEAD + 14, RULE)
        yield Words(words, left - text_width(words, 12) / 2, bottom + 24, 12, SOFT)
    yield Words("time from the first picture (min:s)", GUTTER, bottom + 54, 12, SOFT)


def _clock(time_s: float, step: float) -> str:
    if step < 1:
        minutes, tenths = divmod(round(time_s * 10), 600)
        return f"{minutes}:{tenths / 10:04.1f}"
    minutes, seconds = divmod(round(time_s), 60)
    return f"{minutes}:{seconds:02}"


def _lane(face: Face, top: float, duration_s: float) -> Iterator[Item]:
    yield Words(shortened(face_title(face), 16, GUTTER - 2 * MARGIN), MARGIN, top + 18, 16, INK)
    for line, words in enumerate(_summary(face)):
        yield Words(words, MARGIN, top + 42 + 21 * line, 11, SOFT)
    width = WIDTH - GUTTER - MARGIN
    for part, words in ((0.0, "100%"), (0.5, "50%")):
        yield Bar(GUTTER, top + round(part * LANE), width, 1, RULE)
        yield Words(words, GUTTER - 8 - text_width(words, 8), top + round(part * LANE) + 4, 8, SOFT)
    scale = width / max(duration_s, 1e-3)
    for span in each_span(face):
        left, right = round(span.start_s * scale), round(span.end_s * scale)
        high = max(2, round(span.window.confidence * LANE))
        colour = colour_of(span.window.emotion)
        yield Bar(
            GUTTER + left, top + LANE - high, max(right - 1 - left, 1), high, colour, hatched=span.window.uncertain
        )
    yield Bar(GUTTER, top + LANE, width, 1, SOFT)


def _summary(face: Face) -> list[str]:
    """Up to three short lines. A face without a certain window is described as uncertain first."""
    if is_uncertain(face):
        return ["uncertain throughout", *guesses_in_words(face).split(", ")[:2]]
    shares = [f"{emotion} {share:.0%}" for emotion, share in shares_of(face).items()]
    share = uncertain_share(face)
    return [*shares[:2], *([f"{share:.0%} of its time uncertain"] if share else [])]
