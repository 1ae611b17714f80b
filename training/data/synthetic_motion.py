"""Synthetic camera shake: turns labelled stills into moving clips, on which the output for moving faces is measured."""

import cv2
import numpy as np
import numpy.typing as npt

from duygu.shared.vision.types import Image

LEAST_AMPLITUDE = 0.2
"""Smallest amplitude of a clip, as a factor of the standard deviations below."""

SHIFT, SCALE, ROTATION_DEGREES, LIGHT = 0.5, 0.012, 1.2, 0.03
"""Standard deviations of the step from frame to frame: pixels, logarithm of the scale, degrees, logarithm of gamma."""

JITTER = 0.3
"""Standard deviation in pixels of an independent shift of each frame, like that of a face detector's boxes."""

SEED = 6


def shaken(image: Image, frames: int, random: np.random.Generator) -> Image:
    """Random walk of camera and light, and JPEG artefacts: (size, size) uint8 grey -> (frames, size, size)."""
    amplitude = LEAST_AMPLITUDE + abs(random.normal())
    steps = random.normal(0, amplitude, (frames, 5)) * np.array([SHIFT, SHIFT, SCALE, ROTATION_DEGREES, LIGHT])
    path = np.cumsum(steps, axis=0)
    path -= path.mean(axis=0)
    path[:, :2] += random.normal(0, JITTER * amplitude, (frames, 2))
    quality = int(random.integers(20, 80)) if random.random() < 0.5 else None
    return np.stack([_coded(_transformed(image, parameters), quality) for parameters in path])


def _transformed(image: Image, parameters: npt.NDArray[np.float64]) -> Image:
    right, down, scale, degrees, light = parameters.tolist()
    size = image.shape[0]
    middle = (size - 1) / 2
    matrix = cv2.getRotationMatrix2D((middle, middle), degrees, float(np.exp(scale)))
    matrix[:, 2] += right, down
    warped = cv2.warpAffine(image, matrix, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
    return np.asarray(255 * (warped / 255) ** np.exp(light), np.uint8)


def _coded(image: Image, quality: int | None) -> Image:
    if quality is None:
        return image
    _, coded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(coded, cv2.IMREAD_GRAYSCALE), np.uint8)


def moving_clips(images: Image, frames: int) -> Image:
    """Shake each still with a fixed seed: (N, size, size) -> (N, frames, size, size)."""
    random = np.random.default_rng(SEED)
    return np.stack([shaken(image, frames, random) for image in images])
