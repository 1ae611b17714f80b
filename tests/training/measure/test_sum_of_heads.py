"""Layers that are adapted to other people, and the penalty that these people choose."""

import numpy as np
import pytest

from duygu.shared.errors import TrainingDataError
from duygu.shared.schemas.emotions import EMOTIONS
from duygu.training.measure.sum_of_heads import PENALTIES, adapted_predictions, chosen_penalty
from duygu.training.network.sum_of_heads import SumOfHeads, Windows

WIDTH, PEOPLE, EACH = 40, 6, 12


def layer(seed: int) -> SumOfHeads:
    """A random layer."""
    return SumOfHeads(np.random.default_rng(seed).normal(size=(WIDTH, 7)).astype(np.float32), np.zeros(7, np.float32))


def windows(true: SumOfHeads, *, wrong: float = 0.0, people: int = PEOPLE) -> Windows:
    """Recordings of one window, whose labels are those of a layer but for a share of random ones."""
    random = np.random.default_rng(5)
    count = people * EACH
    features = random.normal(size=(count, WIDTH)).astype(np.float32)
    labels = true.logits(features).argmax(axis=1)
    labels = np.where(random.random(count) < wrong, random.integers(0, 7, count), labels)
    return Windows(features, labels, np.repeat(np.arange(people), EACH).astype(str), np.arange(count).astype(str))


def test_people_choose_how_far_the_layer_may_change() -> None:
    """Where the layer is right, and labels are noisy, it stays; where it is wrong, it changes as far as it may."""
    stays, kept = chosen_penalty(layer(1), windows(layer(1), wrong=0.4))
    changes, learned = chosen_penalty(layer(1).scaled(0.01), windows(layer(2), people=20))
    assert stays > changes
    assert {stays, changes} <= set(PENALTIES)
    assert (kept.logits.argmax(axis=1) == kept.truth).mean() > 0.5
    assert (learned.logits.argmax(axis=1) == learned.truth).mean() > 0.3


def test_nobody_is_classified_by_a_layer_that_knows_the_person() -> None:
    """Where the labels of a person contradict those of all others, that person's are wrong."""
    known = windows(layer(3), people=8)
    own = known.subjects == "0"
    labels = np.where(own, (known.labels + 1) % 7, known.labels)
    predicted = adapted_predictions(
        EMOTIONS, layer(3), Windows(known.features, labels, known.subjects, known.recordings)
    )
    assert len(predicted.truth) == len(labels)
    assert predicted.correct[predicted.subjects == "0"].mean() < 0.2
    assert predicted.correct[predicted.subjects != "0"].mean() > 0.5


def test_one_person_cannot_choose() -> None:
    """The choice needs at least one person to learn from and one to predict."""
    with pytest.raises(TrainingDataError, match="at least 2 people"):
        chosen_penalty(layer(1), windows(layer(1), people=1))
