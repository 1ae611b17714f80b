"""Labelled examples with weights that balance the labels."""

from dataclasses import dataclass

import numpy as np

from duygu.shared.vision.types import Floats
from duygu.training.run.types import Integers


@dataclass(frozen=True, slots=True)
class Examples:
    """Training examples: inputs (N, ...), one-hot targets (N, labels) and weights (N,)."""

    inputs: Floats
    targets: Floats
    weights: Floats


def examples(inputs: Floats, labels: Integers, count: int) -> Examples:
    """Examples whose weights balance the labels: those of each label that occurs have the same sum."""
    counts = np.bincount(labels, minlength=count)
    weights = len(labels) / (np.count_nonzero(counts) * np.maximum(counts, 1))
    return Examples(inputs, np.eye(count, dtype=np.float32)[labels], weights[labels].astype(np.float32))
