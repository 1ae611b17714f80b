"""The timeline of a result as a PNG picture."""

import cv2
import numpy as np

from shared.exports.spans import shares_of, spans_of
from shared.film.paint import INK, PAPER, Canvas, colour_of, paint_lane, width_of, write
from shared.schemas import Face, Result

WIDTH, GUTTER, MARGIN = 1600, 250, 40
"""Pixels of the picture, of the names on its left, and around everything."""

HEAD, LANE, GAP, FOOT = 110, 90, 30, 70
"""Pixels of the legend, of a face's lane, between lanes, and of the time axis."""

MAX_LANES = 40
"""A picture of more faces than this would be too tall to look at; those that are seen first are shown."""

SOFT = (85, 91, 102)
RULE = (220, 220, 214)

STEPS_S = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1200, 1800, 3600)
LEAST_STEP = 90
"""Pixels between two marks of the time axis, at least."""


def timeline_png(result: Result) -> bytes:
    """A lane a face, with its share of time for each emotion, over a time axis."""
    faces = result.faces[:MAX_LANES]
    height = HEAD + max(len(faces), 1) * (LANE + GAP) + FOOT
    canvas = np.full((height, WIDTH, 3), PAPER, np.uint8)
    _legend(canvas, result.model.labels)
    _axis(canvas, result.video.duration_s)
    for row, face in enumerate(faces):
        _lane(canvas, face, HEAD + row * (LANE + GAP), result.video.duration_s)
    if not faces:
        write(canvas, "No face was found in this video", GUTTER, HEAD + LANE // 2, 20, SOFT)
    _, content = cv2.imencode(".png", np.ascontiguousarray(canvas[..., ::-1]), [cv2.IMWRITE_PNG_COMPRESSION, 6])
    return content.tobytes()


def _legend(canvas: Canvas, labels: list[str]) -> None:
    left = GUTTER
    for label in labels:
        canvas[MARGIN : MARGIN + 20, left : left + 20] = colour_of(label)
        write(canvas, label, left + 30, MARGIN + 18, 16, INK)
        left += width_of(label, 16) + 66
    write(canvas, "hatched: uncertain", left, MARGIN + 18, 16, SOFT)


def _axis(canvas: Canvas, duration_s: float) -> None:
    scale = (WIDTH - GUTTER - MARGIN) / max(duration_s, 1e-3)
    step = next((step for step in STEPS_S if step * scale >= LEAST_STEP), STEPS_S[-1])
    bottom = len(canvas) - FOOT
    for index in range(int(duration_s / step) + 1):
        left = GUTTER + round(index * step * scale)
        canvas[HEAD - 20 : bottom, left] = RULE
        write(canvas, _clock(index * step, step), left - 12, bottom + 30, 14, SOFT)


def _clock(time_s: float, step: float) -> str:
    minutes, seconds = divmod(time_s, 60)
    return f"{int(minutes)}:{seconds:04.1f}" if step < 1 else f"{int(minutes)}:{int(seconds):02}"


def _lane(canvas: Canvas, face: Face, top: int, duration_s: float) -> None:
    write(canvas, f"Face {face.face_id}", MARGIN, top + 34, 18, INK)
    for line, (emotion, share) in enumerate(list(shares_of(face).items())[:2]):
        write(canvas, f"{emotion} {share:.0%}", MARGIN, top + 62 + 24 * line, 13, SOFT)
    paint_lane(canvas[top : top + LANE, GUTTER : WIDTH - MARGIN], spans_of(face), duration_s)
    canvas[top + LANE, GUTTER : WIDTH - MARGIN] = SOFT
