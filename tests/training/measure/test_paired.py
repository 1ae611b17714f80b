"""Tests of comparing two networks on the same recordings."""

import numpy as np
import pytest

from duygu.shared.errors import TrainingDataError
from duygu.training.measure.metrics import Predictions, accuracy, unweighted_average_recall
from duygu.training.measure.paired import LEAST_PEOPLE, LEAST_RECORDINGS, differences, discordant_sentence, sentences

LABELS = ("anger", "happiness", "neutral")


def predictions(right: float, people: int = 8, each: int = 20, seed: int = 0) -> Predictions:
    """Return predictions of which about a share is right; the recordings are the same for every seed."""
    truth = np.random.default_rng(99).integers(0, 2, people * each)
    random = np.random.default_rng(seed)
    chosen = np.where(random.random(len(truth)) < right, truth, (truth + 1) % 3)
    return Predictions(LABELS, np.eye(3)[chosen], truth, np.repeat([f"person {one}" for one in range(people)], each))


def test_a_network_does_not_differ_from_itself() -> None:
    """Equal predictions differ by exactly 0 in every resample, and no difference is claimed."""
    found = differences(predictions(0.6), predictions(0.6))
    assert [(one.new - one.old, one.low, one.high, one.claimed) for one in found] == [(0, 0, 0, False)] * 2
    assert "No difference can be claimed" in " ".join(sentences(found, predictions(0.6).subjects))


def test_figures_are_those_of_each_network() -> None:
    """Old and new are accuracy and mean recall of each network, over the labels that occur."""
    old, new = predictions(0.4, seed=1), predictions(0.9, seed=2)
    right, recall = differences(old, new)
    assert (right.old, right.new) == pytest.approx((accuracy(old), accuracy(new)))
    assert (recall.old, recall.new) == pytest.approx((unweighted_average_recall(old), unweighted_average_recall(new)))
    assert right.low < right.new - right.old < right.high


@pytest.mark.parametrize(("before", "after", "word"), [(0.4, 0.9, "higher"), (0.9, 0.4, "lower")])
def test_a_large_difference_is_claimed(before: float, after: float, word: str) -> None:
    """A difference that all people share is claimed, in its direction."""
    found = differences(predictions(before, seed=1), predictions(after, seed=2))
    assert all(one.claimed for one in found)
    assert f"the {word} accuracy" in " ".join(sentences(found, predictions(before).subjects)).replace("has the", "the")


def test_one_person_who_differs_supports_no_claim() -> None:
    """People are resampled, so that a gain for a single person is no claim about others."""
    old = predictions(0.5, seed=1)
    chosen = np.where(old.subjects == "person 0", old.truth, old.chosen)
    found = differences(old, Predictions(LABELS, np.eye(3)[chosen], old.truth, old.subjects))
    assert found[0].new > found[0].old
    assert not found[0].claimed


@pytest.mark.parametrize(("people", "each", "reason"), [(4, 20, "4 people"), (6, 4, "24 recordings")])
def test_too_few_are_refused_in_words(people: int, each: int, reason: str) -> None:
    """Fewer people or recordings than the bounds raise an error with their number and the bound."""
    few = predictions(0.5, people, each)
    with pytest.raises(TrainingDataError, match=rf"{reason}; at least ({LEAST_PEOPLE}|{LEAST_RECORDINGS})"):
        differences(few, few)


def test_discordant_recordings_have_the_exact_probability() -> None:
    """Of six recordings that differ, five for the new network: both tails of six fair throws are 14 of 64."""
    old = predictions(1.0)
    chosen = old.chosen.copy()
    chosen[:5] = (old.truth[:5] + 1) % 3
    before = Predictions(LABELS, np.eye(3)[chosen], old.truth, old.subjects)
    chosen = old.chosen.copy()
    chosen[5] = (old.truth[5] + 1) % 3
    after = Predictions(LABELS, np.eye(3)[chosen], old.truth, old.subjects)
    sentence = discordant_sentence(before, after)
    assert "right in 5 recordings, the old one alone in 1" in sentence
    assert f"p = {14 / 64:.3f}" in sentence
