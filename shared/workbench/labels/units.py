"""The units of agreement: windows of a result with the labels that raters gave to them."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from duygu.shared.schemas.result import Face, Result, Window
from duygu.shared.workbench.edits.editing import visible
from duygu.shared.workbench.labels.label import CANNOT_TELL, Label

Stretch = tuple[str, int]
"""A label: its rater, and its place among the rater's labels. Windows of one stretch are not independent."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A window with the emotions that raters see in it.

    A rater's label applies to the windows whose middle it contains.

    emotions  by rater; `cannot_tell` is left out, as a missing value
    stretch   the label that contains the middle, of the first rater who has one
    """

    face_id: int
    stretch: Stretch
    window: Window
    emotions: Mapping[str, str]

    @property
    def consensus(self) -> str | None:
        """The emotion that most raters see; None for a tie, and where no rater can tell."""
        counts = Counter(self.emotions.values()).most_common(2)
        tied = len(counts) > 1 and counts[0][1] == counts[1][1]
        return None if tied or not counts else counts[0][0]


def units(result: Result, labels: Mapping[str, Sequence[Label]]) -> list[Unit]:
    """The labelled windows of the visible faces of a result. `labels`: by rater."""
    return [unit for face in visible(result).faces for unit in _of_face(face, labels)]


def _of_face(face: Face, labels: Mapping[str, Sequence[Label]]) -> Iterator[Unit]:
    finders = {rater: _Finder(face.face_id, labels[rater]) for rater in sorted(labels)}
    for window in face.windows:
        found = {rater: place for rater, finder in finders.items() if (place := finder.at(window)) is not None}
        if found:
            emotions = {rater: labels[rater][place].emotion for rater, place in found.items()}
            decided = {rater: emotion for rater, emotion in emotions.items() if emotion != CANNOT_TELL}
            yield Unit(face.face_id, next(iter(found.items())), window, decided)


class _Finder:
    """Finds the label of one rater for a window of one face."""

    def __init__(self, face_id: int, labels: Sequence[Label]) -> None:
        places = (place for place, label in enumerate(labels) if label.face_id == face_id)
        self._spans = sorted((labels[place].start_s, labels[place].end_s, place) for place in places)

    def at(self, window: Window) -> int | None:
        """The place of the label that contains the middle of a window."""
        middle = (window.start_s + window.end_s) / 2
        before = bisect_left(self._spans, middle, key=lambda span: span[0])
        # The label that begins at the middle exactly, or else the last one that begins before it.
        for start_s, end_s, place in reversed(self._spans[max(before - 1, 0) : before + 1]):
            if start_s <= middle < end_s:
                return place
        return None
