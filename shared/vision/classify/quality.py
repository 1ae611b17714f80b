"""Quality flags of crops: conditions under which the emotion is less reliable."""

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from duygu.shared.schemas.result import Flag
from duygu.shared.vision.types import Floats, Image

SMALL_SIDE = 40.0
"""Minimum longer side of the box, in pixels of the video. A smaller face has less detail than a 48 x 48 crop."""

DARK_LEVEL = 40.0
"""Minimum mean grey level, of 255."""

BLURRED_DETAIL = 0.12
"""Minimum ratio of the Laplacian's standard deviation inside the face to the standard deviation of all pixel values, at
SHARPNESS_SIDE pixels."""

SHARPNESS_SIDE = 48

INSIDE = slice(10, -10)
"""Rows and columns of that crop with eyes, nose and mouth only. The outline of the hair has more detail than a blurred
face, even when it is blurred itself, and would hide the blur."""

PROFILE_OFFSET = 0.3
"""Maximum distance of the nose from the midpoint between the eyes, as a share of the distance between the eyes."""


def quality_flags(crop: Image, box: Floats, landmarks: Floats) -> frozenset[Flag]:
    """Quality flags of one crop.

    crop       (size, size) grey
    box        (4,) and landmarks (5, 2), in pixels of the video
    """
    found = {
        Flag.SMALL: float((box[2:] - box[:2]).max()) < SMALL_SIDE,
        Flag.DARK: cv2.mean(crop)[0] < DARK_LEVEL,
        Flag.BLURRED: detail(crop) < BLURRED_DETAIL,
        Flag.PROFILE: abs(nose_offset(landmarks)) > PROFILE_OFFSET,
    }
    return frozenset(flag for flag, is_set in found.items() if is_set)


def detail(crop: Image) -> float:
    """Ratio of the finest detail inside the face to the contrast of the crop; 0 for a flat crop."""
    if crop.shape[0] != SHARPNESS_SIDE:
        crop = np.asarray(cv2.resize(crop, (SHARPNESS_SIDE, SHARPNESS_SIDE), interpolation=cv2.INTER_AREA), np.uint8)
    contrast = _deviation(crop)
    return _deviation(cv2.Laplacian(crop, cv2.CV_32F)[INSIDE, INSIDE]) / contrast if contrast >= 1 else 0.0


def _deviation(pixels: npt.NDArray[Any]) -> float:
    """Standard deviation. For pictures of this size, OpenCV is several times as fast as numpy."""
    return float(cv2.meanStdDev(pixels)[1][0, 0])


def nose_offset(landmarks: Floats) -> float:
    """Position of the nose along the line through the eyes: 0 at the midpoint, +-0.5 below an eye."""
    eyes = landmarks[1] - landmarks[0]
    length = float(eyes @ eyes)
    if length < 1:
        return 1.0
    return float((landmarks[2] - landmarks[0]) @ eyes) / length - 0.5
