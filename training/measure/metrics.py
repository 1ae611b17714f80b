"""Metrics of classification and calibration."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import softmax

from duygu.shared.schemas.model import MeasuredOn
from duygu.training.run.types import Integers, Names, Probabilities

BINS = 15
"""Equally wide bins of confidence for the expected calibration error; 15 as in Guo et al. 2017."""

RESAMPLES = 2000
"""Resamples of the bootstrap."""


@dataclass(frozen=True, slots=True)
class Predictions:
    """Predictions: probabilities (N, labels), true labels (N,) as indices, and the person of each sample (N,)."""

    labels: tuple[str, ...]
    probabilities: Probabilities
    truth: Integers
    subjects: Names

    @property
    def chosen(self) -> Integers:
        """(N,) index of the predicted label, the most probable one."""
        return np.asarray(self.probabilities.argmax(axis=1), np.int64)

    @property
    def confidence(self) -> Probabilities:
        """(N,) probability of the predicted label."""
        return np.asarray(self.probabilities.max(axis=1), np.float64)

    @property
    def correct(self) -> npt.NDArray[np.bool_]:
        """(N,) whether the predicted label is the true one."""
        return np.asarray(self.chosen == self.truth)


@dataclass(frozen=True, slots=True)
class Bin:
    """Predictions whose confidence is in the same bin, with their mean confidence and accuracy."""

    count: int
    confidence: float
    accuracy: float


def probabilities_of(logits: npt.NDArray[Any], temperature: float = 1.0) -> Probabilities:
    """(N, labels) logits -> (N, labels) probabilities, softmax(logits / temperature)."""
    return np.asarray(softmax(logits.astype(np.float64) / temperature, axis=1), np.float64)


def accuracy(predictions: Predictions) -> float:
    """Share of correct predictions."""
    return float(predictions.correct.mean())


def confusion(predictions: Predictions) -> Integers:
    """(labels, labels) counts: rows are true labels, columns predicted ones."""
    table = np.zeros((len(predictions.labels), len(predictions.labels)), np.int64)
    np.add.at(table, (predictions.truth, predictions.chosen), 1)
    return table


def recalls(predictions: Predictions) -> dict[str, float]:
    """Recall of each label that occurs."""
    masks = {label: predictions.truth == index for index, label in enumerate(predictions.labels)}
    return {label: float(predictions.correct[mask].mean()) for label, mask in masks.items() if mask.any()}


def unweighted_average_recall(predictions: Predictions) -> float:
    """Unweighted average recall (UAR), the mean of the recalls: rare labels count as much as frequent ones."""
    return float(np.mean(list(recalls(predictions).values())))


def reliability(predictions: Predictions) -> list[Bin]:
    """The bins that are not empty, by increasing confidence."""
    place = np.minimum((predictions.confidence * BINS).astype(int), BINS - 1)
    masks = [place == number for number in range(BINS)]
    return [
        Bin(int(mask.sum()), float(predictions.confidence[mask].mean()), float(predictions.correct[mask].mean()))
        for mask in masks
        if mask.any()
    ]


def expected_calibration_error(predictions: Predictions) -> float:
    """Expected calibration error (ECE): mean |confidence - accuracy| over the bins, weighted by their counts."""
    total = len(predictions.truth)
    return sum(found.count / total * abs(found.confidence - found.accuracy) for found in reliability(predictions))


def risk_by_coverage(
    predictions: Predictions, weights: Probabilities | None = None
) -> tuple[Probabilities, Probabilities]:
    """Selective prediction: (N,) coverage, and (N,) error rate of the most confident predictions at that coverage.

    weights  (N,) weight of each prediction; equal by default
    """
    order = np.argsort(-predictions.confidence, kind="stable")
    ordered = np.ones(len(order)) if weights is None else weights[order]
    counts = np.cumsum(ordered)
    wrong = np.cumsum(ordered * ~predictions.correct[order])
    return np.asarray(counts / counts[-1], np.float64), np.asarray(wrong / counts, np.float64)


def equal_people(subjects: Names) -> Probabilities:
    """Weights (N,) that sum to 1, with which every person counts the same."""
    _, place, counts = np.unique(subjects, return_inverse=True, return_counts=True)
    return np.asarray(1 / (counts[place] * len(counts)), np.float64)


def measured(predictions: Predictions) -> MeasuredOn:
    """Accuracy, UAR and ECE, rounded to four decimals."""
    return MeasuredOn(
        accuracy=round(accuracy(predictions), 4),
        uar=round(unweighted_average_recall(predictions), 4),
        ece=round(expected_calibration_error(predictions), 4),
    )


def by_subject(predictions: Predictions) -> dict[str, float]:
    """Accuracy by person."""
    return {
        str(name): float(predictions.correct[predictions.subjects == name].mean())
        for name in np.unique(predictions.subjects)
    }


def interval(predictions: Predictions, seed: int = 0) -> tuple[float, float]:
    """95 % bootstrap interval of the accuracy. People are resampled: predictions for one person are not independent."""
    names, place = np.unique(predictions.subjects, return_inverse=True)
    right = np.bincount(place, weights=predictions.correct, minlength=len(names))
    total = np.bincount(place, minlength=len(names))
    drawn = np.random.default_rng(seed).integers(0, len(names), (RESAMPLES, len(names)))
    low, high = np.percentile(right[drawn].sum(axis=1) / total[drawn].sum(axis=1), (2.5, 97.5))
    return float(low), float(high)
