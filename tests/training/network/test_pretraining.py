"""The trunk learns from what there is, and goes on where it was stopped."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rich.progress import Progress

from duygu.shared.errors import ConfigurationError
from duygu.training.data.augmentation import augment, mix
from duygu.training.data.stills import TrainingStills, draw_rates, one_hot
from duygu.training.distillation.batches import AlteredStills, AskedPictures
from duygu.training.network.pretraining import STATE, STILLS_MODEL, Lessons, courses, train_trunk
from duygu.training.settings import SOURCES, Cycle, StillsSettings

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


@pytest.fixture
def lessons(stills: TrainingStills) -> Lessons:
    """Stills alone, as where no public network is given."""
    return {"stills": AlteredStills(stills)}


def test_a_stopped_training_goes_on(lessons: Lessons, tmp_path: Path) -> None:
    """After the first cycle the second one begins from what was kept, and a finished training is not repeated."""
    first = replace(SETTINGS, cycles=SETTINGS.cycles[:1])
    train_trunk(lessons, first, tmp_path, Progress(disable=True))
    assert int(np.load(tmp_path / STATE)["epoch"]) == 1
    whole = train_trunk(lessons, SETTINGS, tmp_path, Progress(disable=True))
    assert int(np.load(tmp_path / STATE)["epoch"]) == 2
    assert (tmp_path / STILLS_MODEL).exists()
    again = train_trunk(lessons, SETTINGS, tmp_path, Progress(disable=True))
    for one, other in zip(whole.get_weights(), again.get_weights(), strict=True):
        assert np.array_equal(one, other)


def test_another_training_is_not_gone_on_with(stills: TrainingStills, lessons: Lessons, tmp_path: Path) -> None:
    """Other settings, shorter cycles or other stills in the same folder would otherwise give back the old network."""
    train_trunk(lessons, SETTINGS, tmp_path, Progress(disable=True))
    darker: Lessons = {"stills": AlteredStills(replace(stills, images=stills.images // 2))}
    for other, settings, named in (
        (lessons, replace(SETTINGS, weight_decay=0.5), "settings"),
        (lessons, replace(SETTINGS, cycles=SETTINGS.cycles[:1]), "cycles"),
        (darker, SETTINGS, "stills"),
    ):
        with pytest.raises(ConfigurationError, match=f"other {named}: take another folder"):
            train_trunk(other, settings, tmp_path, Progress(disable=True))


def test_a_training_of_an_earlier_version_is_not_gone_on_with(lessons: Lessons, tmp_path: Path) -> None:
    """Its state does not say what it learned from."""
    np.savez(tmp_path / STATE, epoch=1)
    with pytest.raises(ConfigurationError, match="take another folder"):
        train_trunk(lessons, SETTINGS, tmp_path, Progress(disable=True))


def test_cycles_without_pictures_are_left_out(stills: TrainingStills, lessons: Lessons) -> None:
    """Where no network was asked, the trunk learns from stills alone; otherwise each cycle follows the one before."""
    settings = replace(SETTINGS, cycles=(Cycle(2, 1e-3), Cycle(3, 1e-3, of="asked"), Cycle(1, 1e-3)))
    assert [(course.begin, course.end) for course in courses(lessons, settings)] == [(0, 2), (2, 3)]
    both: Lessons = {**lessons, "asked": AskedPictures(stills)}
    assert [(course.begin, course.end) for course in courses(both, settings)] == [(0, 2), (2, 5), (5, 6)]
    assert [course.done(3) for course in courses(both, settings)] == [4, 2, 0]


def test_asked_pictures_are_shown_as_they_were(stills: TrainingStills) -> None:
    """But for left and right, and for the normalisation that serving makes."""
    images, targets = AskedPictures(stills).batch(32, np.random.default_rng(3))
    pixels = stills.images.astype(np.float32)
    normal = (pixels - pixels.mean((1, 2), keepdims=True)) / pixels.std((1, 2), keepdims=True)
    known = np.concatenate([normal, normal[:, :, ::-1]])
    distances = np.abs(images[:, np.newaxis, :, :, 0] - known).max(axis=(2, 3))  # (32, 2 N)
    assert distances.min(axis=1).max() < 1e-4
    assert np.array_equal(targets, np.concatenate([stills.targets] * 2)[distances.argmin(axis=1)])
    assert (distances.argmin(axis=1) >= len(normal)).any()


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
