"""The positions and windows of a whole video, and its result. Both are stored as numbers and converted when read."""

import math
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from heapq import merge
from itertools import pairwise
from typing import overload

import numpy as np

from duygu.shared.schemas.model import ModelInfo
from duygu.shared.schemas.packed import PackedList, as_list
from duygu.shared.schemas.result import Face, Position, Result, VideoInfo, Warning, Window  # noqa: A004
from duygu.shared.vision.columns import Columns, pack, unpack
from duygu.shared.vision.results import DECIMALS_S, FacePosition, ResultConverter, WindowLogits

BLOCK = 64
"""Windows of a face that become columns together."""

NO_POSE = (math.nan,) * 3


class PositionColumns:
    """The positions of one face as columns of numbers, 56 bytes each."""

    def __init__(self) -> None:
        self.numbers = array("d")  # time, score, and the pose or NaN, of each
        self.boxes = array("f")

    def append(self, position: FacePosition) -> None:
        """Add a position. Not possible any more once the positions are read."""
        self.numbers.extend((position.time_s, position.score, *(position.pose or NO_POSE)))
        self.boxes.extend(position.box.tolist())


class Positions(Sequence[Position]):
    """The positions of one face in the order of their times, each converted when it is read."""

    def __init__(self, columns: PositionColumns, convert: Callable[[FacePosition], Position]) -> None:
        self._numbers = np.frombuffer(columns.numbers, np.float64).reshape(-1, 2 + len(NO_POSE))
        self._boxes = np.frombuffer(columns.boxes, np.float32).reshape(-1, 4)
        self._order = np.argsort(self._numbers[:, 0], kind="stable").astype(np.int32)
        self._convert = convert

    def __len__(self) -> int:
        return len(self._order)

    @overload
    def __getitem__(self, index: int) -> Position: ...
    @overload
    def __getitem__(self, index: slice) -> list[Position]: ...
    def __getitem__(self, index: int | slice) -> Position | list[Position]:
        if isinstance(index, slice):
            return [self[place] for place in range(len(self))[index]]
        row = self._order[index]
        time_s, score, *pose = self._numbers[row].tolist()
        known = None if math.isnan(pose[0]) else (pose[0], pose[1], pose[2])
        return self._convert(FacePosition(0, time_s, self._boxes[row], score, known))


class WindowColumns:
    """The windows of one face as columns of numbers, in blocks."""

    def __init__(self) -> None:
        self._blocks: list[Columns] = []
        self._waiting: list[WindowLogits] = []

    def append(self, window: WindowLogits) -> None:
        """Add a window."""
        self._waiting.append(window)
        if len(self._waiting) == BLOCK:
            self._blocks.append(pack(self._waiting, WindowLogits))
            self._waiting = []

    def __iter__(self) -> Iterator[WindowLogits]:
        """The windows in the order in which they were added."""
        for block in self._blocks:
            yield from unpack(block, WindowLogits)
        yield from self._waiting

    def by(self, key: Callable[[WindowLogits], float]) -> Iterable[WindowLogits]:
        """The windows in the order of a key. They are not in memory together if they were added in this order."""
        if all(one <= other for one, other in pairwise(map(key, self))):
            return self
        return sorted(self, key=key)


@dataclass(slots=True)
class _FaceTimeline:
    positions: PositionColumns = field(default_factory=PositionColumns)
    windows: WindowColumns = field(default_factory=WindowColumns)


class Timeline:
    """Collects the results of an analyzer for a whole video."""

    def __init__(self, converter: ResultConverter) -> None:
        """Create an empty timeline."""
        self._converter = converter
        self._faces: dict[int, _FaceTimeline] = {}

    def add(self, positions: Iterable[FacePosition], windows: Iterable[WindowLogits]) -> None:
        """Add the results of one step."""
        for position in positions:
            self._faces.setdefault(position.face_id, _FaceTimeline()).positions.append(position)
        for window in windows:
            self._faces.setdefault(window.face_id, _FaceTimeline()).windows.append(window)

    def windows(self, face_id: int) -> list[WindowLogits]:
        """The windows of a face, in the order of those in the result."""
        return list(self._faces[face_id].windows.by(_start))

    def in_order(self) -> Iterator[tuple[int, Window]]:
        """All windows with their faces, in the order of their ends."""
        every = (timeline.windows.by(lambda window: window.end_s) for timeline in self._faces.values())
        for window in merge(*every, key=lambda window: (window.end_s, window.face_id)):
            yield window.face_id, self._converter.window(window)

    def result(self, job_id: str | None, model: ModelInfo, video: VideoInfo, warnings: list[Warning]) -> Result:
        """Build the result, with the faces in the order of their ids; windows and positions are packed.

        It is read as any result, and `duygu.shared.schemas.packed.unpacked` converts it to one of lists. Nothing can be
        added to the timeline afterwards.
        """
        faces = [self._face(face_id, timeline) for face_id, timeline in sorted(self._faces.items())]
        return Result(job_id=job_id, model=model, video=video, faces=faces, warnings=warnings)

    def _face(self, face_id: int, timeline: _FaceTimeline) -> Face:
        logits = np.mean([window.logits for window in timeline.windows], axis=0)
        prediction = self._converter.prediction(logits, self._converter.recipe.track_temperature)
        positions = as_list(Positions(timeline.positions, self._converter.position))
        windows = as_list(PackedList(Window, map(self._converter.window, timeline.windows.by(_start))))
        face = Face(
            face_id=face_id,
            start_s=positions[0].time_s,
            end_s=positions[-1].time_s,
            emotion=prediction.emotion,
            confidence=prediction.confidence,
            probabilities=prediction.probabilities,
            windows=[],
            positions=[],
        )
        return face.model_copy(update={"windows": windows, "positions": positions})


def _start(window: WindowLogits) -> float:
    """The start of a window in the result."""
    return round(window.start_s, DECIMALS_S)
