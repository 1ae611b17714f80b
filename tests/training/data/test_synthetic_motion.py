"""Stills that move."""

import numpy as np
from skimage import data

from duygu.shared.vision.types import Image
from duygu.training.data.synthetic_motion import moving, moving_clips


def face() -> Image:
    """A grey face, 48 x 48."""
    picture = data.astronaut()  # type: ignore[no-untyped-call]
    return np.asarray(picture[0:192:4, 128:320:4].mean(axis=2), np.uint8)


def test_a_moving_still_shows_the_same_face() -> None:
    """Frames differ from each other, but far less than from another picture."""
    clip = moving(face(), 10, np.random.default_rng(0)).astype(np.float64)
    steps = np.abs(np.diff(clip, axis=0)).mean()
    assert 0.5 < steps < np.abs(clip - clip[:, ::-1]).mean() / 2


def test_moving_clips_come_out_the_same_twice() -> None:
    """Whoever measures again sees the same."""
    few = np.stack([face(), face()[:, ::-1]])
    first, second = (moving_clips(few, 10) for _ in range(2))
    assert first.shape == (2, 10, 48, 48)
    assert np.array_equal(first, second)
