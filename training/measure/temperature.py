"""Calibration: temperature scaling, and the confidence threshold below which a prediction is marked uncertain."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

from duygu.training.measure.metrics import Predictions, equal_people, probabilities_of, risk_by_coverage
from duygu.training.run.types import Integers, Names

TEMPERATURES = 0.05, 20.0
"""Bounds of the search."""

SELECTIVE_RISK = 0.1
"""Error rate that is accepted among predictions at or above the threshold."""

TALKING_RISK = 0.25
"""The same for people who talk, of whom no network here keeps the lower rate for a useful share of the windows."""

ALWAYS_UNCERTAIN = 1.0
"""The threshold where no confidence keeps the error rate."""

DECIMALS = 3
"""Decimals of a threshold."""

Calibration = Callable[[npt.NDArray[np.bool_]], npt.NDArray[Any]]
"""Fits on the windows that a mask selects; the calibrated logits (N, labels) of all windows."""


def fit_temperature(
    logits: npt.NDArray[np.float32], truth: Integers, weights: npt.NDArray[np.float64] | None = None
) -> float:
    """The temperature that minimises the negative log-likelihood (Guo et al. 2017). It may be below 1.

    logits   (N, labels) of people in neither the training nor the test part
    truth    (N,) indices of the true labels
    weights  (N,) weight of each sample; equal by default
    """

    def negative_log_likelihood(logarithm: float) -> float:
        scores = log_softmax(logits.astype(np.float64) / np.exp(logarithm), axis=1)
        return -float(np.average(scores[np.arange(len(truth)), truth], weights=weights))

    low, high = np.log(TEMPERATURES)
    return float(np.exp(minimize_scalar(negative_log_likelihood, bounds=(low, high), method="bounded").x))


def uncertain_below(
    predictions: Predictions, risk: float = SELECTIVE_RISK, weights: npt.NDArray[np.float64] | None = None
) -> float:
    """The lowest threshold at which the error rate of the predictions at or above it is at most `risk`.

    weights  (N,) weight of each prediction; equal by default
    """
    _, risks = risk_by_coverage(predictions, weights)
    confidence = np.floor(np.sort(predictions.confidence)[::-1] * 10**DECIMALS) / 10**DECIMALS
    last = np.append(confidence[1:] < confidence[:-1], True)  # of each group of equal confidences
    accepted = np.flatnonzero(last & (risks <= risk))
    return float(confidence[accepted[-1]]) if len(accepted) else ALWAYS_UNCERTAIN


def cross_validated_share(
    logits: npt.NDArray[np.float32], truth: Integers, people: Names, calibration: Calibration | None = None
) -> float | None:
    """Share that is right of the windows at or above the threshold, each person counting the same, in hundredths.

    Temperature and threshold for each person are fitted on the others, so that the share is no result of the fit. None
    for a single person, or where no window is at or above its threshold.

    logits       (N, labels) of windows of people in neither the training nor the test part
    calibration  what is fitted in place of one temperature for these logits
    """
    weights, labels = equal_people(people), tuple(map(str, range(logits.shape[1])))
    right = certain = 0.0
    names = np.unique(people)
    for person in names if len(names) > 1 else ():
        own, others = people == person, people != person
        of_others = equal_people(people[others])
        if calibration is None:
            calibrated = logits.astype(np.float64) / fit_temperature(logits[others], truth[others], of_others)
        else:
            calibrated = calibration(others)
        fitted, tested = (
            Predictions(labels, probabilities_of(calibrated[part]), truth[part], people[part]) for part in (others, own)
        )
        sure = tested.confidence >= uncertain_below(fitted, TALKING_RISK, of_others)
        certain += float(weights[own][sure].sum())
        right += float(weights[own][sure & tested.correct].sum())
    return round(right / certain, 2) if certain else None
