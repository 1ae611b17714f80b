"""Frames of the tests' scenes without a file, for tests of the steps after decoding."""

from collections.abc import Iterator

import cv2
import numpy as np

from duygu.shared.model.recipe import Recipe
from duygu.shared.vision.types import Image, PictureFrame
from tests.support.media.videos import Scene

RATE_HZ = 10.0

RECIPE = Recipe("tests", size=48)


def frame_at(scene: Scene, time_s: float) -> PictureFrame:
    """Return one frame of a scene in its own size."""
    return frame_of(scene.picture(time_s), time_s)


def frame_of(picture: Image, time_s: float = 0.0) -> PictureFrame:
    """Return a picture, (h, w, 3) RGB, as a frame."""
    grey = np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), np.uint8)
    return PictureFrame(round(time_s * RATE_HZ), time_s, picture, grey)


def frames_of(scene: Scene) -> Iterator[PictureFrame]:
    """Yield ten frames per second of a scene."""
    for index in range(round(scene.duration_s * RATE_HZ)):
        yield frame_at(scene, index / RATE_HZ)
