"""Propagation of a box by optical flow."""

import cv2
import numpy as np
import pytest

from duygu.shared.vision.track.optical_flow import LEAST_SIDE, Patch, median, similarity
from duygu.shared.vision.types import Floats, Image, PictureFrame
from tests.support.media.frames import frame_of
from tests.support.media.videos import FACE, head

WIDTH, HEIGHT = 640, 360

BOX: Floats = np.array(FACE, np.float32) + np.array([220, 80, 220, 80], np.float32)
"""Box of the test face where `scene` places it."""


def scene(matrix: Floats | None = None) -> Image:
    """Return the head before a flat wall, (HEIGHT, WIDTH, 3), transformed by a matrix (2, 3)."""
    picture = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
    face = head()
    picture[80 : 80 + face.shape[0], 220 : 220 + face.shape[1]] = face
    if matrix is not None:
        picture = np.asarray(cv2.warpAffine(picture, matrix, (WIDTH, HEIGHT), borderValue=(90, 90, 90)), np.uint8)
    return picture


def patch(box: Floats = BOX) -> Patch:
    """Return the patch of the face before its movement."""
    made = Patch.of(frame_of(scene()), box)
    assert made is not None
    return made


@pytest.mark.parametrize(
    ("degrees", "growth", "right", "down"), [(0, 1.0, 6, -4), (3, 1.0, 2, 1), (0, 1.04, 0, 3), (-2, 0.97, -5, 2)]
)
def test_a_face_is_taken_to_where_it_has_gone(degrees: float, growth: float, right: float, down: float) -> None:
    """Box and landmarks follow a shift, a rotation and a change of size to within two pixels."""
    centre = ((BOX[:2] + BOX[2:]) / 2).tolist()
    matrix = np.asarray(cv2.getRotationMatrix2D(centre, degrees, growth), np.float32) + np.array(
        [[0, 0, right], [0, 0, down]], np.float32
    )
    motion = patch().motion(frame_of(scene(matrix)), BOX)
    assert motion is not None
    landmarks = BOX[:2] + (BOX[2:] - BOX[:2]) * np.array([[0.3, 0.4], [0.7, 0.4], [0.5, 0.8]], np.float32)
    assert np.abs(motion.points(landmarks) - (landmarks @ matrix[:, :2].T + matrix[:, 2])).max() < 1.5
    half = (BOX[2:] - BOX[:2]) / 2 * growth
    moved = np.array(centre) + np.array([right, down])
    assert np.abs(motion.box(BOX) - np.concatenate([moved - half, moved + half])).max() < 2


def test_a_mouth_that_opens_moves_no_face() -> None:
    """A moving mouth does not move the box."""
    picture = scene()
    left, top, right, bottom = BOX.astype(int)
    mouth = picture[top + 2 * (bottom - top) // 3 : bottom, left:right]
    mouth[:] = np.roll(mouth, 3, axis=0)
    motion = patch().motion(frame_of(picture), BOX)
    assert motion is not None
    assert np.abs(motion.box(BOX) - BOX).max() < 2


def test_who_is_gone_is_not_followed() -> None:
    """A face that disappears is not propagated, neither onto the wall nor onto another object."""
    wall = frame_of(np.full((HEIGHT, WIDTH, 3), 90, np.uint8))
    assert patch().motion(wall, BOX) is None
    stripes = np.indices((HEIGHT, WIDTH)).sum(axis=0) % 40 * 6
    assert patch().motion(frame_of(np.repeat(stripes[..., np.newaxis], 3, axis=2).astype(np.uint8)), BOX) is None


def test_a_leap_is_left_to_the_networks() -> None:
    """A face beyond the search range has no motion."""
    leap: Floats = np.array([[1, 0, 150], [0, 1, 0]], np.float32)
    assert patch().motion(frame_of(scene(leap)), BOX) is None


def test_at_the_border_the_picture_ends() -> None:
    """A face half outside the picture is propagated by its visible half."""
    shift: Floats = np.array([[1, 0, -245], [0, 1, 0]], np.float32)
    box = BOX - np.array([245, 0, 245, 0], np.float32)
    begun = Patch.of(frame_of(scene(shift)), box)
    assert begun is not None
    shift[1, 2] += 4
    motion = begun.motion(frame_of(scene(shift)), box)
    assert motion is not None
    assert np.abs(motion.box(box) - box - np.array([0, 4, 0, 4])).max() < 2


def test_a_smaller_picture_is_another() -> None:
    """A picture of another size has no motion."""
    assert patch().motion(frame_of(scene()[:200, :300]), BOX) is None


def test_what_cannot_be_measured_has_no_patch() -> None:
    """A face of a few pixels, or with its centre outside the picture, has no patch."""
    frame: PictureFrame = frame_of(scene())
    assert Patch.of(frame, np.array([10, 10, 9 + LEAST_SIDE, 9 + LEAST_SIDE], np.float32)) is None
    assert Patch.of(frame, np.array([-80, 10, 40, 130], np.float32)) is None


def test_one_point_astray_changes_nothing() -> None:
    """A single outlier does not change the estimated motion."""
    before = np.random.default_rng(0).uniform(0, 100, (20, 2)).astype(np.float32)
    after = before + np.array([3, 4], np.float32)
    after[7] += 30
    close, motion = similarity(before, after, tolerance=0.5)
    assert close.tolist() == [place != 7 for place in range(20)]
    assert motion.matrix == pytest.approx(np.array([[1, 0, 3], [0, 1, 4]]), abs=1e-3)


@pytest.mark.parametrize("count", [1, 2, 15, 16, 24, 25])
def test_the_median_is_that_of_numpy(count: int) -> None:
    """The median of an odd or even number of displacements and distances is exactly that of numpy."""
    shifts = np.random.default_rng(count).normal(size=(count, 2)).astype(np.float32)
    assert np.array_equal(median(shifts), np.median(shifts, axis=0))
    assert median(shifts[:, 0]) == np.median(shifts[:, 0])
