"""Learning predictions relative to a person's baseline."""

import numpy as np
import pytest

from duygu.training.network.relative_head import MEAN, NEUTRAL, Windows, fit_relative, out_of_fold, pairs_of

FEATURES, LABELS, UNSEEN = 8, 4, 3
"""The last label occurs in no recording; the one before is neutral."""


def windows(people: int = 6, takes: int = 3, length: int = 4) -> Windows:
    """Return windows of people whose faces differ more than their expressions do."""
    random = np.random.default_rng(0)
    expressions = random.normal(size=(LABELS, FEATURES))
    rows = []
    for person in range(people):
        face = 6 * random.normal(size=FEATURES)
        for label in range(LABELS - 1):
            for take in range(takes):
                noise = random.normal(0, 0.5, (length, FEATURES))
                rows += [
                    (face + expressions[label] + row, label, f"p{person}", f"p{person}-{label}-{take}") for row in noise
                ]
    features, labels, names, recordings = zip(*rows, strict=True)
    return Windows(np.array(features, np.float32), np.array(labels), np.array(names), np.array(recordings))


def test_the_baselines_are_the_mean_and_each_neutral_recording() -> None:
    """Each person has one pair set for the mean, and one for each neutral recording, which is not classified itself."""
    found = pairs_of(windows(people=2, takes=2, length=4), 2)
    per_person = LABELS - 1, 2, 4  # labels, recordings of each, windows of each
    total = int(np.prod(per_person))
    assert (found.kinds == MEAN).sum() == 2 * total
    assert (found.kinds == NEUTRAL).sum() == 2 * 2 * (total - 4)
    assert found.weights.sum() == pytest.approx(1)
    assert found.weights[found.kinds == MEAN].sum() == pytest.approx(0.5)
    own = found.take(found.kinds == MEAN)
    assert own.differences[own.people == "p0"].mean(axis=0) == pytest.approx(np.zeros(FEATURES), abs=1e-4)


def test_unseen_people_are_recognised_relative_to_their_baseline() -> None:
    """A layer of other people's pairs recognises expressions that the differences between faces hide."""
    found = pairs_of(windows(), 2)
    logits = out_of_fold(found, np.zeros((FEATURES, LABELS), np.float32), np.ones(FEATURES, np.float32))
    assert (logits.argmax(axis=1) == found.labels).mean() > 0.75


def test_a_label_without_recordings_keeps_the_prior() -> None:
    """The kernel of a label that no recording has is the prior, whatever the units of the features are."""
    found = pairs_of(windows(), 2)
    prior = np.random.default_rng(2).normal(size=(FEATURES, LABELS)).astype(np.float32)
    deviations = np.linspace(0.5, 4, FEATURES).astype(np.float32)
    kernel, bias = fit_relative(found, prior, deviations)
    assert kernel[:, UNSEEN] == pytest.approx(prior[:, UNSEEN], abs=1e-5)
    assert bias[UNSEEN] == 0
    assert bias.sum() == pytest.approx(0, abs=1e-4)
    assert not np.allclose(kernel[:, :UNSEEN], prior[:, :UNSEEN])
