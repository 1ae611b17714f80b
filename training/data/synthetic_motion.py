"""Stills that move as if filmed by an unsteady hand: what is said of faces that move, measured on labelled stills."""

import cv2
import numpy as np
import numpy.typing as npt

from duygu.shared.vision.types import Image

STEADY = 0.2
"""Least motion of a clip, in the standard deviations below; most have more."""

SHIFT, GROWTH, TURN_DEGREES, LIGHT = 0.5, 0.012, 1.2, 0.03
"""Standard deviations of one frame's step: pixels, logarithms of size and of the exponent of the exposure."""

TREMBLE = 0.3
"""Of the pixels by which a frame is off on top of that, as a face detector's boxes are."""

SEED = 6


def moving(image: Image, frames: int, random: np.random.Generator) -> Image:
    """(size, size) grey -> (frames, size, size): a camera that wanders, light that changes, a codec that spoils."""
    strength = STEADY + abs(random.normal())
    steps = random.normal(0, strength, (frames, 5)) * np.array([SHIFT, SHIFT, GROWTH, TURN_DEGREES, LIGHT])
    path = np.cumsum(steps, axis=0)
    path -= path.mean(axis=0)
    path[:, :2] += random.normal(0, TREMBLE * strength, (frames, 2))
    quality = int(random.integers(20, 80)) if random.random() < 0.5 else None
    return np.stack([_coded(_seen(image, where), quality) for where in path])


def _seen(image: Image, where: npt.NDArray[np.float64]) -> Image:
    right, down, growth, degrees, light = where.tolist()
    size = image.shape[0]
    middle = (size - 1) / 2
    matrix = cv2.getRotationMatrix2D((middle, middle), degrees, float(np.exp(growth)))
    matrix[:, 2] += right, down
    warped = cv2.warpAffine(image, matrix, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
    return np.asarray(255 * (warped / 255) ** np.exp(light), np.uint8)


def _coded(image: Image, quality: int | None) -> Image:
    if quality is None:
        return image
    _, coded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(coded, cv2.IMREAD_GRAYSCALE), np.uint8)


def moving_clips(images: Image, frames: int) -> Image:
    """(N, size, size) stills -> (N, frames, size, size) clips, the same whenever it is called."""
    random = np.random.default_rng(SEED)
    return np.stack([moving(image, frames, random) for image in images])
