"""Decoding of single pictures, such as webcam frames or data sets, to frames of the engine."""

import cv2
import numpy as np

from duygu.shared.errors import UndecodablePictureError
from duygu.shared.inputs.media.image_size import breaks_off
from duygu.shared.vision.decode.pictures.planes import planes
from duygu.shared.vision.decode.video import detection_side
from duygu.shared.vision.types import Image, PictureFrame


def decode(picture: bytes) -> Image:
    """Decode a picture: (h, w, 3) BGR, upright. Raises UndecodablePictureError."""
    if breaks_off(picture):
        raise UndecodablePictureError
    try:
        pixels = cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error as error:
        raise UndecodablePictureError from error
    if pixels is None:
        raise UndecodablePictureError
    return np.asarray(pixels, np.uint8)


def to_frame(pixels: Image, index: int, time_s: float, min_face: float) -> PictureFrame:
    """Create a frame from decoded pixels, as for a file: see shared/vision/decode/orientation.py.

    min_face  smallest face to detect, as a share of the shorter side
    """
    return PictureFrame(index, time_s, *planes(pixels, detection_side(min_face)))


def decode_frame(picture: bytes, index: int, time_s: float, min_face: float) -> PictureFrame:
    """Decode a picture to a frame, in this process. Raises UndecodablePictureError."""
    return to_frame(decode(picture), index, time_s, min_face)
