"""Agreement with the reference: correlation of each target over frames and over windows."""

from typing import Any

import numpy as np

from duygu.shared.vision.types import Floats
from duygu.training.movements.examples import Examples

FRAMES, STRIDE = 10, 5
"""Crops of a window and between windows, as the engine cuts them."""


def correlations(predicted: Floats, reference: Floats) -> Any:
    """Pearson's r of each column; 0 for a column that does not vary."""
    a, b = predicted - predicted.mean(0), reference - reference.mean(0)
    norm = np.sqrt((a**2).sum(0) * (b**2).sum(0))
    return np.where(norm > 0, (a * b).sum(0) / np.where(norm > 0, norm, 1), 0.0)


def window_means(values: Floats, examples: Examples) -> Floats:
    """Means over each window, which is what a result reports."""
    return np.stack([values[rows].mean(0) for rows in examples.windows(FRAMES, STRIDE)])
