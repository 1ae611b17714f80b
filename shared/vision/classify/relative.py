"""Predictions relative to a person's baseline: a linear layer on the difference of window features from the baseline's.

A face that looks stern at rest, or whose mouth corners point downwards, has the same features in all its windows. The
difference from the person's own baseline does not contain them.
"""

from dataclasses import dataclass

import numpy as np

from duygu.shared.errors import ModelError
from duygu.shared.model.folder import RELATIVE, ModelFolder, RelativeSettings
from duygu.shared.vision.types import Floats


@dataclass(frozen=True, slots=True)
class RelativeHead:
    """The layer, with its calibration."""

    kernel: Floats  # (2 F, labels), or (2 F + 2 G, labels) with the features of a second trunk
    bias: Floats  # (labels,)
    settings: RelativeSettings

    @property
    def width(self) -> int:
        """Number of features of a window that the layer reads."""
        return len(self.kernel)

    def outputs(self, features: Floats) -> Floats:
        """(N, 2 F) features of windows -> (N, labels), whose differences, plus the bias, are the relative logits."""
        return np.asarray(features @ self.kernel, np.float32)

    def logits(self, features: Floats, baseline_features: Floats) -> Floats:
        """(N, 2 F) features of windows and (M, 2 F) of the baseline's windows -> (N, labels) logits.

        The baseline is the mean of its windows. Raises ValueError for a baseline without windows.
        """
        if not len(baseline_features):
            raise ValueError("the baseline has no window")
        return np.asarray((features - baseline_features.mean(axis=0)) @ self.kernel + self.bias, np.float32)


def softmax(logits: Floats) -> Floats:
    """Probabilities over the last axis."""
    weights = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(weights / weights.sum(axis=-1, keepdims=True), np.float32)


def window_features(features: Floats) -> Floats:
    """Mean and standard deviation of each feature over the crops of a window: (..., frames, F) -> (..., 2 F)."""
    return np.concatenate([features.mean(axis=-2), features.std(axis=-2)], axis=-1)


def with_second(window: Floats, second: Floats | None) -> Floats | None:
    """The features of a window (2 F,), followed by those of its crops by the second trunk (n, G): (2 F + 2 G,).

    None for a window without any crop that the second trunk processed.
    """
    if second is None or not len(second):
        return None
    return np.concatenate([window, window_features(second)])


def relative_probabilities(head: RelativeHead, features: Floats, baseline_features: Floats) -> Floats:
    """(N, labels) calibrated probabilities of N windows relative to a baseline of M windows of the same person.

    features           (N, 2 F) and
    baseline_features  (M, 2 F), as `WindowLogits.features` has them
    """
    logits = head.logits(features, baseline_features)
    return softmax(logits / head.settings.temperature)


def relative_track_probabilities(head: RelativeHead, features: Floats, baseline_features: Floats) -> Floats:
    """(labels,) calibrated probabilities of a whole track, from the mean logits of its windows (N, 2 F)."""
    logits = head.logits(features, baseline_features).mean(axis=0)
    return softmax(logits / head.settings.track_temperature)


def open_relative_head(folder: ModelFolder) -> RelativeHead | None:
    """Load the layer of a model folder; None where the folder has none. Raises ModelError for a damaged file."""
    if folder.manifest.relative is None:
        return None
    try:
        weights = np.load(folder.path / RELATIVE, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise ModelError(f"{RELATIVE} in {folder.path} cannot be read") from error
    if weights.ndim != 2 or weights.shape[1] != len(folder.recipe.labels) or len(weights) % 2 != 1:
        raise ModelError(f"{RELATIVE} in {folder.path} has the shape {weights.shape}, which does not fit the labels")
    return RelativeHead(weights[:-1].astype(np.float32), weights[-1].astype(np.float32), folder.manifest.relative)
