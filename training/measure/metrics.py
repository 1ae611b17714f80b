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
class Answers:
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


def accuracy(answers: Answers) -> float:
    """Share of correct predictions."""
    return float(answers.correct.mean())


def confusion(answers: Answers) -> Integers:
    """(labels, labels) counts: rows are true labels, columns predicted ones."""
    table = np.zeros((len(answers.labels), len(answers.labels)), np.int64)
    np.add.at(table, (answers.truth, answers.chosen), 1)
    return table


def recalls(answers: Answers) -> dict[str, float]:
    """Recall of each label that occurs."""
    masks = {label: answers.truth == index for index, label in enumerate(answers.labels)}
    return {label: float(answers.correct[mask].mean()) for label, mask in masks.items() if mask.any()}


def unweighted_average_recall(answers: Answers) -> float:
    """Unweighted average recall (UAR), the mean of the recalls: rare labels count as much as frequent ones."""
    return float(np.mean(list(recalls(answers).values())))


def reliability(answers: Answers) -> list[Bin]:
    """The bins that are not empty, by increasing confidence."""
    place = np.minimum((answers.confidence * BINS).astype(int), BINS - 1)
    masks = [place == number for number in range(BINS)]
    return [
        Bin(int(mask.sum()), float(answers.confidence[mask].mean()), float(answers.correct[mask].mean()))
        for mask in masks
        if mask.any()
    ]


def expected_calibration_error(answers: Answers) -> float:
    """Expected calibration error (ECE): mean |confidence - accuracy| over the bins, weighted by their counts."""
    total = len(answers.truth)
    return sum(found.count / total * abs(found.confidence - found.accuracy) for found in reliability(answers))


def risk_by_coverage(answers: Answers, weights: Probabilities | None = None) -> tuple[Probabilities, Probabilities]:
    """Selective prediction: (N,) coverage, and (N,) error rate of the most confident predictions at that coverage.

    weights  (N,) weight of each prediction; equal by default
    """
    order = np.argsort(-answers.confidence, kind="stable")
    ordered = np.ones(len(order)) if weights is None else weights[order]
    counts = np.cumsum(ordered)
    wrong = np.cumsum(ordered * ~answers.correct[order])
    return np.asarray(counts / counts[-1], np.float64), np.asarray(wrong / counts, np.float64)


def equal_people(subjects: Names) -> Probabilities:
    """Weights (N,) that sum to 1, with which every person counts the same."""
    _, place, counts = np.unique(subjects, return_inverse=True, return_counts=True)
    return np.asarray(1 / (counts[place] * len(counts)), np.float64)


def measured(answers: Answers) -> MeasuredOn:
    """Accuracy, UAR and ECE, rounded to four decimals."""
    return MeasuredOn(
        accuracy=round(accuracy(answers), 4),
        uar=round(unweighted_average_recall(answers), 4),
        ece=round(expected_calibration_error(answers), 4),
    )


def by_subject(answers: Answers) -> dict[str, float]:
    """Accuracy by person."""
    return {str(name): float(answers.correct[answers.subjects == name].mean()) for name in np.unique(answers.subjects)}


def interval(answers: Answers, seed: int = 0) -> tuple[float, float]:
    """95 % bootstrap interval of the accuracy. People are resampled: predictions for one person are not independent."""
    names, place = np.unique(answers.subjects, return_inverse=True)
    right = np.bincount(place, weights=answers.correct, minlength=len(names))
    total = np.bincount(place, minlength=len(names))
    drawn = np.random.default_rng(seed).integers(0, len(names), (RESAMPLES, len(names)))
    low, high = np.percentile(right[drawn].sum(axis=1) / total[drawn].sum(axis=1), (2.5, 97.5))
    return float(low), float(high)
