"""Degraded copies of crops."""

import numpy as np
import pytest

from duygu.training.data.degraded import degradations, degraded


@pytest.mark.parametrize("name", degradations())
def test_a_degradation_changes_every_crop_in_the_same_way(name: str) -> None:
    """Size and type stay; the result is that of every other call."""
    images = np.random.default_rng(1).integers(0, 255, (2, 3, 48, 48), np.uint8)
    one, other = (degraded(images, degradations()[name]) for _ in range(2))
    assert one.shape == images.shape
    assert one.dtype == np.uint8
    assert np.array_equal(one, other)
    assert (one != images).any(axis=(2, 3)).all()
