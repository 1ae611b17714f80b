"""Annotated video: the frames of a video with the overlay of its result."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from duygu.shared.annotated.overlay import Overlay
from duygu.shared.annotated.paint import INK, Canvas
from duygu.shared.annotated.painted_video import LONGEST_SIDE as LONGEST_SIDE  # also for importers of this module
from duygu.shared.annotated.painted_video import even, size_within, write_painted_video
from duygu.shared.annotated.writer import Painted
from duygu.shared.schemas.result import Result
from duygu.shared.vision.options import DecodeLimits


def write_annotated_video(
    video: Path,
    result: Result,
    target: Path,
    limits: DecodeLimits,
    *,
    on_progress: Callable[[float], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> None:
    """Write an MP4 of the upright video with boxes, face ids and emotions, a timeline below, and its sound.

    Times, sound, memory and errors as of `write_painted_video`.
    """
    write_painted_video(
        video,
        _AnnotationPainter(result),
        target,
        limits,
        result.video.duration_s,
        on_progress=on_progress,
        should_stop=should_stop,
    )


class _AnnotationPainter:
    """Paints pictures with their overlay."""

    def __init__(self, result: Result) -> None:
        self._size = size_within(result.video.width, result.video.height)
        width, height = map(even, self._size)
        self._overlay = Overlay(result, width, height)
        self.painted = Painted(width, height + self._overlay.strip_height)
        self.painted.canvas[:] = INK

    def paint(self, picture: Canvas, time_s: float) -> None:
        """Draw a picture of any size with its overlay."""
        width, height = self._size
        if picture.shape[:2] != (height, width):
            picture = np.asarray(cv2.resize(picture, self._size, interpolation=cv2.INTER_AREA), np.uint8)
        self.painted.canvas[:height, :width] = picture
        self._overlay.paint(self.painted.canvas, time_s)
