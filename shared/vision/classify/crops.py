"""From a frame with a box to the network's input: the same few functions in training and in serving."""

import cv2
import numpy as np
import numpy.typing as npt

from duygu.shared.model.recipe import Recipe
from duygu.shared.vision.types import Area, Floats, Frame, Image

MAX_OVERSAMPLING = 4
"""A crop is warped at up to this many times its size and then averaged down, so that large faces do not alias."""

MIN_DEVIATION = 1.0
"""Grey levels; a flat crop is not blown up into noise."""


AROUND = 0.75
"""Half of what is seen of a frame for a crop, in sides of it: its corners, however it is turned, are nearer."""


def crop_of(frame: Frame, box: Floats, landmarks: Floats, recipe: Recipe) -> Image:
    """Cut one face out of a frame, looking at no more of it than is needed: (size, size) uint8."""
    left, top, *_ = area = _around(frame.size, box, recipe)
    corner = np.array([left, top], np.float32)
    return crop_face(frame.grey_part(area), box - np.concatenate([corner, corner]), landmarks - corner, recipe)


def _around(size: tuple[int, int], box: Floats, recipe: Recipe) -> Area:
    """All of the frame that a crop of this box can show, at least one pixel."""
    reach = AROUND * max(float((box[2:] - box[:2]).max()) * (1 + recipe.margin), 1.0) + 2
    centre = (box[:2] + box[2:]) / 2
    left, top = (int(np.clip(at - reach, 0, side - 1)) for at, side in zip(centre, size, strict=True))
    right, bottom = (int(np.clip(at + reach + 1, 1, side)) for at, side in zip(centre, size, strict=True))
    return left, top, right, bottom


def crop_face(grey: Image, box: Floats, landmarks: Floats, recipe: Recipe) -> Image:
    """Cut one face out of a picture.

    grey       (H, W) full-range luma
    box        (4,) x1, y1, x2, y2 in its pixels; may reach over the border, where the edge pixels repeat
    landmarks  (5, 2); only the eyes are used, and only by `align = "eyes"`
    returns    (size, size) uint8
    """
    side = float(max(box[2] - box[0], box[3] - box[1])) * (1.0 + recipe.margin)
    side = max(side, 1.0)
    centre_x, centre_y = float(box[0] + box[2]) / 2, float(box[1] + box[3]) / 2
    angle = eye_angle(landmarks) if recipe.align == "eyes" else 0.0
    factor = int(np.clip(round(side / recipe.size), 1, MAX_OVERSAMPLING))
    target = recipe.size * factor
    step = side / target  # pixels of the frame for one pixel of the warped crop
    cos, sin = np.cos(angle) * step, np.sin(angle) * step
    half = (target - 1) / 2
    inverse = np.array(  # maps a pixel of the crop to a point of the frame
        [[cos, -sin, centre_x - 0.5 - (cos - sin) * half], [sin, cos, centre_y - 0.5 - (sin + cos) * half]]
    )
    warped = cv2.warpAffine(
        grey,
        inverse,
        (target, target),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    if factor > 1:
        warped = cv2.resize(warped, (recipe.size, recipe.size), interpolation=cv2.INTER_AREA)
    return np.asarray(warped, np.uint8)


def eye_angle(landmarks: Floats) -> float:
    """Angle of the line through the eyes, in radians, positive clockwise as seen; 0 for a level face."""
    dx, dy = (float(value) for value in landmarks[1] - landmarks[0])
    return float(np.arctan2(dy, dx)) if dx or dy else 0.0


def normalise(clips: npt.NDArray[np.uint8], recipe: Recipe) -> Floats:
    """(..., frames, size, size) uint8 crops -> (..., frames, size, size, 1) float32, as the recipe says."""
    pixels = clips.astype(np.float32)
    if recipe.normalisation == "dataset":
        scaled = (pixels - recipe.mean) / recipe.deviation
    else:
        scaled = standardise(pixels, (-3, -2, -1) if recipe.normalisation == "clip" else (-2, -1))
    return np.ascontiguousarray(scaled[..., np.newaxis], np.float32)


def standardise(pixels: Floats, axes: tuple[int, ...] = (-2, -1)) -> Floats:
    """Zero mean and unit deviation over these axes: by default those of one picture."""
    mean = pixels.mean(axis=axes, keepdims=True)
    deviation = pixels.std(axis=axes, keepdims=True)
    return np.asarray((pixels - mean) / np.maximum(deviation, MIN_DEVIATION), np.float32)
