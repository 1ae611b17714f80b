"""Agreement with the reference: correlation of each target over frames and over windows."""

from typing import Any

import numpy as np
import numpy.typing as npt

from duygu.shared.model.movement_folder import CropChoice
from duygu.shared.vision.types import Floats
from duygu.training.movements.examples import Examples

FRAMES, STRIDE, RATE_HZ = 10, 5, 10
"""Crops of a window and between windows, and crops a second, as the engine cuts them."""

CROPS = CropChoice(period=5, places=(1, 3))
"""The crops that the network processes in use: two of five, so that windows of ten crops with a stride of five share
them."""


def correlations(predicted: Floats, reference: Floats) -> Any:
    """Pearson's r of each column; 0 for a column that does not vary."""
    a, b = predicted - predicted.mean(0), reference - reference.mean(0)
    norm = np.sqrt((a**2).sum(0) * (b**2).sum(0))
    return np.where(norm > 0, (a * b).sum(0) / np.where(norm > 0, norm, 1), 0.0)


def window_means(values: Floats, examples: Examples, choice: CropChoice | None = None) -> Floats:
    """Means over each window, which is what a result reports.

    choice  of the crops over which the mean is taken; all of them by default
    """
    chosen = np.ones(len(values), np.bool_) if choice is None else _chosen(examples, choice)
    return np.stack([_mean(values[rows], chosen[rows]) for rows in examples.windows(FRAMES, STRIDE)])


def _chosen(examples: Examples, choice: CropChoice) -> npt.NDArray[np.bool_]:
    return np.isin(np.rint(examples.time_s * RATE_HZ).astype(int) % choice.period, choice.places)


def _mean(values: Floats, chosen: npt.NDArray[np.bool_]) -> Floats:
    """The mean of the chosen values; of the first one where none is."""
    return np.asarray(values[chosen].mean(0) if chosen.any() else values[0], np.float32)
