"""What is measured of answers: how often they are right, for whom, and whether their confidence holds."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import softmax

from duygu.shared.schemas import MeasuredOn

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

BINS = 15
"""Of confidence, equally wide; the usual number for the expected calibration error (Guo et al. 2017)."""

RESAMPLES = 2000
"""Of the bootstrap."""


@dataclass(frozen=True, slots=True)
class Answers:
    """Probabilities (N, labels) and the truth (N,), with whose face it is (N,)."""

    labels: tuple[str, ...]
    probabilities: Floats
    truth: Integers
    subjects: npt.NDArray[np.str_]

    @property
    def chosen(self) -> Integers:
        """(N,) index of the likeliest label."""
        return np.asarray(self.probabilities.argmax(axis=1), np.int64)

    @property
    def confidence(self) -> Floats:
        """(N,) probability of the likeliest label."""
        return np.asarray(self.probabilities.max(axis=1), np.float64)

    @property
    def correct(self) -> npt.NDArray[np.bool_]:
        """(N,) whether the likeliest label is the true one."""
        return np.asarray(self.chosen == self.truth)


@dataclass(frozen=True, slots=True)
class Bin:
    """Answers of about the same confidence."""

    count: int
    confidence: float
    accuracy: float


def probabilities_of(logits: npt.NDArray[Any], temperature: float = 1.0) -> Floats:
    """(N, labels) logits -> probabilities."""
    return np.asarray(softmax(logits.astype(np.float64) / temperature, axis=1), np.float64)


def accuracy(answers: Answers) -> float:
    """Share that is right."""
    return float(answers.correct.mean())


def confusion(answers: Answers) -> Integers:
    """(labels, labels) counts: rows are the truth, columns the answer."""
    table = np.zeros((len(answers.labels), len(answers.labels)), np.int64)
    np.add.at(table, (answers.truth, answers.chosen), 1)
    return table


def recalls(answers: Answers) -> dict[str, float]:
    """Share that is right of each label that occurs."""
    masks = {label: answers.truth == index for index, label in enumerate(answers.labels)}
    return {label: float(answers.correct[mask].mean()) for label, mask in masks.items() if mask.any()}


def unweighted_average_recall(answers: Answers) -> float:
    """Mean of the recalls, so that rare labels count as much as others."""
    return float(np.mean(list(recalls(answers).values())))


def reliability(answers: Answers) -> list[Bin]:
    """The bins that hold an answer, by rising confidence."""
    place = np.minimum((answers.confidence * BINS).astype(int), BINS - 1)
    masks = [place == number for number in range(BINS)]
    return [
        Bin(int(mask.sum()), float(answers.confidence[mask].mean()), float(answers.correct[mask].mean()))
        for mask in masks
        if mask.any()
    ]


def expected_calibration_error(answers: Answers) -> float:
    """Mean distance between confidence and accuracy over the bins, weighted by their size."""
    total = len(answers.truth)
    return sum(found.count / total * abs(found.confidence - found.accuracy) for found in reliability(answers))


def risk_by_coverage(answers: Answers) -> tuple[Floats, Floats]:
    """When only the most confident answers count: share that is answered, and the share of those that is wrong."""
    order = np.argsort(-answers.confidence, kind="stable")
    counts = np.arange(1, len(order) + 1)
    wrong = np.cumsum(~answers.correct[order])
    return np.asarray(counts / len(order), np.float64), np.asarray(wrong / counts, np.float64)


def measured(answers: Answers) -> MeasuredOn:
    """The three figures that go with a model."""
    return MeasuredOn(
        accuracy=round(accuracy(answers), 4),
        uar=round(unweighted_average_recall(answers), 4),
        ece=round(expected_calibration_error(answers), 4),
    )


def by_subject(answers: Answers) -> dict[str, float]:
    """Accuracy for each person."""
    return {str(name): float(answers.correct[answers.subjects == name].mean()) for name in np.unique(answers.subjects)}


def interval(answers: Answers, seed: int = 0) -> tuple[float, float]:
    """95 % bootstrap interval of the accuracy. Whole people are drawn: answers about one are not independent."""
    names, place = np.unique(answers.subjects, return_inverse=True)
    right = np.bincount(place, weights=answers.correct, minlength=len(names))
    total = np.bincount(place, minlength=len(names))
    drawn = np.random.default_rng(seed).integers(0, len(names), (RESAMPLES, len(names)))
    low, high = np.percentile(right[drawn].sum(axis=1) / total[drawn].sum(axis=1), (2.5, 97.5))
    return float(low), float(high)
