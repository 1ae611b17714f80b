"""Downsampling by area means, identical to the resizing with which MTCNN was trained.

facenet-pytorch resizes with `torch.nn.functional.interpolate(mode="area")`: each target pixel is the unweighted mean of
all source pixels that it overlaps. OpenCV's INTER_AREA weights the pixels at the edge, which moves boxes by a pixel.
"""

from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

from duygu.shared.vision.types import Floats, Image

Sums = npt.NDArray[np.int32]


def integral(picture: Image) -> Sums:
    """Integral image: (h, w, 3) -> (h + 1, w + 1, 3)."""
    return np.asarray(cv2.integral(picture), np.int32)


def area_means(sums: Sums, height: int, width: int) -> Floats:
    """Resize the picture of an integral image: (height, width, 3) in 0..255."""
    top, bottom = _bounds(sums.shape[0] - 1, height)
    left, right = _bounds(sums.shape[1] - 1, width)
    strips = np.take(sums, bottom, axis=0) - np.take(sums, top, axis=0)  # (height, w + 1, 3)
    totals = np.take(strips, right, axis=1) - np.take(strips, left, axis=1)
    shares = np.float32(1) / np.outer(bottom - top, right - left).astype(np.float32)
    return np.asarray(np.multiply(totals, shares[..., np.newaxis]), np.float32)


@lru_cache(maxsize=1024)
def _bounds(length: int, parts: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """First source pixel of each target pixel, and the first after its last."""
    steps = np.arange(parts)
    return steps * length // parts, -(-(steps + 1) * length // parts)
