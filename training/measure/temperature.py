"""Temperatures that make confidence mean what it says, and the confidence below which an answer is called uncertain."""

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

from duygu.training.measure.metrics import Answers, Integers, risk_by_coverage

TEMPERATURES = 0.05, 20.0
"""Between which the best one is looked for."""

SELECTIVE_RISK = 0.1
"""Share of wrong answers that is accepted among those which are not called uncertain."""

ALWAYS_UNCERTAIN = 1.0
"""The threshold where no confidence holds the risk."""

DECIMALS = 3
"""Of a threshold."""


def fit_temperature(
    logits: npt.NDArray[np.float32], truth: Integers, weights: npt.NDArray[np.float64] | None = None
) -> float:
    """The temperature that makes the truth likeliest (Guo et al. 2017). It may be below 1.

    logits   (N, labels) of people who were in neither training nor test
    truth    (N,) indices of labels
    weights  (N,) how much each counts; the same by default
    """

    def surprise(logarithm: float) -> float:
        scores = log_softmax(logits.astype(np.float64) / np.exp(logarithm), axis=1)
        return -float(np.average(scores[np.arange(len(truth)), truth], weights=weights))

    low, high = np.log(TEMPERATURES)
    return float(np.exp(minimize_scalar(surprise, bounds=(low, high), method="bounded").x))


def uncertain_below(answers: Answers, risk: float = SELECTIVE_RISK) -> float:
    """The least confidence at which at most `risk` of all answers at least so confident are wrong."""
    _, risks = risk_by_coverage(answers)
    confidence = np.floor(np.sort(answers.confidence)[::-1] * 10**DECIMALS) / 10**DECIMALS
    last = np.append(confidence[1:] < confidence[:-1], True)  # of those who are as confident
    accepted = np.flatnonzero(last & (risks <= risk))
    return float(confidence[accepted[-1]]) if len(accepted) else ALWAYS_UNCERTAIN
