"""Pictures that come as files of their own, a webcam's or a data set's, made into what the engine looks at."""

import cv2
import numpy as np

from shared.errors import UndecodablePictureError
from shared.vision.decoder import detection_side
from shared.vision.types import Image, PictureFrame


def decode(picture: bytes) -> Image:
    """(h, w, 3) BGR, upright. Raises UndecodablePictureError."""
    try:
        pixels = cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error as error:
        raise UndecodablePictureError from error
    if pixels is None:
        raise UndecodablePictureError
    return np.asarray(pixels, np.uint8)


def to_frame(pixels: Image, index: int, time_s: float, min_face: float) -> PictureFrame:
    """The two pictures that the engine looks at, made as for a file: see shared/vision/pictures.py.

    min_face  the smallest face that is looked for, as a share of the shorter side
    """
    height, width = pixels.shape[:2]
    divisor = max(1, min(width, height) // detection_side(min_face))
    small = pixels
    if divisor > 1:
        size = (max(1, round(width / divisor)), max(1, round(height / divisor)))
        small = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
    rgb = np.asarray(cv2.cvtColor(small, cv2.COLOR_BGR2RGB), np.uint8)
    return PictureFrame(index, time_s, rgb, np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY), np.uint8))
