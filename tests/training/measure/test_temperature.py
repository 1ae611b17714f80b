"""Tests of calibration."""

import numpy as np
import pytest

from duygu.training.measure import temperature as calibration
from duygu.training.measure.metrics import Predictions, equal_people, expected_calibration_error, probabilities_of

LABELS = ("anger", "fear", "neutral")


def sampled(scale: float) -> tuple[np.ndarray, np.ndarray]:
    """Logits that are `scale` times those from which the true labels were drawn, and these labels."""
    random = np.random.default_rng(3)
    logits = random.normal(0, 2, (4000, len(LABELS))).astype(np.float32)
    shares = probabilities_of(logits)
    truth = (shares.cumsum(axis=1) > random.random((len(logits), 1))).argmax(axis=1)
    return logits * np.float32(scale), truth


@pytest.mark.parametrize("scale", [0.5, 3.0])
def test_the_temperature_undoes_wrong_confidence(scale: float) -> None:
    """The fitted temperature recovers the scale of under- and overconfident logits."""
    logits, truth = sampled(scale)
    temperature = calibration.fit_temperature(logits, truth)
    assert temperature == pytest.approx(scale, rel=0.1)
    predictions = Predictions(LABELS, probabilities_of(logits, temperature), truth, truth.astype(str))
    assert expected_calibration_error(predictions) < 0.02


def test_the_threshold_holds_the_stated_risk() -> None:
    """The error rate at or above the threshold is at most the given risk."""
    logits, truth = sampled(1.0)
    predictions = Predictions(LABELS, probabilities_of(logits), truth, truth.astype(str))
    sure = predictions.confidence >= calibration.uncertain_below(predictions, risk=0.1)
    assert 0.08 < (~predictions.correct[sure]).mean() <= 0.1


def test_predictions_of_equal_confidence_are_accepted_together() -> None:
    """Predictions of equal confidence are accepted or rejected together, whatever their order."""
    sure = np.repeat([[1.0, 0.0, 0.0]], 10, axis=0)
    predictions = Predictions(LABELS, sure, np.array([0] * 5 + [1] * 5), np.arange(10).astype(str))
    assert calibration.uncertain_below(predictions) == calibration.ALWAYS_UNCERTAIN


def test_a_network_without_skill_is_always_uncertain() -> None:
    """Where no threshold keeps the risk, every prediction is uncertain."""
    flat = np.full((10, 3), 1 / 3)
    predictions = Predictions(LABELS, flat, np.ones(10, np.int64), np.arange(10).astype(str))
    assert calibration.uncertain_below(predictions) == calibration.ALWAYS_UNCERTAIN


def test_the_cross_validated_share_uses_the_given_calibration() -> None:
    """One temperature, fitted on the others, gives the share of the default; logits without skill give none."""
    logits, truth = sampled(2.0)
    people = np.array([f"person {number % 5}" for number in range(len(truth))])

    def one_temperature(part: np.ndarray) -> np.ndarray:
        weights = equal_people(people[part])
        return logits.astype(np.float64) / calibration.fit_temperature(logits[part], truth[part], weights)

    expected = calibration.cross_validated_share(logits, truth, people)
    assert expected is not None
    assert expected == pytest.approx(1 - calibration.TALKING_RISK, abs=0.03)
    assert calibration.cross_validated_share(logits, truth, people, one_temperature) == expected
    assert calibration.cross_validated_share(logits, truth, people, lambda _: np.zeros_like(logits)) is None
