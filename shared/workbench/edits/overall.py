"""The overall emotion of a face whose windows an edit changed."""

import math
from collections.abc import Sequence

from duygu.shared.schemas.model import ModelInfo
from duygu.shared.schemas.result import Window

SMALLEST = 5e-5
"""Half of the last decimal of a stored probability, in place of one that was rounded to 0."""

DECIMALS = 4


def overall(windows: Sequence[Window], model: ModelInfo) -> dict[str, float]:
    """Probabilities of a face from those of its windows: the softmax of the mean logits at the face's temperature.

    The logits of a window are, up to a constant, its temperature times the logarithm of its probabilities, so this
    equals the analysis up to the rounding of the stored probabilities. A result of schema version 1 has no
    temperatures; both then count as equal.
    """
    ratio = model.temperatures.window / model.temperatures.face if model.temperatures else 1.0
    means = {label: math.fsum(_log(window, label) for window in windows) / len(windows) for label in model.labels}
    highest = max(means.values())
    weights = {label: math.exp(ratio * (mean - highest)) for label, mean in means.items()}
    return _rounded({label: weight / math.fsum(weights.values()) for label, weight in weights.items()})


def _log(window: Window, label: str) -> float:
    return math.log(max(window.probabilities.get(label, 0.0), SMALLEST))


def _rounded(values: dict[str, float]) -> dict[str, float]:
    """Round probabilities so that they still sum to one."""
    rounded = {label: round(value, DECIMALS) for label, value in values.items()}
    strongest = max(rounded, key=rounded.__getitem__)
    rounded[strongest] = round(rounded[strongest] + 1 - math.fsum(rounded.values()), DECIMALS)
    return rounded
