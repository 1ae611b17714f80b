"""Pictures that come as files of their own, a webcam's or a data set's, made into what the engine looks at."""

import cv2
import numpy as np

from duygu.shared.errors import UndecodablePictureError
from duygu.shared.media.image_size import breaks_off
from duygu.shared.vision.decode.picture_planes import planes
from duygu.shared.vision.decode.video import detection_side
from duygu.shared.vision.types import Image, PictureFrame


def decode(picture: bytes) -> Image:
    """(h, w, 3) BGR, upright. Raises UndecodablePictureError."""
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
    """The two pictures that the engine looks at, made as for a file: see shared/vision/decode/orientation.py.

    min_face  the smallest face that is looked for, as a share of the shorter side
    """
    return PictureFrame(index, time_s, *planes(pixels, detection_side(min_face)))


def decode_frame(picture: bytes, index: int, time_s: float, min_face: float) -> PictureFrame:
    """A picture as a frame, decoded in this process. Raises UndecodablePictureError."""
    return to_frame(decode(picture), index, time_s, min_face)
