"""The fit of an adaptive temperature."""

from dataclasses import replace

import numpy as np
import pytest

from duygu.shared.model.folder import AdaptiveTemperatureSettings
from duygu.shared.vision.classify.adaptive_temperature import AdaptiveTemperature, FeatureStatistics
from duygu.training.data.clipset import ClipSet
from duygu.training.measure.adaptive_temperature import MovingWindows, adapted_by_others
from duygu.training.measure.metrics import probabilities_of
from duygu.training.network.served import FolderLogits

TEMPERATURE, LIMITS = 0.5, (0.01, 100.0)
STATISTICS = FeatureStatistics(np.zeros(3, np.float32), np.ones(3, np.float32))
SETTINGS = AdaptiveTemperatureSettings(intercept=0.3, slope=-0.4, least=LIMITS[0], most=LIMITS[1])


def sampled(people: int = 4) -> tuple[FolderLogits, ClipSet]:
    """Logits whose true labels are drawn from the probabilities that SETTINGS give."""
    random, count = np.random.default_rng(3), 1500 * people
    means = (random.normal(0, 1, (count, 3)) * np.exp(random.normal(0, 1, (count, 1)))).astype(np.float32)
    computed = FolderLogits(random.normal(0, 1, (count, 4)).astype(np.float32), np.ones(count, np.float32), means)
    shares = probabilities_of(computed.adapted(AdaptiveTemperature(STATISTICS, SETTINGS)), TEMPERATURE)
    truth = (shares.cumsum(axis=1) > random.random((count, 1))).argmax(axis=1)
    subjects = np.array([f"person {number % people}" for number in range(count)])
    clips = ClipSet(np.zeros((count, 1, 1, 1), np.uint8), truth, subjects, subjects)
    return computed, clips


def test_the_fit_finds_the_factor_from_which_labels_were_drawn() -> None:
    """Intercept and slope are recovered, and the limits are those that were given."""
    computed, clips = sampled()
    fitted = MovingWindows.of(computed, STATISTICS, clips).fit(TEMPERATURE, LIMITS)
    assert fitted.intercept == pytest.approx(SETTINGS.intercept, abs=0.1)
    assert fitted.slope == pytest.approx(SETTINGS.slope, abs=0.08)
    assert (fitted.least, fitted.most) == LIMITS


def test_the_factor_for_a_person_does_not_depend_on_their_labels() -> None:
    """It is fitted on the others: false labels of one person change the logits of all but this person."""
    computed, clips = sampled(3)
    own = clips.subjects == "person 0"
    swapped = replace(clips, labels=np.where(own, (clips.labels + 1) % 4, clips.labels))
    adaptive = AdaptiveTemperature(STATISTICS, SETTINGS)
    one, other = (
        adapted_by_others(computed, part, MovingWindows.of(computed, STATISTICS, part), TEMPERATURE, adaptive)
        for part in (clips, swapped)
    )
    assert np.array_equal(one[own], other[own])
    assert not np.allclose(one[~own], other[~own], rtol=0.01)


def test_a_closed_gate_leaves_the_logits() -> None:
    """Windows whose gate is closed keep their logits, whatever the features."""
    computed, _ = sampled(1)
    closed = replace(computed, gates=np.zeros_like(computed.gates))
    assert np.array_equal(closed.adapted(AdaptiveTemperature(STATISTICS, SETTINGS)), computed.logits)
