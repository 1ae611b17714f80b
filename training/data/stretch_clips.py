"""The clips of one face in a part of a video, which is analysed as a whole."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from duygu.shared.errors import TrainingDataError
from duygu.shared.vision.results import FacePosition, WindowLogits
from duygu.shared.vision.types import Image
from duygu.training.data.layouts import Stretch

Size = tuple[int, int]


@dataclass(frozen=True, slots=True)
class CutClip:
    """The crops of a clip, and those of them that a second trunk processes."""

    images: Image  # (frames, size, size) uint8
    second: Image  # (n, side, side) uint8


class StretchClips:
    """Collects the clips of each face in one part, and where the faces are in its middle."""

    def __init__(self, stretch: Stretch) -> None:
        self.stretch = stretch
        self._clips: dict[int, list[CutClip]] = {}
        self._nearest: dict[int, tuple[float, list[float]]] = {}  # by face: distance in time, and box

    def add(self, window: WindowLogits, clip: CutClip) -> None:
        """Add a clip if its middle is in the part."""
        if self.stretch.start_s <= (window.start_s + window.end_s) / 2 < self.stretch.end_s:
            self._clips.setdefault(window.face_id, []).append(clip)

    def see(self, position: FacePosition) -> None:
        """Remember the position of a face that is nearest to the middle of the part."""
        distance_s = abs(position.time_s - (self.stretch.start_s + self.stretch.end_s) / 2)
        if distance_s < self._nearest.get(position.face_id, (math.inf,))[0]:
            self._nearest[position.face_id] = distance_s, position.box.tolist()

    def chosen(self, size: Size) -> list[CutClip]:
        """The clips of the face at the place that the part names, or of the face with the most clips.

        size  width and height of the frame

        Raises TrainingDataError without a clip, and without a face at the place.
        """
        if not self._clips:
            raise TrainingDataError("no clip has its middle in the part of the video")
        if self.stretch.face is None or not self._nearest:
            return max(self._clips.values(), key=len)
        x, y = self.stretch.face[0] * size[0], self.stretch.face[1] * size[1]
        at = [clips for face_id, clips in self._clips.items() if self._is_at(face_id, x, y)]
        if not at:
            raise TrainingDataError("no face is at face_x, face_y in the middle of the part of the video")
        return max(at, key=len)

    def _is_at(self, face_id: int, x: float, y: float) -> bool:
        if face_id not in self._nearest:
            return False
        left, top, right, bottom = self._nearest[face_id][1]
        return left <= x < right and top <= y < bottom


class Stretches:
    """The parts of a video, by time, and the size of its frames."""

    def __init__(self, stretches: Sequence[Stretch]) -> None:
        self.size: Size = (0, 0)
        self.all = [StretchClips(stretch) for stretch in stretches]
        self._by_second: dict[int, list[StretchClips]] = {}
        for one in self.all:
            for second in range(int(one.stretch.start_s), math.ceil(one.stretch.end_s)):
                self._by_second.setdefault(second, []).append(one)

    def at(self, time_s: float) -> Iterable[StretchClips]:
        """The parts that may hold a time: those that touch its second."""
        return self._by_second.get(int(time_s), ())
