"""Tests of metrics against values computed by hand."""

import numpy as np
import pytest

from duygu.training.measure import metrics
from duygu.training.measure.metrics import Predictions


@pytest.fixture
def predictions() -> Predictions:
    """Four predictions for two people, three of them correct."""
    probabilities = np.array([[0.9, 0.1], [0.8, 0.2], [0.4, 0.6], [0.7, 0.3]])
    return Predictions(("anger", "fear"), probabilities, np.array([0, 0, 1, 1]), np.array(["a", "a", "b", "b"]))


def test_shares_of_correct_predictions(predictions: Predictions) -> None:
    """Accuracy averages over samples, UAR over labels, and by_subject over the samples of each person."""
    assert metrics.accuracy(predictions) == 0.75
    assert metrics.recalls(predictions) == {"anger": 1.0, "fear": 0.5}
    assert metrics.unweighted_average_recall(predictions) == 0.75
    assert metrics.by_subject(predictions) == {"a": 1.0, "b": 0.5}
    assert metrics.confusion(predictions).tolist() == [[2, 0], [1, 1]]


def test_calibration_error_is_the_distance_from_confidence_to_accuracy(predictions: Predictions) -> None:
    """With one prediction in each bin, ECE is the mean difference between confidence and correctness."""
    expected = (0.1 + 0.2 + 0.4 + 0.7) / 4
    assert metrics.expected_calibration_error(predictions) == pytest.approx(expected)


def test_risk_falls_when_only_confident_predictions_count(predictions: Predictions) -> None:
    """Risk counts the wrong prediction from the coverage on that includes it."""
    coverage, risk = metrics.risk_by_coverage(predictions)
    assert coverage.tolist() == [0.25, 0.5, 0.75, 1.0]
    assert risk.tolist() == pytest.approx([0, 0, 1 / 3, 1 / 4])


def test_the_interval_draws_whole_people(predictions: Predictions) -> None:
    """The bootstrap of two people with accuracies 1 and 0.5 stays between these."""
    low, high = metrics.interval(predictions)
    assert (low, high) == (0.5, 1.0)
