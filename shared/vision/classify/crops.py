"""Face crops and their normalisation. Training and inference use the same functions."""

import math

import cv2
import numpy as np
import numpy.typing as npt

from duygu.shared.model.recipe import Recipe
from duygu.shared.vision.types import Area, Floats, Frame, Image

MAX_OVERSAMPLING = 4
"""Maximum oversampling factor. Crops of large faces are warped at a multiple of their size and averaged to avoid
aliasing."""

MIN_DEVIATION = 1.0
"""Lower bound of the standard deviation, in grey levels, so that noise of a flat crop is not amplified."""


AROUND = 0.75
"""Half the side of the area that is read for a crop, in sides of the crop. It contains the corners of a rotated
crop."""


def crop_of(frame: Frame, box: Floats, landmarks: Floats, recipe: Recipe) -> Image:
    """Crop a face from a frame, reading only the necessary area: (size, size) uint8."""
    left, top, *_ = area = _around(frame.size, box, recipe)
    corner = np.array([left, top], np.float32)
    return crop_face(frame.grey_part(area), box - np.concatenate([corner, corner]), landmarks - corner, recipe)


def _around(size: tuple[int, int], box: Floats, recipe: Recipe) -> Area:
    """The area of the frame that a crop of this box can show, at least one pixel."""
    reach = AROUND * max(float((box[2:] - box[:2]).max()) * (1 + recipe.margin), 1.0) + 2
    centre = (box[:2] + box[2:]) / 2
    width, height = size
    left, top = int(min(max(centre[0] - reach, 0), width - 1)), int(min(max(centre[1] - reach, 0), height - 1))
    right, bottom = int(min(max(centre[0] + reach + 1, 1), width)), int(min(max(centre[1] + reach + 1, 1), height))
    return left, top, right, bottom


def crop_face(grey: Image, box: Floats, landmarks: Floats, recipe: Recipe) -> Image:
    """Crop a face from a picture.

    grey       (H, W) full-range luma
    box        (4,) x1, y1, x2, y2 in its pixels; beyond the border, edge pixels are replicated
    landmarks  (5, 2); only the eyes are used, and only for `align = "eyes"`
    returns    (size, size) uint8
    """
    side = float(max(box[2] - box[0], box[3] - box[1])) * (1.0 + recipe.margin)
    side = max(side, 1.0)
    centre_x, centre_y = float(box[0] + box[2]) / 2, float(box[1] + box[3]) / 2
    angle = eye_angle(landmarks) if recipe.align == "eyes" else 0.0
    factor = min(max(round(side / recipe.size), 1), MAX_OVERSAMPLING)
    target = recipe.size * factor
    step = side / target  # pixels of the frame per pixel of the warped crop
    cos, sin = math.cos(angle) * step, math.sin(angle) * step
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
    """Angle of the line through the eyes in radians, positive clockwise in the image; 0 for an upright face."""
    dx, dy = (float(value) for value in landmarks[1] - landmarks[0])
    return math.atan2(dy, dx) if dx or dy else 0.0


def normalise(clips: npt.NDArray[np.uint8], recipe: Recipe) -> Floats:
    """Normalise crops by the recipe: (..., frames, size, size) uint8 -> (..., frames, size, size, 1) float32."""
    pixels = clips.astype(np.float32)
    if recipe.normalisation == "dataset":
        scaled = (pixels - recipe.mean) / recipe.deviation
    else:
        scaled = standardise(pixels, (-3, -2, -1) if recipe.normalisation == "clip" else (-2, -1))
    return np.ascontiguousarray(scaled[..., np.newaxis], np.float32)


def standardise(pixels: Floats, axes: tuple[int, ...] = (-2, -1)) -> Floats:
    """Scale to zero mean and unit deviation over these axes, by default per picture."""
    mean = pixels.mean(axis=axes, keepdims=True)
    deviation = pixels.std(axis=axes, keepdims=True)
    return np.asarray((pixels - mean) / np.maximum(deviation, MIN_DEVIATION), np.float32)
