"""Video in which no face can be recognised: each is covered by a colour of its surroundings.

A mosaic or a blur keeps information: networks recognise people in mosaics of 8 by 8 and in strong blurs (R. McPherson,
R. Shokri and V. Shmatikov, Defeating Image Obfuscation with Deep Learning, 2016). No pixel of a covered area is used
here, so nothing can be restored.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from duygu.shared.annotated.face_areas import (
    LARGER,
    SMALLEST,
    FaceAreas,
    FullDetector,
    boxes_of,
    detected,
    find_face_areas,
)
from duygu.shared.annotated.paint import INK, Canvas
from duygu.shared.annotated.painted_video import even, size_within, write_painted_video
from duygu.shared.annotated.writer import Painted
from duygu.shared.schemas.base import Box
from duygu.shared.schemas.result import Result
from duygu.shared.vision.decode.images import to_frame
from duygu.shared.vision.options import DecodeLimits

MARGIN = 0.35
"""Widening of a box on each side, in its width and height, so that hair, ears and chin are covered."""

RING = 0.1
"""Width of the surroundings whose mean colour covers an area, in sides of the area."""

GREY = 128
"""Colour of an area without surroundings."""

CHECKS = 6
"""Maximum number of times that a covered picture is searched again."""

QUALITIES = (40, 75)
"""JPEG qualities of the copies that are searched too, as compression can make something look like a face."""

SEARCH_SHARE = 0.6
"""Of the time: searching faces; the rest is writing."""

Mask = npt.NDArray[np.bool_]


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
        self._areas, self._detector = areas, detector
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
        cover(canvas, [self._scaled(box) for box in self._areas.at(max(time_s, 0.0))])
        for _ in range(CHECKS):
            if not (left := self._left(canvas)):
                break
            cover(canvas, left)

    def _left(self, canvas: Canvas) -> list[Box]:
        """What still looks like a face, in the picture or once it is compressed."""
        pixels = np.ascontiguousarray(canvas[..., ::-1])
        share = SMALLEST / max(min(self._size), SMALLEST)
        frames = (to_frame(one, 0, 0.0, share) for one in (pixels, *_compressed(pixels)))
        return [box for frame in frames for box in boxes_of(detected(self._detector, frame, LARGER))]

    def _scaled(self, box: Box) -> Box:
        across, down = self._scale
        x, y, width, height = box
        return x * across, y * down, width * across, height * down


def _compressed(pixels: Canvas) -> Iterator[Canvas]:
    """Copies of a picture with losses like those of the encoder."""
    for quality in QUALITIES:
        _, content = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])
        yield np.asarray(cv2.imdecode(content, cv2.IMREAD_COLOR), np.uint8)


def cover(picture: Canvas, boxes: list[Box]) -> None:
    """Cover the widened boxes, each by the mean colour of its surroundings outside all of them."""
    parts = [part for box in boxes if (part := _part(picture, box))]
    hidden: Mask = np.zeros(picture.shape[:2], np.bool_)
    for part in parts:
        hidden[part] = True
    colours = [_surroundings(picture, hidden, part) for part in parts]
    for part, colour in zip(parts, colours, strict=True):
        picture[part] = colour


Part = tuple[slice, slice]


def _part(picture: Canvas, box: Box) -> Part | None:
    """Rows and columns of a widened box; None if it is outside the picture."""
    x, y, width, height = box
    across, down = width * MARGIN, height * MARGIN
    left, right = _within(x - across, x + width + across, picture.shape[1])
    top, bottom = _within(y - down, y + height + down, picture.shape[0])
    return (slice(top, bottom), slice(left, right)) if left < right and top < bottom else None


def _within(start: float, end: float, length: int) -> tuple[int, int]:
    """Whole pixels that contain a stretch, within a side of the picture."""
    return min(max(int(np.floor(start)), 0), length), min(max(int(np.ceil(end)), 0), length)


def _surroundings(picture: Canvas, hidden: Mask, part: Part) -> npt.NDArray[np.uint8] | int:
    """Mean colour of the pixels around a part that no face covers."""
    rows, columns = part
    edge = max(2, round(max(rows.stop - rows.start, columns.stop - columns.start) * RING))
    around = (
        slice(max(rows.start - edge, 0), rows.stop + edge),
        slice(max(columns.start - edge, 0), columns.stop + edge),
    )
    seen = picture[around][~hidden[around]]
    return np.asarray(seen.mean(axis=0).round(), np.uint8) if len(seen) else GREY
