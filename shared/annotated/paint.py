"""Drawing functions of the annotated video and the plot. Canvases are (H, W, 3) uint8 RGB, modified in place."""

from functools import lru_cache
from math import ceil

import cv2
import numpy as np
import numpy.typing as npt

from duygu.shared.annotated.tag_layout import Rect
from duygu.shared.exports.letters import Glyph, placed, text_width
from duygu.shared.exports.palette import colour_of as colour_text
from duygu.shared.exports.spans import Span

Canvas = npt.NDArray[np.uint8]
Colour = tuple[int, int, int]

INK: Colour = (21, 23, 28)
PAPER: Colour = (255, 255, 255)

HATCH_STEP, HATCH_WIDTH = 8, 3
"""Distance and width of the hatching lines of uncertain parts, in pixels."""

SHARPNESS = 4
"""Oversampling factor of letters, for antialiasing."""

DASH, DASH_SHARE = 6, 0.6
"""Period of a dashed line as a multiple of its thickness, and the share of it that is drawn."""


def colour_of(emotion: str) -> Colour:
    """RGB colour of an emotion."""
    return rgb_of(colour_text(emotion))


def rgb_of(text: str) -> Colour:
    """RGB colour of `#rrggbb`."""
    return int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16)


def draw_text(canvas: Canvas, text: str, left: int, base: int, height: float, colour: Colour) -> None:
    """Draw one line of text, clipped to the canvas; `height` of a capital in pixels, `base` its lower edge."""
    cover, above = _letters(text, height)
    top, rows, columns = base - above, *canvas.shape[:2]
    first_row, first_column = max(-top, 0), max(-left, 0)
    cover = cover[first_row : max(rows - top, 0), first_column : max(columns - left, 0), np.newaxis]
    area = canvas[top + first_row :, left + first_column :][: cover.shape[0], : cover.shape[1]]
    area[:] = (area * (255 - cover) + np.array(colour, np.uint16) * cover) // 255


def width_of(text: str, height: float) -> int:
    """Width of a text drawn by `draw_text`, in pixels."""
    return ceil(text_width(text, height))


@lru_cache(maxsize=1024)
def _letters(text: str, height: float) -> tuple[npt.NDArray[np.uint16], int]:
    """Coverage mask of a text, 0..255, and the number of its rows above the base line."""
    above, below = ceil(height * 1.6), ceil(height * 0.5)
    size = above + below, width_of(text, height) + ceil(height * 0.3)
    cover = np.zeros((size[0] * SHARPNESS, size[1] * SHARPNESS), np.uint8)
    for left, scale, glyph in placed(text, height):
        for points, level in _filled(glyph):
            across, up = (left + points[:, 0] * scale, points[:, 1] * scale)
            corners = np.stack([across, above - up], axis=1) * SHARPNESS
            cv2.fillPoly(cover, [np.round(corners * 16).astype(np.int32)], level, cv2.LINE_8, shift=4)
    return np.asarray(cv2.resize(cover, size[::-1], interpolation=cv2.INTER_AREA), np.uint16), above


def _filled(glyph: Glyph) -> list[tuple[npt.NDArray[np.float64], int]]:
    """Polygons of a letter with their fill values: first the bodies, then the holes."""
    polygons = [np.array(polygon, np.float64) for polygon in glyph.polygons]
    turning = [np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y) for x, y in (polygon.T for polygon in polygons)]
    bodies = [(polygon, 255) for polygon, area in zip(polygons, turning, strict=True) if area < 0]
    return bodies + [(polygon, 0) for polygon, area in zip(polygons, turning, strict=True) if area >= 0]


def outline(canvas: Canvas, box: Rect, colour: Colour, thickness: int, *, dashed: bool = False) -> None:
    """Draw the edges of a box, which can extend beyond the canvas."""
    left, top, right, bottom = (round(edge) for edge in (box.left, box.top, box.right, box.bottom))
    corners = [(left, top), (right, top), (right, bottom), (left, bottom)]
    cv2.rectangle(canvas, corners[0], corners[2], INK, 2 * thickness, cv2.LINE_AA)  # contrast on similar colours
    if not dashed:
        cv2.rectangle(canvas, corners[0], corners[2], colour, thickness, cv2.LINE_AA)
        return
    for (x, y), (end_x, end_y) in zip(corners, corners[1:] + corners[:1], strict=True):
        dashes = max(1, round(max(abs(end_x - x), abs(end_y - y)) / (DASH * thickness)))
        for dash in range(dashes):
            ends = [(dash + share) / dashes for share in (0.0, DASH_SHARE)]
            start, end = ((round(x + (end_x - x) * at), round(y + (end_y - y) * at)) for at in ends)
            cv2.line(canvas, start, end, colour, thickness)


def paint_lane(canvas: Canvas, spans: list[Span], duration_s: float) -> None:
    """Draw a face's timeline: colour by emotion, height by confidence, hatched where uncertain."""
    height, width = canvas.shape[:2]
    scale = width / max(duration_s, 1e-3)
    for span in spans:
        left, right = round(span.start_s * scale), round(span.end_s * scale)
        top = height - max(2, round(span.window.confidence * height))
        bar = canvas[top:, left : max(right - 1, left + 1)]
        if span.window.uncertain:
            hatch(bar, colour_of(span.window.emotion), INK, left, top)
        else:
            bar[:] = colour_of(span.window.emotion)


def hatch(bar: Canvas, colour: Colour, ground: Colour, left: int, top: int) -> None:
    """Fill an area with lines; `left` and `top` are its position, so that the lines of adjacent areas align."""
    rows, columns = np.indices(bar.shape[:2])
    lines = np.less((rows + top + columns + left) % HATCH_STEP, HATCH_WIDTH)[..., np.newaxis]
    bar[:] = np.where(lines, np.array(colour, np.uint8), np.array(ground, np.uint8))
