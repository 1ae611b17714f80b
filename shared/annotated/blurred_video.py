"""Video in which no face can be recognised: each is covered by a colour of its surroundings.

A mosaic or a blur keeps information: networks recognise people in mosaics of 8 by 8 and in strong blurs (R. McPherson,
R. Shokri and V. Shmatikov, Defeating Image Obfuscation with Deep Learning, 2016). No pixel of a covered area is used
here, so nothing can be restored.
"""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from duygu.shared.annotated.face_areas import FaceAreas, FullDetector, find_face_areas
from duygu.shared.annotated.face_cover import FaceCover
from duygu.shared.annotated.paint import INK, Canvas
from duygu.shared.annotated.painted_video import even, size_within, write_painted_video
from duygu.shared.annotated.writer import Painted
from duygu.shared.schemas.base import Box
from duygu.shared.schemas.result import Result
from duygu.shared.vision.options import DecodeLimits

SEARCH_SHARE = 0.6
"""Of the time: searching faces; the rest is writing."""


def write_blurred_video(
    video: Path,
    result: Result,
    target: Path,
    detector: FullDetector,
    limits: DecodeLimits,
    *,
    on_progress: Callable[[float], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> None:
    """Write an MP4 of the upright video with every face covered, and its sound. The voice stays recognisable.

    result  as computed, without edits

    The video is read twice: its faces are searched in the whole video first. Times, sound, memory and errors as of
    `write_painted_video`.
    """
    report = on_progress or (lambda _share: None)
    areas = find_face_areas(
        video,
        result,
        detector,
        limits,
        on_progress=lambda share: report(share * SEARCH_SHARE),
        should_stop=should_stop,
    )
    write_painted_video(
        video,
        _CoverPainter(result, areas, detector),
        target,
        limits,
        result.video.duration_s,
        on_progress=lambda share: report(SEARCH_SHARE + share * (1 - SEARCH_SHARE)),
        should_stop=should_stop,
    )


class _CoverPainter:
    """Paints pictures with all faces covered."""

    def __init__(self, result: Result, areas: FaceAreas, detector: FullDetector) -> None:
        self._areas, self._cover = areas, FaceCover(detector)
        self._size = size_within(result.video.width, result.video.height)
        self._scale = self._size[0] / max(result.video.width, 1), self._size[1] / max(result.video.height, 1)
        self.painted = Painted(*map(even, self._size))
        self.painted.canvas[:] = INK

    def paint(self, picture: Canvas, time_s: float) -> None:
        """Draw a picture of any size without its faces."""
        width, height = self._size
        if picture.shape[:2] != (height, width):
            picture = np.asarray(cv2.resize(picture, self._size, interpolation=cv2.INTER_AREA), np.uint8)
        canvas = self.painted.canvas[:height, :width]
        canvas[:] = picture
        self._cover.hide(canvas, [self._scaled(box) for box in self._areas.at(max(time_s, 0.0))])

    def _scaled(self, box: Box) -> Box:
        across, down = self._scale
        x, y, width, height = box
        return x * across, y * down, width * across, height * down
