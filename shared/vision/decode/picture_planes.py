"""The two pictures that the engine looks at, made of one decoded picture. Imports no more than OpenCV and numpy."""

import cv2
import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]


def small_size(width: int, height: int, side: int) -> tuple[int, int]:
    """Width and height of the picture that faces are found on: a whole fraction with at least `side` pixels a side."""
    divisor = max(1, min(width, height) // side)
    return max(1, round(width / divisor)), max(1, round(height / divisor))


def planes(pixels: Pixels, side: int, rgb: Pixels | None = None, grey: Pixels | None = None) -> tuple[Pixels, Pixels]:
    """`rgb` (h, w, 3) RGB of `small_size` and `grey` (H, W), made as for a file (orientation.py).

    pixels     (H, W, 3) BGR
    rgb, grey  arrays to write into; new ones where they are None
    """
    height, width = pixels.shape[:2]
    size = small_size(width, height, side)
    small = pixels if size == (width, height) else cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    rgb = np.asarray(cv2.cvtColor(small, cv2.COLOR_BGR2RGB, dst=rgb), np.uint8)
    return rgb, np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY, dst=grey), np.uint8)
