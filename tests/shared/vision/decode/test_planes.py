"""A frame in the decoder's planes, compared with the converted picture."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from duygu.shared.vision.decode.planes import StoredFrame, full_range
from duygu.shared.vision.types import Image
from tests.support.media.videos import STILL

PICTURE = STILL.picture(0.0)
WEIGHTS = np.array([0.299, 0.587, 0.114])
PART = (40, 20, 101, 77)


def stored(picture: Image, sampling: int = 2, divisor: int = 1) -> StoredFrame:
    """Return a picture, (h, w, 3) RGB, as full-range planes with subsampled colour planes."""
    pixels = picture.astype(float)
    luma = pixels @ WEIGHTS
    blue, red = ((pixels[..., at] - luma) / (2 * (1 - WEIGHTS[at])) + 128 for at in (2, 0))
    size = (picture.shape[1] // sampling, picture.shape[0] // sampling)
    colours = [cv2.resize(plane, size, interpolation=cv2.INTER_AREA) for plane in (blue, red)]
    planes = tuple(np.asarray(plane.round().clip(0, 255), np.uint8) for plane in (luma, *colours))
    return StoredFrame(0, 0.0, planes, False, (0.299, 0.114), 0, mirrored=False, divisor=divisor)


def limited(frame: StoredFrame) -> StoredFrame:
    """Return the same picture in broadcast levels."""
    luma, *colours = (plane.astype(float) for plane in frame.planes)
    planes = [luma * 219 / 255 + 16, *((plane - 128) * 224 / 255 + 128 for plane in colours)]
    return replace(frame, planes=tuple(plane.round().astype(np.uint8) for plane in planes), limited=True)


@pytest.mark.parametrize("sampling", [1, 2, 4])
def test_colours(sampling: int) -> None:
    """The RGB values equal the picture's, in full and limited range, for each subsampling."""
    frame = stored(PICTURE, sampling)
    for made in (frame, limited(frame)):
        assert np.abs(made.rgb.astype(int) - PICTURE).mean() < 4


def test_grey_alone() -> None:
    """Without colour planes, all three channels are luma."""
    frame = limited(stored(PICTURE))
    grey = replace(frame, planes=frame.planes[:1])
    assert np.array_equal(grey.rgb[..., 1], grey.grey)


@pytest.mark.parametrize("divisor", [1, 2, 3])
@pytest.mark.parametrize("turns", [0, 1, 2, 3])
@pytest.mark.parametrize("mirrored", [False, True])
def test_a_part_is_cut_from_the_whole(divisor: int, turns: int, mirrored: bool) -> None:
    """An area equals the same area of the whole frame, for each rotation, mirroring and divisor."""
    left, top, right, bottom = PART
    frame = replace(limited(stored(PICTURE, divisor=divisor)), turns=turns, mirrored=mirrored)
    small = (left // 2, top // 2, right // 2, bottom // 2)
    part = frame.rgb_part(small)
    assert np.abs(part.astype(int) - frame.rgb[small[1] : small[3], small[0] : small[2]]).max() <= 1
    assert np.array_equal(frame.rgb_part(small), frame.rgb[small[1] : small[3], small[0] : small[2]])
    assert np.array_equal(frame.grey_part(PART), frame.grey[top:bottom, left:right])


@pytest.mark.parametrize(("turns", "mirrored"), [(1, False), (2, True), (3, True)])
def test_upright(turns: int, mirrored: bool) -> None:
    """A frame is rotated counter-clockwise by quarters and then mirrored."""
    frame = stored(PICTURE)
    turned = np.rot90(frame.grey, turns)
    assert np.array_equal(replace(frame, turns=turns, mirrored=mirrored).grey, turned[:, ::-1] if mirrored else turned)


def test_sizes() -> None:
    """Pixels at the right and the bottom that the divisor leaves over are not used."""
    frame = replace(stored(PICTURE[:239, :317], divisor=3), turns=1)
    assert frame.size == (239, 317)
    assert frame.small_size == (79, 105)
    assert frame.rgb.shape == (105, 79, 3)
    assert frame.scale == 3


def test_sparse() -> None:
    """The sparse copy has few pixels with the mean colour of the picture."""
    frame = limited(stored(PICTURE, divisor=2))
    sparse = frame.sparse_rgb(4)
    assert sparse.shape == (30, 40, 3)
    assert np.abs(sparse.mean(axis=(0, 1)) - PICTURE.mean(axis=(0, 1))).max() < 8


def test_full_range() -> None:
    """Broadcast black and white become 0 and 255, and values beyond are clipped."""
    assert full_range(np.array([[0, 16, 235, 255]], np.uint8)).tolist() == [[0, 0, 255, 255]]


@pytest.mark.parametrize("turns", [0, 1])
def test_overlapping_areas_are_equal_in_any_order(turns: int) -> None:
    """An area has the same pixels whether a larger one, another one, or none was read before it."""
    frame = replace(limited(stored(PICTURE)), turns=turns)
    inner, other, outer = (50, 30, 90, 60), (10, 10, 55, 40), PART
    fresh = {area: replace(frame).grey_part(area) for area in (inner, other, outer)}
    for area in (outer, inner, other, inner, outer):
        assert np.array_equal(frame.grey_part(area), fresh[area])
    assert np.array_equal(frame.grey_part(inner, 2), fresh[inner][::2, ::2])
