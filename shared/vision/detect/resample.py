"""Shrinking by the mean over areas, exactly as MTCNN saw its pictures in training.

facenet-pytorch resizes with `torch.nn.functional.interpolate(mode="area")`: each target pixel is the mean of the
source pixels that it touches at all. OpenCV's INTER_AREA weights those at the rim, which moves boxes by a pixel.
"""

from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

from duygu.shared.vision.types import Floats, Image

Sums = npt.NDArray[np.int32]


def integral(picture: Image) -> Sums:
    """(h, w, 3) -> (h + 1, w + 1, 3): the sum of everything above and to the left."""
    return np.asarray(cv2.integral(picture), np.int32)


def area_means(sums: Sums, height: int, width: int) -> Floats:
    """Resize the picture behind `sums`: -> (height, width, 3) in 0..255."""
    top, bottom = _bounds(sums.shape[0] - 1, height)
    left, right = _bounds(sums.shape[1] - 1, width)
    strips = np.take(sums, bottom, axis=0) - np.take(sums, top, axis=0)  # (height, w + 1, 3)
    totals = np.take(strips, right, axis=1) - np.take(strips, left, axis=1)
    shares = np.float32(1) / np.outer(bottom - top, right - left).astype(np.float32)
    return np.asarray(np.multiply(totals, shares[..., np.newaxis]), np.float32)


@lru_cache(maxsize=1024)
def _bounds(length: int, parts: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """First and one past the last source pixel of each target pixel."""
    steps = np.arange(parts)
    return steps * length // parts, -(-(steps + 1) * length // parts)
