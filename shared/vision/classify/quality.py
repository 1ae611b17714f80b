"""What can be seen of a crop that makes its emotion less sure."""

import cv2
import numpy as np

from duygu.shared.schemas import Flag
from duygu.shared.vision.types import Floats, Image

SMALL_SIDE = 40.0
"""Longer side of the box in pixels of the video. Below it, less is known of the face than a 48 x 48 crop holds."""

DARK_LEVEL = 40.0
"""Mean grey level, of 255."""

BLURRED_DETAIL = 0.12
"""Standard deviation of the Laplacian inside the face over that of all pixels, on the crop at SHARPNESS_SIDE pixels."""

SHARPNESS_SIDE = 48

INSIDE = slice(10, -10)
"""Rows and columns of that crop that show eyes, nose and mouth alone. The outline of hair against a wall, even a
blurred one, has more detail than a blurred face, and hid it."""

PROFILE_OFFSET = 0.3
"""How far the nose may lie from the middle between the eyes, as a share of the distance between them."""


def judge(crop: Image, box: Floats, landmarks: Floats) -> frozenset[Flag]:
    """The flags that one crop deserves.

    crop       (size, size) grey
    box        (4,) and landmarks (5, 2), in pixels of the video
    """
    found = {
        Flag.SMALL: float((box[2:] - box[:2]).max()) < SMALL_SIDE,
        Flag.DARK: float(crop.mean()) < DARK_LEVEL,
        Flag.BLURRED: detail(crop) < BLURRED_DETAIL,
        Flag.PROFILE: abs(nose_offset(landmarks)) > PROFILE_OFFSET,
    }
    return frozenset(flag for flag, deserved in found.items() if deserved)


def detail(crop: Image) -> float:
    """How much of a crop's contrast lies in the finest detail of the face; 0 for a flat one."""
    if crop.shape[0] != SHARPNESS_SIDE:
        crop = np.asarray(cv2.resize(crop, (SHARPNESS_SIDE, SHARPNESS_SIDE), interpolation=cv2.INTER_AREA), np.uint8)
    contrast = float(crop.std())
    return float(cv2.Laplacian(crop, cv2.CV_32F)[INSIDE, INSIDE].std()) / contrast if contrast >= 1 else 0.0


def nose_offset(landmarks: Floats) -> float:
    """Where the nose lies along the line through the eyes: 0 in the middle, +-0.5 below an eye."""
    eyes = landmarks[1] - landmarks[0]
    length = float(eyes @ eyes)
    if length < 1:
        return 1.0
    return float((landmarks[2] - landmarks[0]) @ eyes) / length - 0.5
