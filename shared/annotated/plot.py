"""Timeline of a result as a PNG image, drawn from the figure of duygu.shared.exports.figure."""

import cv2
import numpy as np

from duygu.shared.annotated.paint import Canvas, draw_text, hatch, rgb_of
from duygu.shared.exports.figure import PAPER, Bar, timeline
from duygu.shared.schemas.result import Result
from duygu.shared.workbench.edits.editing import visible


def timeline_png(result: Result) -> bytes:
    """Draw the timeline: one lane per face with its shares of time per emotion, over a time axis."""
    figure = timeline(visible(result))
    canvas: Canvas = np.full((figure.height, figure.width, 3), rgb_of(PAPER), np.uint8)
    for item in figure.items:
        if not isinstance(item, Bar):
            draw_text(canvas, item.text, round(item.left), round(item.base), item.capital, rgb_of(item.colour))
            continue
        left, top = round(item.left), round(item.top)
        area = canvas[top : top + round(item.height), left : left + round(item.width)]
        if item.hatched:
            hatch(area, rgb_of(item.colour), rgb_of(PAPER), left, top)
        else:
            area[:] = rgb_of(item.colour)
    _, content = cv2.imencode(".png", np.ascontiguousarray(canvas[..., ::-1]), [cv2.IMWRITE_PNG_COMPRESSION, 6])
    return content.tobytes()
