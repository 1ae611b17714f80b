"""Division of overlapping windows into spans: each time belongs to the window with the nearest middle."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

from duygu.shared.schemas.result import Face, Window

JOIN_S = 0.25
"""Windows further apart than this are separated by a gap."""

SPEAKS = 0.5
"""Probability of speaking from which a person counts as talking in a window."""


@dataclass(frozen=True, slots=True)
class Span:
    """The time that is assigned to one window."""

    start_s: float
    end_s: float
    window: Window


def spans_of(face: Face) -> list[Span]:
    """Non-overlapping spans of a face's windows, in order of time."""
    return list(each_span(face))


def each_span(face: Face) -> Iterator[Span]:
    """The same one by one, so that windows that are packed are not in memory together."""
    starts, ends = _starts_and_ends(face.windows)
    return map(Span, starts, ends, face.windows)


def _starts_and_ends(windows: Sequence[Window]) -> tuple[list[float], list[float]]:
    """Starts and ends of the spans, in seconds."""
    starts, ends = [window.start_s for window in windows[:1]], [window.end_s for window in windows[:1]]
    for one, other in pairwise(windows):
        middle = (_middle(one) + _middle(other)) / 2
        joined = other.start_s <= one.end_s + JOIN_S
        ends[-1] = middle if joined else ends[-1]
        starts.append(middle if joined else other.start_s)
        ends.append(other.end_s)
    return starts, ends


def is_talking(window: Window) -> bool:
    """Whether the person speaks in a window, as far as it was measured."""
    return window.speaking is not None and window.speaking >= SPEAKS


def runs_of(face: Face, *, by_talking: bool = False) -> Iterator[list[Span]]:
    """Runs of adjacent spans with one emotion, either all uncertain or all certain.

    by_talking  whether a run also ends where the person begins or ends to talk
    """

    def kind(item: tuple[int, Span]) -> tuple[object, ...]:
        gaps, window = item[0], item[1].window
        return gaps, window.emotion, window.uncertain, by_talking and is_talking(window)

    for _, run in groupby(_gaps(spans_of(face)), key=kind):
        yield [span for _, span in run]


def shares_of(face: Face) -> dict[str, float]:
    """Share of the face's time per emotion in certain windows, in decreasing order.

    Together with `uncertain_share` the shares sum to 1.
    """
    return _shares(face, uncertain=False)


def _shares(face: Face, *, uncertain: bool) -> dict[str, float]:
    """Share of the face's total time per emotion, in its uncertain or its certain windows, in decreasing order."""
    shares: dict[str, float] = {}
    for window, share in _window_shares(face):
        if window.uncertain == uncertain:
            shares[window.emotion] = shares.get(window.emotion, 0.0) + share
    return dict(sorted(shares.items(), key=lambda item: -item[1]))


def uncertain_emotions(face: Face) -> set[str]:
    """Emotions that occur only in uncertain windows of the face."""
    certain = {window.emotion for window in face.windows if not window.uncertain}
    return {window.emotion for window in face.windows} - certain


def is_uncertain(face: Face) -> bool:
    """Whether all windows of the face are uncertain. Its overall emotion is then meaningless."""
    return all(window.uncertain for window in face.windows)


def overall_in_words(face: Face) -> str:
    """Overall emotion, with `?` if only uncertain windows show it; `uncertain` if all windows are uncertain."""
    if is_uncertain(face):
        return "uncertain"
    return f"{face.emotion}{'?' if face.emotion in uncertain_emotions(face) else ''}"


def shares_in_words(face: Face) -> str:
    """Shares of time per emotion, then the uncertain share; the sum is 100 %."""
    parts = [f"{emotion} {share:.0%}" for emotion, share in shares_of(face).items()]
    uncertain = uncertain_share(face)
    return ", ".join([*parts, *([f"uncertain {uncertain:.0%}"] if uncertain else [])])


def talking_in_words(face: Face) -> list[str]:
    """Shares of time while the person talks, and while silent; empty where speaking was not measured."""
    known = [(window, share) for window, share in _window_shares(face) if window.speaking is not None]
    parts = {talking: [one for one in known if is_talking(one[0]) == talking] for talking in (True, False)}
    total = sum(share for _, share in known)
    return [
        f"{'talking' if talking else 'silent'} {sum(share for _, share in part) / (total or 1):.0%} of "
        f"the time: {_part_in_words(part)}"
        for talking, part in parts.items()
        if part
    ]


def resting_in_words(face: Face) -> str:
    """Where the resting face of a person was taken from; empty without one."""
    if face.baseline is None:
        return ""
    if face.baseline.recording:
        return f"resting face from {face.baseline.recording.name or 'another recording'}"
    spans = ", ".join(f"{start_s:.1f}–{end_s:.1f} s" for start_s, end_s in face.baseline.spans)
    return f"resting face: {spans}{', chosen automatically' if face.baseline.source == 'auto' else ''}"


def _part_in_words(part: Sequence[tuple[Window, float]]) -> str:
    """Shares of the time of some windows per emotion, in decreasing order, then the uncertain share."""
    total = sum(share for _, share in part) or 1.0
    emotions: dict[str, float] = {}
    for window, share in part:
        emotion = "uncertain" if window.uncertain else window.emotion
        emotions[emotion] = emotions.get(emotion, 0.0) + share / total
    order = sorted(emotions.items(), key=lambda item: (item[0] == "uncertain", -item[1]))
    return ", ".join(f"{emotion} {share:.0%}" for emotion, share in order)


def guesses_in_words(face: Face) -> str:
    """Shares of time per emotion in uncertain windows, each marked `?`."""
    return ", ".join(f"{emotion}? {share:.0%}" for emotion, share in _shares(face, uncertain=True).items())


def uncertain_share(face: Face) -> float:
    """Share of the face's time in uncertain windows."""
    return sum(share for window, share in _window_shares(face) if window.uncertain)


def _window_shares(face: Face) -> Iterator[tuple[Window, float]]:
    """Share of the face's time of each window; equal shares if no window has a length, as in a video of one picture."""
    starts, ends = _starts_and_ends(face.windows)
    total = sum(end_s - start_s for start_s, end_s in zip(starts, ends, strict=True))
    for start_s, end_s, window in zip(starts, ends, face.windows, strict=True):
        yield window, (end_s - start_s) / total if total else 1 / len(starts)


def _middle(window: Window) -> float:
    return (window.start_s + window.end_s) / 2


def _gaps(spans: list[Span]) -> Iterator[tuple[int, Span]]:
    """Each span with the number of preceding gaps."""
    gaps, end_s = 0, None
    for span in spans:
        gaps += end_s is not None and span.start_s > end_s + 1e-9
        end_s = span.end_s
        yield gaps, span
