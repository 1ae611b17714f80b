"""Predictions relative to a baseline, from the output of the layer for each window.

The layer is linear, so its output for the difference of two windows is the difference of its outputs. A window
therefore needs only its own output, `relative_logits`, for a prediction relative to any baseline that is chosen later.
services/api/static/js/edits/baseline.js computes the same.
"""

import math
from collections.abc import Iterable, Sequence

from duygu.shared.schemas.emotions import OTHER
from duygu.shared.schemas.model import ModelDescription, ModelInfo, RelativeModel
from duygu.shared.schemas.packed import as_stored
from duygu.shared.schemas.result import RelativePrediction, Window

DECIMALS = 4


def mean_logits(windows: Sequence[Sequence[float]]) -> list[float]:
    """The mean of the outputs of the layer over the windows of a baseline. Raises ValueError without windows."""
    if not windows:
        raise ValueError("the baseline has no window")
    return [math.fsum(column) / len(windows) for column in zip(*windows, strict=True)]


def relative_prediction(
    logits: Sequence[float], baseline: Sequence[float], layer: RelativeModel, reported: Sequence[str]
) -> RelativePrediction:
    """The prediction for a window relative to a baseline.

    logits    `relative_logits` of the window
    baseline  mean of those of the baseline's windows
    reported  the keys of `probabilities`, with `other` for the labels that are not reported
    """
    outputs = zip(layer.labels, logits, baseline, layer.bias, strict=True)
    scaled = {label: (own - rest + bias) / layer.temperature for label, own, rest, bias in outputs}
    candidates = _softmax({label: scaled[label] for label in layer.candidates})
    strongest = max(candidates, key=candidates.__getitem__)
    rest = math.fsum(value for label, value in candidates.items() if label not in reported)
    probabilities = {**candidates, OTHER: round(rest, DECIMALS)}
    emotion = strongest if strongest in reported else OTHER
    return RelativePrediction(
        emotion=emotion,
        confidence=probabilities[emotion],
        probabilities={label: probabilities[label] for label in reported},
        uncertain=_softmax(scaled)[strongest] < layer.uncertain_below,
    )


def with_predictions(
    windows: Sequence[Window], baseline: Sequence[float], layer: RelativeModel, reported: Sequence[str]
) -> list[Window]:
    """The windows with predictions relative to a baseline; those without an output of this layer as they are."""
    predicted = (
        window.model_copy(update={"relative": relative_prediction(row, baseline, layer, reported)})
        if (row := outputs_of(window, layer)) is not None
        else window
        for window in windows
    )
    return as_stored(predicted, windows)


def outputs_of(window: Window, layer: RelativeModel) -> list[float] | None:
    """The output of the layer for a window; None where the result lacks it, or it is of another layer."""
    row = window.relative_logits
    return row if row is not None and len(row) == len(layer.labels) else None


def layer_of(model: ModelInfo | ModelDescription) -> RelativeModel | None:
    """The layer for relative predictions; None for a model without it, or whose labels are not those of the layer."""
    layer, labels = model.relative, set(model.labels)
    if layer is None or not labels - {OTHER} <= set(layer.candidates):
        return None
    return layer if OTHER in labels or labels == set(layer.candidates) else None


def outputs_of_windows(windows: Iterable[Window], layer: RelativeModel) -> list[list[float]]:
    """The outputs of the layer for the windows that have them."""
    return [row for window in windows if (row := outputs_of(window, layer)) is not None]


def _softmax(logits: dict[str, float]) -> dict[str, float]:
    """Probabilities, rounded to values that still sum to one."""
    highest = max(logits.values())
    weights = {label: math.exp(value - highest) for label, value in logits.items()}
    total = math.fsum(weights.values())
    rounded = {label: round(value / total, DECIMALS) for label, value in weights.items()}
    strongest = max(rounded, key=rounded.__getitem__)
    rounded[strongest] = round(rounded[strongest] + 1 - math.fsum(rounded.values()), DECIMALS)
    return rounded
