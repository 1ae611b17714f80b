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

BLOCK = 48
"""Rows that are computed at a time: all of a crop; of a pyramid level as many as the processor's cache holds."""


def integral(picture: Image) -> Sums:
    """Integral image: (h, w, 3) -> (h + 1, w + 1, 3)."""
    return np.asarray(cv2.integral(picture), np.int32)


def area_means(sums: Sums, height: int, width: int) -> Floats:
    """Resize the picture of an integral image: (height, width, 3) in 0..255."""
    top, bottom = _bounds(sums.shape[0] - 1, height)
    left, right = _bounds(sums.shape[1] - 1, width)
    rows, columns = (bottom - top).astype(np.float32), (right - left).astype(np.float32)
    shares = np.float32(1) / np.multiply.outer(rows, columns)[..., np.newaxis]
    means = np.empty((height, width, 3), np.float32)
    for start in range(0, height, BLOCK):
        block = slice(start, start + BLOCK)
        strips = sums[bottom[block]]  # (BLOCK, w + 1, 3); `take` would first copy all of a part of a picture
        strips -= sums[top[block]]
        totals = strips.take(right, axis=1)
        totals -= strips.take(left, axis=1)
        # In 32-bit floats, this is as exact as in 64 up to 2 ** 16 source pixels for each target pixel.
        np.multiply(totals, shares[block], out=means[block], dtype=np.float32, casting="unsafe")
    return means


def part_means(sums: Sums, areas: npt.NDArray[np.int32], side: int) -> Floats:
    """Resize parts of the picture of an integral image, all at once: (N, side, side, 3) in 0..255, as `area_means`.

    areas  (N, 4) left, top, right, bottom, in whole pixels; right and bottom are exclusive
    """
    left, right = _bounds_of(areas[:, 0], areas[:, 2], side)  # (N, side)
    top, bottom = _bounds_of(areas[:, 1], areas[:, 3], side)
    width = sums.shape[1]
    rows = sums.reshape(-1, sums.shape[2])
    above, below = top[:, :, np.newaxis] * width, bottom[:, :, np.newaxis] * width
    left, right = left[:, np.newaxis], right[:, np.newaxis]
    totals = np.take(rows, below + right, axis=0)
    totals -= np.take(rows, below + left, axis=0)
    totals -= np.take(rows, above + right, axis=0)
    totals += np.take(rows, above + left, axis=0)
    shares = np.float32(1) / ((below - above) // width * (right - left)).astype(np.float32)
    return np.asarray(np.multiply(totals, shares[..., np.newaxis]), np.float32)


def _bounds_of(starts: npt.NDArray[np.int32], ends: npt.NDArray[np.int32], parts: int) -> tuple[Sums, Sums]:
    """`_bounds` of each of some lengths, from its start: (N, parts)."""
    lengths, steps = (ends - starts)[:, np.newaxis], np.arange(parts, dtype=np.int32)
    first = starts[:, np.newaxis]
    return first + steps * lengths // parts, first + -(-(steps + 1) * lengths // parts)


@lru_cache(maxsize=1024)
def _bounds(length: int, parts: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """First source pixel of each target pixel, and the first after its last."""
    steps = np.arange(parts)
    return steps * length // parts, -(-(steps + 1) * length // parts)
