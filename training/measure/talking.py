"""Figures of windows in which people talk, beside those of silent ones."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from duygu.shared.errors import TrainingDataError
from duygu.training.measure.metrics import (
    Predictions,
    accuracy,
    expected_calibration_error,
    recalls,
    unweighted_average_recall,
)
from duygu.training.run.types import Probabilities

PARTS = {True: "talking", False: "silent"}


@dataclass(frozen=True, slots=True)
class LabelledWindow:
    """A window with the label of its recording."""

    subject: str
    emotion: str
    probabilities: Probabilities  # (labels,)
    talking: bool
    uncertain: bool


def figures_of(windows: Sequence[LabelledWindow], labels: tuple[str, ...]) -> str:
    """A table in Markdown: a row for the windows with speech, and one for those without.

    Raises TrainingDataError without windows.
    """
    if not windows:
        raise TrainingDataError("no window of the recordings has a probability of speaking")
    heads = ["", "people", "windows", "accuracy", "UAR", "ECE", "not uncertain", "right of these", *labels]
    rows = [
        _row(name, part, labels)
        for talking, name in PARTS.items()
        if (part := [window for window in windows if window.talking == talking])
    ]
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def _row(name: str, windows: Sequence[LabelledWindow], labels: tuple[str, ...]) -> list[str]:
    predictions = Predictions(
        labels,
        np.stack([window.probabilities for window in windows]),
        np.array([labels.index(window.emotion) for window in windows]),
        np.array([window.subject for window in windows]),
    )
    certain = ~np.array([window.uncertain for window in windows])
    right = f"{predictions.correct[certain].mean():.0%}" if certain.any() else "–"
    of_labels = recalls(predictions)
    figures = [f"{accuracy(predictions):.0%}", f"{unweighted_average_recall(predictions):.0%}"]
    calibration = [f"{expected_calibration_error(predictions):.2f}", f"{certain.mean():.0%}", right]
    each = [f"{of_labels[label]:.0%}" if label in of_labels else "–" for label in labels]
    return [name, str(len(set(predictions.subjects))), str(len(windows)), *figures, *calibration, *each]
