"""Covers faces in a picture by the colour of their surroundings, until nothing looks like a face any more."""

from collections.abc import Iterator, Sequence

import cv2
import numpy as np
import numpy.typing as npt

from duygu.shared.annotated.face_areas import LARGER, SMALLEST, FullDetector, boxes_of, detected
from duygu.shared.annotated.paint import Canvas
from duygu.shared.schemas.base import Box
from duygu.shared.vision.decode.pictures.decoding import to_frame

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

Mask = npt.NDArray[np.bool_]


class FaceCover:
    """Covers known faces, and those that a detector finds."""

    def __init__(self, detector: FullDetector) -> None:
        self._detector = detector

    def hide(self, picture: Canvas, known: Sequence[Box] = (), smallest: float = LARGER) -> None:
        """Cover all faces of a picture, in place.

        picture   (H, W, 3) RGB
        known     boxes to cover before the picture is searched
        smallest  side of the smallest face that is searched, in pixels
        """
        cover(picture, known)
        for _ in range(CHECKS):
            if not (left := self._left(picture, smallest)):
                break
            cover(picture, left)

    def _left(self, picture: Canvas, smallest: float) -> list[Box]:
        """What still looks like a face, in the picture or once it is compressed."""
        pixels = np.ascontiguousarray(picture[..., ::-1])
        share = SMALLEST / max(min(picture.shape[:2]), SMALLEST)
        frames = (to_frame(one, 0, 0.0, share) for one in (pixels, *_compressed(pixels)))
        return [box for frame in frames for box in boxes_of(detected(self._detector, frame, smallest))]


def _compressed(pixels: Canvas) -> Iterator[Canvas]:
    """Copies of a picture with losses like those of the encoder."""
    for quality in QUALITIES:
        _, content = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])
        yield np.asarray(cv2.imdecode(content, cv2.IMREAD_COLOR), np.uint8)


def cover(picture: Canvas, boxes: Sequence[Box]) -> None:
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
