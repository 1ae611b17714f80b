"""Which computed face each part of an edited face comes from.

Labels are stored with computed faces, so that they follow a merged or split face and return when the edit is undone.
"""

import math
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from duygu.shared.workbench.edits.operations import Edit, Merge, Split


@dataclass(frozen=True, slots=True)
class Presence:
    """When a computed face is visible: the increasing times of its positions, and its windows in order of time."""

    times: Sequence[float]
    windows: Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Piece:
    """The part of a computed face from `start_s` to before `end_s`, which edits made a part of the face `shown_as`."""

    face_id: int
    start_s: float
    end_s: float
    shown_as: int


@dataclass(frozen=True, slots=True)
class Origin:
    """A position of a computed face, by its time."""

    face_id: int
    time_s: float


def pieces(face_ids: Iterable[int], edits: Sequence[Edit]) -> list[Piece]:
    """The parts of computed faces after edits that apply to them."""
    found = [Piece(face_id, -math.inf, math.inf, face_id) for face_id in face_ids]
    last_id = max((piece.face_id for piece in found), default=0)
    for edit in edits:
        if isinstance(edit, Merge):
            found = [replace(piece, shown_as=edit.into) if piece.shown_as == edit.face_id else piece for piece in found]
        elif isinstance(edit, Split):
            last_id += 1
            found = [part for piece in found for part in _split(piece, edit, last_id)]
    return found


def _split(piece: Piece, edit: Split, new_id: int) -> list[Piece]:
    if piece.shown_as != edit.face_id or edit.at_s >= piece.end_s:
        return [piece]
    if edit.at_s <= piece.start_s:
        return [replace(piece, shown_as=new_id)]
    return [replace(piece, end_s=edit.at_s), replace(piece, start_s=edit.at_s, shown_as=new_id)]


class Tracer:
    """Traces edited faces to computed ones and back."""

    def __init__(self, faces: Mapping[int, Presence], edits: Sequence[Edit]) -> None:
        """`faces`: the computed faces by id."""
        self._faces = faces
        self._by_shown: dict[int, list[Piece]] = {}
        self._by_computed: dict[int, list[Piece]] = {}
        for piece in pieces(faces, edits):
            self._by_computed.setdefault(piece.face_id, []).append(piece)
            if self._span(piece):
                self._by_shown.setdefault(piece.shown_as, []).append(piece)
        self.faces = sorted(self._by_shown)
        """Ids of the edited faces."""

    def extent(self, face_id: int) -> tuple[float, float]:
        """Start and end of an edited face in seconds, exclusions aside. Raises KeyError for an unknown face."""
        spans = [span for piece in self._by_shown[face_id] if (span := self._span(piece))]
        return min(start_s for start_s, _ in spans), max(end_s for _, end_s in spans)

    def origin(self, face_id: int, time_s: float) -> Origin:
        """The position of a computed face that is shown as a face, the nearest one in time. Raises KeyError."""
        nearest = ((self._nearest(piece, time_s), piece.face_id) for piece in self._by_shown[face_id])
        found, computed = min(nearest, key=lambda pair: (abs(pair[0] - time_s), pair[1]))
        return Origin(computed, found)

    def shown_as(self, origin: Origin) -> int | None:
        """The edited face that has a position of a computed face; None for an unknown face."""
        parts = self._by_computed.get(origin.face_id, [])
        return next((piece.shown_as for piece in parts if piece.start_s <= origin.time_s < piece.end_s), None)

    def _span(self, piece: Piece) -> tuple[float, float] | None:
        """Start and end of a piece; None for an empty one, which splitting a merged face can leave."""
        face, (first, last) = self._faces[piece.face_id], self._places(piece)
        at = bisect_left(face.windows, piece.start_s, key=_middle), bisect_left(face.windows, piece.end_s, key=_middle)
        windows, times = face.windows[slice(*at)], face.times[first:last]
        seen = [*windows[:1], *windows[-1:], *((time_s, time_s) for time_s in (*times[:1], *times[-1:]))]
        return (min(start_s for start_s, _ in seen), max(end_s for _, end_s in seen)) if seen else None

    def _places(self, piece: Piece) -> tuple[int, int]:
        """The range of the positions in a piece."""
        times = self._faces[piece.face_id].times
        return bisect_left(times, piece.start_s), bisect_left(times, piece.end_s)

    def _nearest(self, piece: Piece, time_s: float) -> float:
        """The time of the position in a piece that is nearest to a time."""
        times, (first, last) = self._faces[piece.face_id].times, self._places(piece)
        place = bisect_left(times, time_s, first, last)
        around = [times[index] for index in (place - 1, place) if first <= index < last]
        return min(around, key=lambda time: abs(time - time_s), default=max(piece.start_s, 0.0))


def _middle(span: tuple[float, float]) -> float:
    return (span[0] + span[1]) / 2
