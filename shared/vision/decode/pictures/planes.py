"""Detection copy and luma of a decoded picture. Imports only OpenCV and numpy."""

import cv2
import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]


def small_size(width: int, height: int, side: int) -> tuple[int, int]:
    """Size of the detection copy: an integer fraction of the picture, with at least `side` pixels per side."""
    divisor = max(1, min(width, height) // side)
    return max(1, round(width / divisor)), max(1, round(height / divisor))


def planes(pixels: Pixels, side: int, rgb: Pixels | None = None, grey: Pixels | None = None) -> tuple[Pixels, Pixels]:
    """Convert a picture to `rgb` (h, w, 3) of `small_size` and `grey` (H, W), as for a file (orientation.py).

    pixels     (H, W, 3) BGR
    rgb, grey  output arrays; allocated if None
    """
    height, width = pixels.shape[:2]
    size = small_size(width, height, side)
    small = pixels if size == (width, height) else cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    rgb = np.asarray(cv2.cvtColor(small, cv2.COLOR_BGR2RGB, dst=rgb), np.uint8)
    return rgb, np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY, dst=grey), np.uint8)
