"""Quality flags of crops."""

import cv2
import numpy as np

from duygu.shared.schemas.result import Flag
from duygu.shared.vision.classify.crops import crop_face
from duygu.shared.vision.classify.quality import quality_flags
from duygu.shared.vision.types import Floats, Image
from tests.support.media.frames import RECIPE
from tests.support.media.videos import FACE, head

BOX: Floats = np.array(FACE, np.float32)

LEVEL: Floats = np.array([(80, 105), (120, 105), (100, 125), (85, 150), (115, 150)], np.float32)
"""Landmarks of a face that appearance into the camera."""


def crop() -> Image:
    """Return the crop of the test face."""
    grey = np.asarray(cv2.cvtColor(head(), cv2.COLOR_RGB2GRAY), np.uint8)
    return crop_face(grey, BOX, LEVEL, RECIPE)


def test_a_good_face_has_no_flag() -> None:
    """A large, sharp, bright and frontal face has no flag."""
    assert quality_flags(crop(), BOX, LEVEL) == frozenset()


def test_small_depends_on_the_box() -> None:
    """`small` depends on the box in the video, not on the crop, which always has the network's size."""
    assert quality_flags(crop(), BOX * np.float32(0.3), LEVEL * np.float32(0.3)) == {Flag.SMALL}


def test_dark() -> None:
    """A face with a tenth of the light is `dark`."""
    assert quality_flags((crop() * 0.1).astype(np.uint8), BOX, LEVEL) >= {Flag.DARK}


def test_blurred() -> None:
    """A blur of a twelfth of the face is `blurred`."""
    assert quality_flags(np.asarray(cv2.GaussianBlur(crop(), (0, 0), 4), np.uint8), BOX, LEVEL) == {Flag.BLURRED}


def test_blurred_before_the_outline_of_hair() -> None:
    """A sharp edge at the rim of the crop does not hide that the face is blurred."""
    blurred = np.asarray(cv2.GaussianBlur(crop(), (0, 0), 4), np.uint8)
    blurred[:, :5] = 20
    blurred[:5] = 235
    assert quality_flags(blurred, BOX, LEVEL) == {Flag.BLURRED}
    sharp = crop()
    sharp[:, :5] = 20
    sharp[:5] = 235
    assert quality_flags(sharp, BOX, LEVEL) == frozenset()


def test_profile_is_a_nose_beside_the_eyes() -> None:
    """A nose below one eye is `profile`, in either direction and also on a tilted head."""
    for x in (80, 120):
        turned = LEVEL.copy()
        turned[2, 0] = x
        assert quality_flags(crop(), BOX, turned) == {Flag.PROFILE}
        assert quality_flags(crop(), BOX, turned[:, ::-1].copy()) == {Flag.PROFILE}


def test_a_flat_crop_is_blurred_and_not_an_error() -> None:
    """A uniform crop is `blurred` and raises no error."""
    assert quality_flags(np.full((48, 48), 128, np.uint8), BOX, LEVEL) == {Flag.BLURRED}
