"""Stills whose mouths are moved."""

import cv2
import numpy as np
import pytest

from duygu.shared.vision.types import Floats, Image
from duygu.training.mouth_motion.warp import DARKNESS, talking_copy
from tests.training.mouth_motion.faces import face, kept

SIDE = 48
SHAPE = kept(face()).astype(np.float32)
POINTS = (kept(face()) * 16 + [23.5, 20, 0]).astype(np.float32)
LIP_ROW, MIDDLE = 20 + round(0.6 * 16), 23


def still() -> Image:
    """A gradient, so that each pixel tells where it came from."""
    rows, columns = np.mgrid[:SIDE, :SIDE]
    return np.asarray(60 + 2 * rows + columns, np.uint8)


def opened(by: float) -> Floats:
    """Offsets (1, L, 3) of a mouth that opens."""
    return (kept(face(by)) - kept(face()))[np.newaxis].astype(np.float32)


@pytest.mark.parametrize("side", [SIDE, 112])
def test_no_motion_leaves_the_still(side: int) -> None:
    """Offsets of zero give the still itself, or its enlargement, for each frame."""
    clip = talking_copy(still(), POINTS, SHAPE, np.zeros((3, *SHAPE.shape), np.float32), side)
    assert clip.shape == (3, side, side)
    assert (clip == clip[0]).all()
    enlarged = cv2.resize(still(), (side, side), interpolation=cv2.INTER_LINEAR).astype(int)
    assert np.abs(clip[0] - enlarged).max() <= 2


def test_only_the_mouth_moves() -> None:
    """Above the mouth nothing changes; the lower lip brings its grey level to its new place."""
    [frame] = talking_copy(still(), POINTS, SHAPE, opened(0.4), SIDE)
    changes = np.abs(frame.astype(int) - still())
    assert changes[: LIP_ROW - 8].max() <= 1
    assert changes[LIP_ROW - 6 : LIP_ROW + 10].max() > 5


def test_a_mouth_that_opens_is_dark_inside() -> None:
    """Its inside has a share of the brightness of the lips; one that closes uncovers nothing."""
    [frame] = talking_copy(still(), POINTS, SHAPE, opened(0.6), SIDE)
    lips = float(still()[LIP_ROW, MIDDLE])
    assert frame[LIP_ROW, MIDDLE] == pytest.approx(DARKNESS * lips, abs=8)
    wide = (kept(face(0.6)) * 16 + [23.5, 20, 0]).astype(np.float32)
    [closing] = talking_copy(still(), wide, SHAPE, -opened(0.5), SIDE)
    assert closing.min() >= still().min() - 1


def test_the_motion_follows_the_pose() -> None:
    """For a face that is turned by 90 degrees, the lips move sideways."""
    middle, turn = np.array([23.5, 23.5, 0]), np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])
    turned = ((POINTS - middle) @ turn.T + middle).astype(np.float32)
    [upright] = talking_copy(np.full((SIDE, SIDE), 90, np.uint8), POINTS, SHAPE, opened(0.6), SIDE)
    [sideways] = talking_copy(np.full((SIDE, SIDE), 90, np.uint8), turned, SHAPE, opened(0.6), SIDE)
    assert np.abs(np.rot90(upright, -1).astype(int) - sideways).max() <= 12
    assert (upright != sideways).any()
