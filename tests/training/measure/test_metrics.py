"""Figures that can be checked by hand."""

import numpy as np
import pytest

from duygu.training.measure import metrics
from duygu.training.measure.metrics import Answers


@pytest.fixture
def answers() -> Answers:
    """Four answers about two people, three of them right."""
    probabilities = np.array([[0.9, 0.1], [0.8, 0.2], [0.4, 0.6], [0.7, 0.3]])
    return Answers(("anger", "fear"), probabilities, np.array([0, 0, 1, 1]), np.array(["a", "a", "b", "b"]))


def test_shares_of_right_answers(answers: Answers) -> None:
    """Accuracy counts answers, the unweighted average recall counts labels, and people are told apart."""
    assert metrics.accuracy(answers) == 0.75
    assert metrics.recalls(answers) == {"anger": 1.0, "fear": 0.5}
    assert metrics.unweighted_average_recall(answers) == 0.75
    assert metrics.by_subject(answers) == {"a": 1.0, "b": 0.5}
    assert metrics.confusion(answers).tolist() == [[2, 0], [1, 1]]


def test_calibration_error_is_the_distance_from_confidence_to_accuracy(answers: Answers) -> None:
    """Each of the four answers is alone in its bin."""
    expected = (0.1 + 0.2 + 0.4 + 0.7) / 4
    assert metrics.expected_calibration_error(answers) == pytest.approx(expected)


def test_risk_falls_when_only_sure_answers_count(answers: Answers) -> None:
    """The wrong answer is the third most confident."""
    coverage, risk = metrics.risk_by_coverage(answers)
    assert coverage.tolist() == [0.25, 0.5, 0.75, 1.0]
    assert risk.tolist() == pytest.approx([0, 0, 1 / 3, 1 / 4])


def test_the_interval_draws_whole_people(answers: Answers) -> None:
    """With two people of accuracy 1 and 0.5, nothing outside of that can be drawn."""
    low, high = metrics.interval(answers)
    assert (low, high) == (0.5, 1.0)
