"""What the annotated video and the plot are painted with. Canvases are (H, W, 3) uint8 RGB and change in place."""

import cv2
import numpy as np
import numpy.typing as npt

from shared.exports.palette import PALETTE
from shared.exports.spans import Span
from shared.film.tag_layout import Rect

Canvas = npt.NDArray[np.uint8]
Colour = tuple[int, int, int]

FONT = cv2.FONT_HERSHEY_DUPLEX
FONT_HEIGHT = 22.0
"""Height of a capital of FONT at scale 1, in pixels."""

INK: Colour = (21, 23, 28)
PAPER: Colour = (255, 255, 255)

HATCH_STEP, HATCH_WIDTH, HATCH_WEIGHT = 8, 3, 0.62
"""Distance and width of the lines over uncertain parts in pixels, and how much of the colour they cover."""

DASH, DASH_SHARE = 6, 0.6
"""Length of a dash with its gap as a multiple of the line's thickness, and the share of it that is drawn."""


def colour_of(emotion: str) -> Colour:
    """RGB."""
    digits = PALETTE[emotion].lstrip("#")
    return int(digits[0:2], 16), int(digits[2:4], 16), int(digits[4:6], 16)


def write(canvas: Canvas, text: str, left: int, base: int, height: float, colour: Colour) -> None:
    """Write on one line; `height` of a capital in pixels, `base` its lower edge. What FONT lacks becomes `?`."""
    scale, thickness = height / FONT_HEIGHT, max(1, round(height / 14))
    cv2.putText(canvas, text, (left, base), FONT, scale, colour, thickness, cv2.LINE_AA)


def width_of(text: str, height: float) -> int:
    """Pixels that `write` takes."""
    (width, _), _ = cv2.getTextSize(text, FONT, height / FONT_HEIGHT, max(1, round(height / 14)))
    return int(width)


def outline(canvas: Canvas, box: Rect, colour: Colour, thickness: int, *, dashed: bool = False) -> None:
    """Draw the edges of a box; it may reach over the border of the canvas."""
    left, top, right, bottom = (round(edge) for edge in (box.left, box.top, box.right, box.bottom))
    corners = [(left, top), (right, top), (right, bottom), (left, bottom)]
    cv2.rectangle(
        canvas, corners[0], corners[2], INK, 2 * thickness, cv2.LINE_AA
    )  # so that it shows on bright pictures
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
    """Fill a part of a canvas with a face's timeline: colour by emotion, height by confidence, hatched where unsure."""
    height, width = canvas.shape[:2]
    scale = width / max(duration_s, 1e-3)
    for span in spans:
        left, right = round(span.start_s * scale), round(span.end_s * scale)
        top = height - max(2, round(span.window.confidence * height))
        bar = canvas[top:, left : max(right - 1, left + 1)]
        bar[:] = colour_of(span.window.emotion)
        if span.window.uncertain:
            _hatch(bar, left, top)


def _hatch(bar: Canvas, left: int, top: int) -> None:
    rows, columns = np.indices(bar.shape[:2])
    lines = (rows + top + columns + left) % HATCH_STEP < HATCH_WIDTH
    bar[lines] = (bar[lines] * (1 - HATCH_WEIGHT) + 255 * HATCH_WEIGHT).astype(np.uint8)
