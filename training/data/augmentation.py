"""Augmentation: changes by camera, light and codec that leave the expression of a face as it is."""

import cv2
import numpy as np

from duygu.shared.vision.classify.crops import standardise
from duygu.shared.vision.types import Floats, Image

ROTATION_DEGREES, SCALE, STRETCH, SHIFT = 7.0, 0.09, 0.04, 2.2
"""Standard deviations of rotation, of the logarithms of scale and horizontal stretch, and of the shift in pixels."""

LOWEST_SIDE, HIGHEST_SIDE = 16, 42
"""Sides in pixels between which a face is reduced before it is enlarged again, as a small face in a video."""

LOWEST_QUALITY, HIGHEST_QUALITY = 15, 75
"""JPEG qualities, whose artefacts resemble those of video codecs."""

OCCLUDED_SIDES = 6, 20
"""Sides in pixels of a rectangle that stands for a hand, hair or a microphone."""

CONTRAST, BRIGHTNESS = (-0.1, 0.3), (5.0, 25.0)
"""Mean and standard deviation of the logarithm of a contrast factor, and of an offset in grey levels."""


def augment(image: Image, random: np.random.Generator) -> Floats:
    """Augment an image: (size, size) uint8 grey -> (size, size) float32, standardised before the occlusion."""
    return _occluded(standardise(_augmented(image, random)), random)


def alter(image: Image, random: np.random.Generator) -> Image:
    """Augment an image: (size, size) uint8 grey -> (size, size) uint8, an input for any network."""
    pixels = _exposed(_augmented(image, random), random)
    if random.random() < 0.15:
        pixels[_occluded_part(pixels.shape, random)] = random.uniform(0, 255)
    return np.asarray(np.clip(pixels, 0, 255), np.uint8)


def blend(image: Image, other: Image, share: float) -> Image:
    """Weighted mean of two images; `share` in 0..1 is the weight of the first."""
    return np.asarray(share * image.astype(np.float32) + (1 - share) * other.astype(np.float32), np.uint8)


def _augmented(image: Image, random: np.random.Generator) -> Floats:
    moved = _compressed(_blurred(_moved(image, random), random), random)
    return _noisy(_lit(moved.astype(np.float32), random), random)


def _exposed(pixels: Floats, random: np.random.Generator) -> Floats:
    if random.random() >= 0.6:
        return pixels
    contrast, mean = np.exp(random.normal(*CONTRAST)), pixels.mean()
    return np.asarray((pixels - mean) * contrast + mean + random.normal(*BRIGHTNESS), np.float32)


def _moved(image: Image, random: np.random.Generator) -> Image:
    size = image.shape[0]
    middle = (size - 1) / 2
    degrees = random.normal(0, ROTATION_DEGREES) if random.random() < 0.8 else 0.0
    stretch = np.exp(random.normal(0, STRETCH))
    matrix = cv2.getRotationMatrix2D((middle, middle), degrees, np.exp(random.normal(0, SCALE)))
    matrix[0] *= stretch
    matrix[0, 2] += middle * (1 - stretch) + random.normal(0, SHIFT)
    matrix[1, 2] += random.normal(0, SHIFT)
    seen = np.ascontiguousarray(image[:, ::-1] if random.random() < 0.5 else image)
    warped = cv2.warpAffine(seen, matrix, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
    return np.asarray(warped, np.uint8)


def _blurred(image: Image, random: np.random.Generator) -> Image:
    how = random.random()
    if how < 0.18:
        return np.asarray(cv2.GaussianBlur(image, (0, 0), 0.4 + 1.2 * random.random()), np.uint8)
    if how < 0.33:
        side = int(random.integers(LOWEST_SIDE, HIGHEST_SIDE))
        small = cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA)
        return np.asarray(cv2.resize(small, image.shape[::-1], interpolation=cv2.INTER_LINEAR), np.uint8)
    return image


def _compressed(image: Image, random: np.random.Generator) -> Image:
    if random.random() >= 0.25:
        return image
    quality = int(random.integers(LOWEST_QUALITY, HIGHEST_QUALITY))
    _, coded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(coded, cv2.IMREAD_GRAYSCALE), np.uint8)


def _lit(pixels: Floats, random: np.random.Generator) -> Floats:
    """Change the exposure by a gamma curve, and add a linear gradient of light."""
    if random.random() < 0.5:
        pixels = np.asarray(255 * (pixels / 255) ** np.exp(random.normal(0, 0.3)), np.float32)
    if random.random() < 0.4:
        rows, columns = np.mgrid[-1 : 1 : pixels.shape[0] * 1j, -1 : 1 : pixels.shape[1] * 1j]
        angle = random.uniform(0, 2 * np.pi)
        pixels = pixels * (1 + 0.5 * random.random() * (np.cos(angle) * columns + np.sin(angle) * rows))
    return np.asarray(pixels, np.float32)


def _noisy(pixels: Floats, random: np.random.Generator) -> Floats:
    if random.random() >= 0.3:
        return pixels
    return np.asarray(pixels + random.normal(0, 2 + 8 * random.random(), pixels.shape), np.float32)


def _occluded(pixels: Floats, random: np.random.Generator) -> Floats:
    if random.random() >= 0.35:
        return pixels
    pixels[_occluded_part(pixels.shape, random)] = random.normal(0, 0.7)
    return pixels


def _occluded_part(shape: tuple[int, ...], random: np.random.Generator) -> tuple[slice, slice]:
    height, width = random.integers(*OCCLUDED_SIDES, 2)
    top, left = random.integers(-4, shape[0] - 4, 2)
    return slice(max(top, 0), top + height), slice(max(left, 0), left + width)


def mix(images: Floats, targets: Floats, random: np.random.Generator) -> tuple[Floats, Floats]:
    """With probability 0.5, blend each image of a batch and its target with another (mixup, Zhang et al. 2018)."""
    if random.random() >= 0.5:
        return images, targets
    share = np.float32(random.beta(0.4, 0.4))
    partner = random.permutation(len(images))
    return share * images + (1 - share) * images[partner], share * targets + (1 - share) * targets[partner]
