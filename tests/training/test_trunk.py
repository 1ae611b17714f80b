"""The trunk learns, and goes on where it was stopped."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rich.progress import Progress

from training.augment import augment, mix
from training.networks import SOURCES
from training.settings import Cycle, StillsSettings
from training.stills import TrainingStills, draw_rates, one_hot
from training.trunk import STATE, STILLS_MODEL, train_trunk

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
"""Keras warns of itself when it writes a file."""

SETTINGS = StillsSettings(
    cycles=(Cycle(1, 1e-3), Cycle(1, 1e-3)),
    batch=8,
    weight_decay=0.01,
    label_smoothing=0.0,
    loss=dict.fromkeys(SOURCES, 1.0),
    answer={"votes": 1.0},
)


@pytest.fixture(scope="module")
def stills() -> TrainingStills:
    """Pictures of noise; every source agrees on the label."""
    random = np.random.default_rng(0)
    targets = np.repeat(one_hot(random.integers(0, 7, 16))[:, np.newaxis], len(SOURCES), axis=1)
    images = random.integers(0, 255, (16, 48, 48), np.uint8)
    return TrainingStills(images, targets, np.full(16, 1 / 16))


def test_a_stopped_training_goes_on(stills: TrainingStills, tmp_path: Path) -> None:
    """After the first cycle the second one begins from what was kept, and a finished training is not repeated."""
    first = replace(SETTINGS, cycles=SETTINGS.cycles[:1])
    train_trunk(stills, first, tmp_path, Progress(disable=True))
    assert int(np.load(tmp_path / STATE)["epoch"]) == 1
    whole = train_trunk(stills, SETTINGS, tmp_path, Progress(disable=True))
    assert int(np.load(tmp_path / STATE)["epoch"]) == 2
    assert (tmp_path / STILLS_MODEL).exists()
    again = train_trunk(stills, SETTINGS, tmp_path, Progress(disable=True))
    for one, other in zip(whole.get_weights(), again.get_weights(), strict=True):
        assert np.array_equal(one, other)


def test_augmented_pictures_are_normalised(stills: TrainingStills) -> None:
    """Shape stays, values are of the size that the network expects, and two are never the same."""
    random = np.random.default_rng(1)
    seen = np.stack([augment(stills.images[0], random) for _ in range(20)])
    assert seen.shape == (20, 48, 48)
    assert np.abs(seen.mean(axis=(1, 2))).max() < 0.6
    assert not np.array_equal(seen[0], seen[1])


def test_a_mix_keeps_the_targets_whole() -> None:
    """Shares of labels still sum to one."""
    random = np.random.default_rng(2)
    for _ in range(5):
        _, targets = mix(np.ones((4, 8, 8, 1), np.float32), np.eye(4, dtype=np.float32), random)
        assert targets.sum(axis=1) == pytest.approx(1)


def test_rare_labels_are_drawn_more_often() -> None:
    """Disgust by FER2013's label; fear only where another source sees some."""
    disgust, fear, happiness = one_hot(np.array([1, 2, 3]))
    nobody = np.zeros(7, np.float32)
    targets = np.stack(
        [
            np.stack([happiness, disgust, nobody, nobody, nobody]),
            np.stack([fear, fear, nobody, nobody, nobody]),
            np.stack([happiness, fear, nobody, nobody, nobody]),
            np.stack([happiness, happiness, nobody, nobody, nobody]),
        ]
    )
    assert draw_rates(targets).tolist() == [4.0, 1.6, 1.0, 1.0]
