"""Windows overlap; here each moment belongs to one of them, the one whose middle is nearest."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby, pairwise

from duygu.shared.schemas import Face, Window

JOIN_S = 0.25
"""Windows further apart than this have a gap between them."""


@dataclass(frozen=True, slots=True)
class Span:
    """The time for which one window speaks."""

    start_s: float
    end_s: float
    window: Window


def spans_of(face: Face) -> list[Span]:
    """The windows of a face as spans that do not overlap, in order of time."""
    starts = [window.start_s for window in face.windows]
    ends = [window.end_s for window in face.windows]
    for i, (one, other) in enumerate(pairwise(face.windows)):
        if other.start_s <= one.end_s + JOIN_S:
            ends[i] = starts[i + 1] = (_middle(one) + _middle(other)) / 2
    return [Span(*parts) for parts in zip(starts, ends, face.windows, strict=True)]


def moods_of(face: Face) -> Iterator[list[Span]]:
    """Runs of touching spans with one emotion, either all uncertain or none of them."""
    for _, run in groupby(
        _gaps(spans_of(face)), key=lambda item: (item[0], item[1].window.emotion, item[1].window.uncertain)
    ):
        yield [span for _, span in run]


def shares_of(face: Face) -> dict[str, float]:
    """Share of the face's time for each emotion, largest first, without the uncertain windows.

    Together with `uncertain_share` the shares sum to 1.
    """
    return _shares(face, uncertain=False)


def _shares(face: Face, *, uncertain: bool) -> dict[str, float]:
    """Share of the face's whole time for each emotion of its uncertain windows, or of the others, largest first."""
    spans = spans_of(face)
    total = _length(spans) or 1.0
    shares: dict[str, float] = {}
    for span in spans:
        if span.window.uncertain == uncertain:
            emotion = span.window.emotion
            shares[emotion] = shares.get(emotion, 0.0) + (span.end_s - span.start_s) / total
    return dict(sorted(shares.items(), key=lambda item: -item[1]))


def uncertain_emotions(face: Face) -> set[str]:
    """The emotions that the face shows in uncertain windows alone."""
    certain = {window.emotion for window in face.windows if not window.uncertain}
    return {window.emotion for window in face.windows} - certain


def is_uncertain(face: Face) -> bool:
    """Whether there is no window of the face that is not uncertain; its overall emotion is then no finding."""
    return all(window.uncertain for window in face.windows)


def overall_in_words(face: Face) -> str:
    """The overall emotion, marked `?` where only uncertain windows show it; `uncertain` where nothing else is known."""
    if is_uncertain(face):
        return "uncertain"
    return f"{face.emotion}{'?' if face.emotion in uncertain_emotions(face) else ''}"


def shares_in_words(face: Face) -> str:
    """Emotions with their shares of time, then the uncertain time as a share of its own: the parts sum to 100 %."""
    parts = [f"{emotion} {share:.0%}" for emotion, share in shares_of(face).items()]
    uncertain = uncertain_share(face)
    return ", ".join([*parts, *([f"uncertain {uncertain:.0%}"] if uncertain else [])])


def guesses_in_words(face: Face) -> str:
    """The emotions of the uncertain windows with their shares of time, each marked `?`."""
    return ", ".join(f"{emotion}? {share:.0%}" for emotion, share in _shares(face, uncertain=True).items())


def uncertain_share(face: Face) -> float:
    """Share of the face's time whose windows are uncertain."""
    spans = spans_of(face)
    return _length(span for span in spans if span.window.uncertain) / (_length(spans) or 1.0)


def _length(spans: Iterable[Span]) -> float:
    return sum(span.end_s - span.start_s for span in spans)


def _middle(window: Window) -> float:
    return (window.start_s + window.end_s) / 2


def _gaps(spans: list[Span]) -> Iterator[tuple[int, Span]]:
    """Each span with the number of gaps before it."""
    gaps, end_s = 0, None
    for span in spans:
        gaps += end_s is not None and span.start_s > end_s + 1e-9
        end_s = span.end_s
        yield gaps, span
