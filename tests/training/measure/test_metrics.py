"""Tests of metrics against values computed by hand."""

import numpy as np
import pytest

from duygu.training.measure import metrics
from duygu.training.measure.metrics import Answers


@pytest.fixture
def answers() -> Answers:
    """Four predictions for two people, three of them correct."""
    probabilities = np.array([[0.9, 0.1], [0.8, 0.2], [0.4, 0.6], [0.7, 0.3]])
    return Answers(("anger", "fear"), probabilities, np.array([0, 0, 1, 1]), np.array(["a", "a", "b", "b"]))


def test_shares_of_right_answers(answers: Answers) -> None:
    """Accuracy averages over samples, UAR over labels, and by_subject over the samples of each person."""
    assert metrics.accuracy(answers) == 0.75
    assert metrics.recalls(answers) == {"anger": 1.0, "fear": 0.5}
    assert metrics.unweighted_average_recall(answers) == 0.75
    assert metrics.by_subject(answers) == {"a": 1.0, "b": 0.5}
    assert metrics.confusion(answers).tolist() == [[2, 0], [1, 1]]


def test_calibration_error_is_the_distance_from_confidence_to_accuracy(answers: Answers) -> None:
    """With one prediction in each bin, ECE is the mean difference between confidence and correctness."""
    expected = (0.1 + 0.2 + 0.4 + 0.7) / 4
    assert metrics.expected_calibration_error(answers) == pytest.approx(expected)


def test_risk_falls_when_only_sure_answers_count(answers: Answers) -> None:
    """Risk counts the wrong prediction from the coverage on that includes it."""
    coverage, risk = metrics.risk_by_coverage(answers)
    assert coverage.tolist() == [0.25, 0.5, 0.75, 1.0]
    assert risk.tolist() == pytest.approx([0, 0, 1 / 3, 1 / 4])


def test_the_interval_draws_whole_people(answers: Answers) -> None:
    """The bootstrap of two people with accuracies 1 and 0.5 stays between these."""
    low, high = metrics.interval(answers)
    assert (low, high) == (0.5, 1.0)
