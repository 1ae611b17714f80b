"""Areas of all faces of a video over time, also of those that an analysis does not follow.

A result has the faces of a minimum size, ten times a second. Here every face that MTCNN finds from 20 pixels counts,
and each area is widened in space and in time, since a face that is missed in one picture is visible in it.
"""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Protocol

import numpy as np

from duygu.shared.exports.moments import HOLD_S
from duygu.shared.schemas.base import Box
from duygu.shared.schemas.result import Face, Result
from duygu.shared.vision.decode.video import Video
from duygu.shared.vision.options import DecodeLimits
from duygu.shared.vision.types import Detections, Floats, Frame, Image

SMALLEST = 20.0
"""Side of the smallest face, in pixels of the detection copy; facenet-pytorch's default."""

DETECTION_SIDE = 1080
"""Minimum shorter side of the detection copy, so that detection in 4K costs as much as in 1080p."""

DETECT_S = 0.12
"""Time between two detections of the smallest faces; in between, larger ones are detected and known ones refined."""

LARGER = 2 * SMALLEST
"""Side of the smallest face that every picture is searched for: a quarter of the time."""

CUT = 16.0
"""Mean difference of two pictures, of 255, from which they belong to different shots. The second is then searched."""

SPARSE = 16
"""Distance of the pixels that are compared."""

BEFORE_AND_AFTER_S = 0.3
"""Time for which an area counts before and after its picture."""

LONGEST_GAP_S = 2.0
"""Longest gap in the positions of a face over which its area moves on, as when it turns away."""

STEP_S = 0.1
"""Time between the areas in a gap."""


class FullDetector(Protocol):
    """A detector whose limits can be changed."""

    def detect(self, frame: Frame) -> Detections:
        """All faces of a picture."""
        ...

    def refine(self, frame: Frame, boxes: Floats) -> Detections:
        """Known faces of the previous picture; the score is 0 where a face is lost."""
        ...

    def with_limits(self, *, min_face: float, max_faces: int) -> "FullDetector":
        """The same for another smallest face, a share of the shorter side, and number of faces."""
        ...


class FaceAreas:
    """Boxes by time, in pixels of the upright video."""

    def __init__(self, boxes: Iterable[tuple[float, Box]]) -> None:
        """`boxes` with their times, in any order."""
        self._boxes = sorted(boxes)
        self._times = [time_s for time_s, _ in self._boxes]

    def at(self, time_s: float) -> list[Box]:
        """The boxes of all faces near a time. The boxes of a moving face cover its way."""
        first = bisect_left(self._times, time_s - BEFORE_AND_AFTER_S)
        last = bisect_right(self._times, time_s + BEFORE_AND_AFTER_S)
        return [box for _, box in self._boxes[first:last]]


def find_face_areas(
    video: Path,
    result: Result,
    detector: FullDetector,
    limits: DecodeLimits,
    *,
    on_progress: Callable[[float], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> FaceAreas:
    """The areas of the faces that the result has, excluded ones too, and of those that detection finds.

    result  as computed; edits do not change who is visible

    Raises a VideoError, and CancelledError once `should_stop` returns True.
    """
    found = [area for face in result.faces for area in _followed(face)]
    with Video(video, limits, None, DETECTION_SIDE, should_stop=should_stop) as pictures:
        search = _Search(detector)
        for frame in pictures:
            found += [(frame.time_s, box) for box in search.boxes(frame)]
            if on_progress:
                on_progress(min(frame.time_s / max(result.video.duration_s, 1e-3), 1.0))
    return FaceAreas(found)


class _Search:
    """Detection in every picture: of the smallest faces now and then and at cuts, else of larger and known ones."""

    def __init__(self, detector: FullDetector) -> None:
        self._detector = detector
        self._known: Floats = np.zeros((0, 4), np.float32)
        self._searched_s = -math.inf
        self._before: Image | None = None

    def boxes(self, frame: Frame) -> list[Box]:
        """The boxes of the faces in the next picture."""
        found = self._found(frame)
        self._known = found.boxes
        return boxes_of(found)

    def _found(self, frame: Frame) -> Detections:
        if self._is_cut(frame) or frame.time_s - self._searched_s >= DETECT_S:
            self._searched_s = frame.time_s
            return detected(self._detector, frame, SMALLEST)
        found = detected(self._detector, frame, LARGER)
        if not len(self._known):
            return found
        refined = self._detector.refine(frame, self._known)
        return Detections.joined([found, refined.take(refined.scores > 0)])

    def _is_cut(self, frame: Frame) -> bool:
        before, self._before = self._before, frame.sparse_rgb(SPARSE).copy()
        if before is None or before.shape != self._before.shape:
            return True
        return float(np.abs(self._before.astype(np.int16) - before).mean()) >= CUT


MAX_FACES = 100
"""Faces per picture; a crowd has no limit of those tracked."""


def detected(detector: FullDetector, frame: Frame, smallest: float) -> Detections:
    """Faces of at least this side, in pixels of the detection copy."""
    share = smallest / max(min(frame.small_size), smallest)
    return detector.with_limits(min_face=share, max_faces=MAX_FACES).detect(frame)


def boxes_of(found: Detections) -> list[Box]:
    """The boxes as x, y, width and height."""
    return [(x, y, right - x, bottom - y) for x, y, right, bottom in found.boxes.tolist()]


def _followed(face: Face) -> Iterator[tuple[float, Box]]:
    """The positions of a face, those in its gaps, and one before and after its visit."""
    positions = face.positions
    if not positions:
        return
    yield positions[0].time_s - HOLD_S, positions[0].box
    yield positions[-1].time_s + HOLD_S, positions[-1].box
    yield from ((position.time_s, position.box) for position in positions)
    for before, after in pairwise(positions):
        length_s = after.time_s - before.time_s
        if STEP_S < length_s <= LONGEST_GAP_S:
            for step in range(1, math.ceil(length_s / STEP_S)):
                share = step * STEP_S / length_s
                yield before.time_s + share * length_s, _between(before.box, after.box, share)


def _between(one: Sequence[float], other: Sequence[float], share: float) -> Box:
    x, y, width, height = (a + (b - a) * share for a, b in zip(one, other, strict=True))
    return x, y, width, height
