"""Downsampling by area means."""

import numpy as np
import pytest

from duygu.shared.vision.detect.resample import area_means, integral, part_means


@pytest.mark.parametrize("side", [1, 24, 48])
def test_parts_together_are_those_one_by_one(side: int) -> None:
    """Parts of any size, smaller and larger than the target, at every border, have exactly the same means."""
    random = np.random.default_rng(1)
    sums = integral(random.integers(0, 256, (90, 120, 3), dtype=np.uint8))
    starts = random.integers(0, (119, 89), (200, 2))
    ends = starts + 1 + random.integers(0, (120, 90) - starts)
    areas = np.concatenate([starts, ends], axis=1).astype(np.int32)
    areas[:2] = [[0, 0, 120, 90], [119, 89, 120, 90]]
    wanted = [area_means(sums[y1 : y2 + 1, x1 : x2 + 1], side, side) for x1, y1, x2, y2 in areas.tolist()]
    np.testing.assert_array_equal(part_means(sums, areas, side), np.stack(wanted))
    assert part_means(sums, areas[:0], side).shape == (0, side, side, 3)
