"""What is painted over one picture of a video: boxes with words, and the timeline below."""

from dataclasses import dataclass

import cv2
import numpy as np

from shared.exports.moments import box_at, span_at
from shared.exports.selection import most_seen
from shared.exports.spans import Span, spans_of
from shared.film.paint import INK, PAPER, Canvas, colour_of, paint_lane, width_of, write
from shared.schemas import Box, Face, Result

MAX_LANES = 6
"""Faces that have a lane below the picture: those that are seen longest."""

UNKNOWN = (168, 178, 177)
"""Colour of a face that no window speaks for yet."""


@dataclass(frozen=True, slots=True)
class _Followed:
    face: Face
    spans: list[Span]


class Overlay:
    """Paints a result over the pictures of its video, at one size."""

    def __init__(self, result: Result, width: int, height: int) -> None:
        """`width` and `height` of the picture, in pixels; a canvas is `strip_height` taller."""
        self._faces = [_Followed(face, spans_of(face)) for face in result.faces]
        self._duration_s = result.video.duration_s
        self._scale = (width / max(result.video.width, 1), height / max(result.video.height, 1))
        self._letters = max(8.0, height / 48)
        self._width, self._height = width, height
        self._strip = self._lanes(most_seen(result, MAX_LANES).faces)
        self.strip_height = len(self._strip)

    def paint(self, canvas: Canvas, time_s: float) -> None:
        """Paint over a canvas whose upper part holds the picture of this time."""
        for followed in self._faces:
            box = box_at(followed.face.positions, time_s)
            if box is not None:
                self._box(canvas, followed, box, time_s)
        strip = canvas[self._height : self._height + self.strip_height, : self._width]
        strip[:] = self._strip
        left = self._gutter + round(time_s / max(self._duration_s, 1e-3) * (self._width - self._gutter))
        strip[:, max(left - 1, 0) : left + 1] = PAPER

    @property
    def _gutter(self) -> int:
        return round(self._letters * 3)

    def _lanes(self, faces: list[Face]) -> Canvas:
        """The timeline without its playhead; its height is even, as video wants it."""
        lane = round(self._letters * 3)
        strip = np.full((-(-max(len(faces), 1) * lane // 2) * 2, self._width, 3), INK, np.uint8)
        for row, face in enumerate(faces):
            top = row * lane
            write(strip, str(face.face_id), 4, round(top + lane * 0.7), self._letters, PAPER)
            paint_lane(strip[top + 2 : top + lane, self._gutter :], spans_of(face), self._duration_s)
        return strip

    def _box(self, canvas: Canvas, followed: _Followed, box: Box, time_s: float) -> None:
        span = span_at(followed.spans, time_s)
        colour = colour_of(span.window.emotion) if span else UNKNOWN
        (across, down), (x, y, width, height) = self._scale, box
        start = (round(x * across), round(y * down))
        end = (round((x + width) * across), round((y + height) * down))
        picture = canvas[: self._height, : self._width]
        cv2.rectangle(picture, start, end, colour, max(2, round(self._height / 240)), cv2.LINE_AA)
        self._words(picture, _words(followed.face.face_id, span), start)

    def _words(self, picture: Canvas, words: str, corner: tuple[int, int]) -> None:
        """Above the box where there is room, else within it."""
        pad = round(self._letters * 0.5)
        height, width = round(self._letters + 2 * pad), width_of(words, self._letters) + 2 * pad
        left = min(max(corner[0], 0), max(self._width - width, 0))
        top = corner[1] - height if corner[1] >= height else max(corner[1], 0)
        picture[top : top + height, left : left + width] = INK
        write(picture, words, left + pad, top + height - pad, self._letters, PAPER)


def _words(face_id: int, span: Span | None) -> str:
    if span is None:
        return f"{face_id}"
    doubt = "?" if span.window.uncertain else ""
    return f"{face_id} {span.window.emotion}{doubt} {span.window.confidence:.0%}"
