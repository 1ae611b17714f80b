"""The output for moving faces by two trunks: the sum of a linear layer on each."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from duygu.shared.vision.types import Floats
from duygu.training.network.keras_file import Network
from duygu.training.network.motion_gate import MOVING, STILL
from duygu.training.network.talking_head import Statistics, fit_linear
from duygu.training.run.types import Integers, Names


@dataclass(frozen=True, slots=True)
class SumOfHeads:
    """The layer on the features of both trunks."""

    kernel: Floats  # (F + G, labels)
    bias: Floats  # (labels,)

    @classmethod
    def of(cls, *heads: tuple[Floats, Floats]) -> "SumOfHeads":
        """The sum of layers, each given by its kernel and bias, on their features one after the other."""
        kernels, biases = zip(*heads, strict=True)
        return cls(np.concatenate(kernels), np.asarray(sum(biases), np.float32))

    @classmethod
    def corrected(cls, network: Network, weights: Floats) -> "SumOfHeads":
        """The layer of a network with a correction, of which `correction` is the inverse."""
        still, moving = (network.model.get_layer(name).get_weights() for name in (STILL, MOVING))
        kernel, bias = (base + added for base, added in zip(still, moving, strict=True))
        rest = np.zeros((len(weights) - 1 - len(kernel), kernel.shape[1]), np.float32)
        return cls(np.concatenate([kernel, rest]) + weights[:-1], np.asarray(bias + weights[-1], np.float32))

    def logits(self, features: Floats) -> Floats:
        """(N, F + G) mean features of windows -> (N, labels)."""
        return np.asarray(features @ self.kernel + self.bias, np.float32)

    def scaled(self, factor: float) -> "SumOfHeads":
        """The layer with all logits multiplied by a factor."""
        return SumOfHeads(np.float32(factor) * self.kernel, np.float32(factor) * self.bias)

    def correction(self, network: Network) -> Floats:
        """(F + G + 1, labels) what to add to the network's logits for an open gate, to get those of this layer."""
        still, moving = (network.model.get_layer(name).get_weights() for name in (STILL, MOVING))
        kernel, bias = (base + added for base, added in zip(still, moving, strict=True))
        rest = np.zeros((len(self.kernel) - len(kernel), kernel.shape[1]), np.float32)
        change = self.kernel - np.concatenate([kernel, rest])
        return np.asarray(np.concatenate([change, (self.bias - bias)[np.newaxis]]), np.float32)

    def adapted(self, windows: "Windows", penalty: float) -> "SumOfHeads":
        """The layer adapted to labelled windows, with a penalty on the change, as `adapt_to_clips` does for a trunk."""
        weights = windows.weights
        statistics = Statistics.of(windows.features, weights)
        start = self.kernel * statistics.deviation[:, np.newaxis], self.bias + statistics.mean @ self.kernel
        targets = np.asarray(np.eye(self.kernel.shape[1])[windows.labels], np.float32)
        fitted = fit_linear(statistics.standardise(windows.features), targets, weights, penalty, start)
        return SumOfHeads(*statistics.folded(*fitted))


@dataclass(frozen=True, slots=True)
class Windows:
    """Mean features of N windows by both trunks, with their labels, people and recordings."""

    features: Floats  # (N, F + G)
    labels: Integers
    subjects: Names
    recordings: Names

    def take(self, chosen: npt.NDArray[np.bool_]) -> "Windows":
        """The windows that a mask selects."""
        return Windows(self.features[chosen], self.labels[chosen], self.subjects[chosen], self.recordings[chosen])

    def at(self, part: Integers) -> "Windows":
        """The windows at these indices."""
        return Windows(self.features[part], self.labels[part], self.subjects[part], self.recordings[part])

    @property
    def weights(self) -> npt.NDArray[np.float64]:
        """(N,) weights that sum to 1, with which every recording counts the same."""
        _, place, counts = np.unique(self.recordings, return_inverse=True, return_counts=True)
        return np.asarray(1 / counts[place] / len(counts), np.float64)


def both_means(means: Floats, second: Sequence[Floats]) -> Floats:
    """(N, F + G) mean features of windows by both trunks; NaN where a window has no crop for the second one.

    second  features (n, G) of the crops of each window
    """
    width = max((rows.shape[1] for rows in second), default=0)
    missing = np.full(width, np.nan, np.float32)
    rows = np.stack([part.mean(axis=0) if len(part) else missing for part in second])
    return np.asarray(np.concatenate([means, rows], axis=1), np.float32)
