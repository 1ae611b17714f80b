"""Flags that a crop deserves."""

import cv2
import numpy as np

from duygu.shared.schemas import Flag
from duygu.shared.vision.classify.crops import crop_face
from duygu.shared.vision.classify.quality import judge
from duygu.shared.vision.types import Floats, Image
from tests.support.frames import RECIPE
from tests.support.videos import FACE, head

BOX: Floats = np.array(FACE, np.float32)

LEVEL: Floats = np.array([(80, 105), (120, 105), (100, 125), (85, 150), (115, 150)], np.float32)
"""Landmarks of a face that looks into the camera."""


def crop() -> Image:
    """The face of the tests."""
    grey = np.asarray(cv2.cvtColor(head(), cv2.COLOR_RGB2GRAY), np.uint8)
    return crop_face(grey, BOX, LEVEL, RECIPE)


def test_a_good_face_has_no_flag() -> None:
    """Large, sharp, lit, and from the front."""
    assert judge(crop(), BOX, LEVEL) == frozenset()


def test_small_is_told_by_the_box() -> None:
    """The crop always has the network's size; what counts are the pixels of the video."""
    assert judge(crop(), BOX * np.float32(0.3), LEVEL * np.float32(0.3)) == {Flag.SMALL}


def test_dark() -> None:
    """A tenth of the light is too little."""
    assert judge((crop() * 0.1).astype(np.uint8), BOX, LEVEL) >= {Flag.DARK}


def test_blurred() -> None:
    """A blur of a twelfth of the face hides its detail."""
    assert judge(np.asarray(cv2.GaussianBlur(crop(), (0, 0), 4), np.uint8), BOX, LEVEL) == {Flag.BLURRED}


def test_blurred_before_the_outline_of_hair() -> None:
    """An edge at the rim of the crop, sharper than the face, does not hide that the face is blurred."""
    blurred = np.asarray(cv2.GaussianBlur(crop(), (0, 0), 4), np.uint8)
    blurred[:, :5] = 20
    blurred[:5] = 235
    assert judge(blurred, BOX, LEVEL) == {Flag.BLURRED}
    sharp = crop()
    sharp[:, :5] = 20
    sharp[:5] = 235
    assert judge(sharp, BOX, LEVEL) == frozenset()


def test_profile_is_a_nose_beside_the_eyes() -> None:
    """The nose below an eye is seen from the side, in either direction, and on a tilted head as well."""
    for x in (80, 120):
        turned = LEVEL.copy()
        turned[2, 0] = x
        assert judge(crop(), BOX, turned) == {Flag.PROFILE}
        assert judge(crop(), BOX, turned[:, ::-1].copy()) == {Flag.PROFILE}


def test_a_flat_crop_is_blurred_and_not_an_error() -> None:
    """Nothing to see is no division by zero."""
    assert judge(np.full((48, 48), 128, np.uint8), BOX, LEVEL) == {Flag.BLURRED}
