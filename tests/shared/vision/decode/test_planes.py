"""A frame as the decoder stores it, against the same picture converted as a whole."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from duygu.shared.vision.decode.planes import StoredFrame, full_range
from duygu.shared.vision.types import Image
from tests.support.videos import STILL

PICTURE = STILL.picture(0.0)
WEIGHTS = np.array([0.299, 0.587, 0.114])
PART = (40, 20, 101, 77)


def stored(picture: Image, sampling: int = 2, divisor: int = 1) -> StoredFrame:
    """A picture, (h, w, 3) RGB, as full-range planes with the colour differences at a share of its size."""
    pixels = picture.astype(float)
    luma = pixels @ WEIGHTS
    blue, red = ((pixels[..., at] - luma) / (2 * (1 - WEIGHTS[at])) + 128 for at in (2, 0))
    size = (picture.shape[1] // sampling, picture.shape[0] // sampling)
    colours = [cv2.resize(plane, size, interpolation=cv2.INTER_AREA) for plane in (blue, red)]
    planes = tuple(np.asarray(plane.round().clip(0, 255), np.uint8) for plane in (luma, *colours))
    return StoredFrame(0, 0.0, planes, False, (0.299, 0.114), 0, mirrored=False, divisor=divisor)


def limited(frame: StoredFrame) -> StoredFrame:
    """The same picture in broadcast levels."""
    luma, *colours = (plane.astype(float) for plane in frame.planes)
    planes = [luma * 219 / 255 + 16, *((plane - 128) * 224 / 255 + 128 for plane in colours)]
    return replace(frame, planes=tuple(plane.round().astype(np.uint8) for plane in planes), limited=True)


@pytest.mark.parametrize("sampling", [1, 2, 4])
def test_colours(sampling: int) -> None:
    """RGB is the picture's, in full range and in broadcast levels, whatever size the colour planes have."""
    frame = stored(PICTURE, sampling)
    for made in (frame, limited(frame)):
        assert np.abs(made.rgb.astype(int) - PICTURE).mean() < 4


def test_grey_alone() -> None:
    """Without colour planes all three channels are luma."""
    frame = limited(stored(PICTURE))
    grey = replace(frame, planes=frame.planes[:1])
    assert np.array_equal(grey.rgb[..., 1], grey.grey)


@pytest.mark.parametrize("divisor", [1, 2, 3])
@pytest.mark.parametrize("turns", [0, 1, 2, 3])
@pytest.mark.parametrize("mirrored", [False, True])
def test_a_part_is_cut_from_the_whole(divisor: int, turns: int, mirrored: bool) -> None:
    """Upright, small or not: what is made of an area is that area of what is made of all."""
    left, top, right, bottom = PART
    frame = replace(limited(stored(PICTURE, divisor=divisor)), turns=turns, mirrored=mirrored)
    small = (left // 2, top // 2, right // 2, bottom // 2)
    part = frame.rgb_part(small)
    assert np.abs(part.astype(int) - frame.rgb[small[1] : small[3], small[0] : small[2]]).max() <= 1
    assert np.array_equal(frame.rgb_part(small), frame.rgb[small[1] : small[3], small[0] : small[2]])
    assert np.array_equal(frame.grey_part(PART), frame.grey[top:bottom, left:right])


@pytest.mark.parametrize(("turns", "mirrored"), [(1, False), (2, True), (3, True)])
def test_upright(turns: int, mirrored: bool) -> None:
    """Turned counter-clockwise by quarters, then mirrored."""
    frame = stored(PICTURE)
    turned = np.rot90(frame.grey, turns)
    assert np.array_equal(replace(frame, turns=turns, mirrored=mirrored).grey, turned[:, ::-1] if mirrored else turned)


def test_sizes() -> None:
    """Of a size that the divisor does not divide, what is left at the right and below is not looked at."""
    frame = replace(stored(PICTURE[:239, :317], divisor=3), turns=1)
    assert frame.size == (239, 317)
    assert frame.small_size == (79, 105)
    assert frame.rgb.shape == (105, 79, 3)
    assert frame.scale == 3


def test_sparse() -> None:
    """A few pixels that look as all of them do."""
    frame = limited(stored(PICTURE, divisor=2))
    sparse = frame.sparse_rgb(4)
    assert sparse.shape == (30, 40, 3)
    assert np.abs(sparse.mean(axis=(0, 1)) - PICTURE.mean(axis=(0, 1))).max() < 8


def test_full_range() -> None:
    """Broadcast black and white are 0 and 255, and what lies beyond is cut off."""
    assert full_range(np.array([[0, 16, 235, 255]], np.uint8)).tolist() == [[0, 0, 255, 255]]
