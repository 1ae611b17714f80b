"""Tests of synthetic camera shake."""

import numpy as np
from skimage import data

from duygu.shared.vision.types import Image
from duygu.training.data.synthetic_motion import moving_clips, shaken


def face() -> Image:
    """A grey face, 48 x 48."""
    picture = data.astronaut()  # type: ignore[no-untyped-call]
    return np.asarray(picture[0:192:4, 128:320:4].mean(axis=2), np.uint8)


def test_a_moving_still_shows_the_same_face() -> None:
    """Consecutive frames differ, but far less than the face differs from its mirror image."""
    clip = shaken(face(), 10, np.random.default_rng(0)).astype(np.float64)
    steps = np.abs(np.diff(clip, axis=0)).mean()
    assert 0.5 < steps < np.abs(clip - clip[:, ::-1]).mean() / 2


def test_moving_clips_come_out_the_same_twice() -> None:
    """moving_clips is deterministic."""
    few = np.stack([face(), face()[:, ::-1]])
    first, second = (moving_clips(few, 10) for _ in range(2))
    assert first.shape == (2, 10, 48, 48)
    assert np.array_equal(first, second)
