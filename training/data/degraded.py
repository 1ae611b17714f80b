"""Degraded copies of crops, as bad pictures and inexact boxes give them: changes that are no expression."""

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from duygu.shared.vision.types import Image

Degradation = Callable[[Image], Image]
"""(size, size) uint8 -> the same."""

SEED = 0


def degradations() -> dict[str, Degradation]:
    """Blur, few pixels, noise, covered mouth and eyes, and boxes that are shifted, too small, too large and tilted."""
    return {
        "blurred": lambda crop: _image(cv2.GaussianBlur(crop, (0, 0), 0.045 * len(crop))),
        "small": _few_pixels,
        "noisy": noise(),
        "mouth covered": lambda crop: _covered(crop, 0.62, 1.0),
        "eyes covered": lambda crop: _covered(crop, 0.2, 0.45),
        "shifted": lambda crop: _warped(crop, np.array([[1, 0, 0.2 * len(crop)], [0, 1, 0.15 * len(crop)]])),
        "box too small": lambda crop: _turned(crop, 0, 1.35),
        "box too large": lambda crop: _turned(crop, 0, 0.7),
        "tilted": lambda crop: _turned(crop, 25, 1),
    }


def noise(deviation: float = 25.0) -> Degradation:
    """Normal noise, in grey levels, the same at every call."""
    random = np.random.default_rng(SEED)
    return lambda crop: np.clip(crop + random.normal(0, deviation, crop.shape), 0, 255).astype(np.uint8)


def degraded(images: Image, degradation: Degradation) -> Image:
    """(N, frames, size, size) with each crop degraded."""
    crops = images.reshape(-1, *images.shape[-2:])
    return np.stack([degradation(crop) for crop in crops]).reshape(images.shape)


def _few_pixels(crop: Image, side: int = 14) -> Image:
    few = cv2.resize(crop, (side, side), interpolation=cv2.INTER_AREA)
    return _image(cv2.resize(few, crop.shape[::-1], interpolation=cv2.INTER_LINEAR))


def _covered(crop: Image, begin: float, end: float) -> Image:
    """The crop with dark rows between two shares of its height."""
    covered = crop.copy()
    covered[int(begin * len(crop)) : int(end * len(crop))] = 20
    return covered


def _turned(crop: Image, degrees: float, scale: float) -> Image:
    middle = len(crop) / 2
    return _warped(crop, cv2.getRotationMatrix2D((middle, middle), degrees, scale))


def _warped(crop: Image, matrix: npt.NDArray[Any]) -> Image:
    return _image(cv2.warpAffine(crop, matrix, crop.shape[::-1], borderMode=cv2.BORDER_REPLICATE))


def _image(picture: npt.NDArray[Any]) -> Image:
    return np.asarray(picture, np.uint8)
