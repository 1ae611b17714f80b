"""Tests of training the trunk: schedule, resuming, batches and sampling."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rich.progress import Progress

from duygu.shared.errors import ConfigurationError
from duygu.training.data.augmentation import augment, mix
from duygu.training.data.stills import TrainingStills, draw_rates, one_hot
from duygu.training.distillation.batches import AugmentedStills, PseudoLabelledImages
from duygu.training.network.pretraining import ImageSets, make_schedule, train_trunk
from duygu.training.run.folder import RunFolder
from duygu.training.run.settings import SOURCES, Cycle, StillsSettings

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
"""Keras triggers this warning when it writes a file."""

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
    """Images of noise with the same label from every source."""
    random = np.random.default_rng(0)
    targets = np.repeat(one_hot(random.integers(0, 7, 16))[:, np.newaxis], len(SOURCES), axis=1)
    images = random.integers(0, 255, (16, 48, 48), np.uint8)
    return TrainingStills(images, targets, np.full(16, 1 / 16))


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    """An empty run folder."""
    return RunFolder(tmp_path)


@pytest.fixture
def images(stills: TrainingStills) -> ImageSets:
    """Stills alone, as without teachers."""
    return {"stills": AugmentedStills(stills)}


def test_an_interrupted_training_resumes(images: ImageSets, run: RunFolder) -> None:
    """The second cycle starts from the state after the first one, and a finished training is not repeated."""
    first = replace(SETTINGS, cycles=SETTINGS.cycles[:1])
    train_trunk(images, first, run, Progress(disable=True))
    assert int(np.load(run.stills_state)["epoch"]) == 1
    whole = train_trunk(images, SETTINGS, run, Progress(disable=True))
    assert int(np.load(run.stills_state)["epoch"]) == 2
    assert run.stills_network.exists()
    again = train_trunk(images, SETTINGS, run, Progress(disable=True))
    for one, other in zip(whole.get_weights(), again.get_weights(), strict=True):
        assert np.array_equal(one, other)


def test_the_state_of_another_training_is_rejected(stills: TrainingStills, images: ImageSets, run: RunFolder) -> None:
    """Other settings, fewer cycles or other stills in the same folder raise ConfigurationError that names them."""
    train_trunk(images, SETTINGS, run, Progress(disable=True))
    darker: ImageSets = {"stills": AugmentedStills(replace(stills, images=stills.images // 2))}
    for other, settings, named in (
        (images, replace(SETTINGS, weight_decay=0.5), "settings"),
        (images, replace(SETTINGS, cycles=SETTINGS.cycles[:1]), "cycles"),
        (darker, SETTINGS, "stills"),
    ):
        with pytest.raises(ConfigurationError, match=f"other {named}: choose another folder"):
            train_trunk(other, settings, run, Progress(disable=True))


def test_a_state_without_origins_is_rejected(images: ImageSets, run: RunFolder) -> None:
    """A state file that does not record settings and images cannot be resumed."""
    np.savez(run.stills_state, epoch=1)
    with pytest.raises(ConfigurationError, match="choose another folder"):
        train_trunk(images, SETTINGS, run, Progress(disable=True))


def test_a_state_with_earlier_names_is_resumed(images: ImageSets, run: RunFolder) -> None:
    """The state of version 0.1 with the key `asked` is accepted with a warning by the same training."""
    settings = replace(SETTINGS, loss_of={"pseudo_labels": {"votes": 1.0}})
    train_trunk(images, replace(settings, cycles=settings.cycles[:1]), run, Progress(disable=True))
    with np.load(run.stills_state) as arrays:
        values = dict(arrays)
    text = str(values["origins"])
    for new in ("distillation_images", "pseudo_labels"):
        assert f'"{new}"' in text
        text = text.replace(f'"{new}"', '"asked"')
    assert json.loads(text)["settings"]["asked"] == 0
    np.savez(run.stills_state, **{**values, "origins": np.array(text)})
    with pytest.warns(DeprecationWarning, match=r"written by version 0\.1"):
        train_trunk(images, settings, run, Progress(disable=True))
    assert int(np.load(run.stills_state)["epoch"]) == 2


def test_cycles_without_images_are_skipped(stills: TrainingStills, images: ImageSets) -> None:
    """Without teachers, cycles on pseudo-labels are skipped; with them, the phases follow each other."""
    settings = replace(SETTINGS, cycles=(Cycle(2, 1e-3), Cycle(3, 1e-3, of="pseudo_labels"), Cycle(1, 1e-3)))
    assert [(phase.begin, phase.end) for phase in make_schedule(images, settings)] == [(0, 2), (2, 3)]
    both: ImageSets = {**images, "pseudo_labels": PseudoLabelledImages(stills)}
    assert [(phase.begin, phase.end) for phase in make_schedule(both, settings)] == [(0, 2), (2, 5), (5, 6)]
    assert [phase.done(3) for phase in make_schedule(both, settings)] == [4, 2, 0]


def test_pseudo_labelled_images_are_not_augmented(stills: TrainingStills) -> None:
    """Batches of pseudo-labelled images contain each image as it is or mirrored, standardised as in serving."""
    images, targets = PseudoLabelledImages(stills).batch(32, np.random.default_rng(3))
    pixels = stills.images.astype(np.float32)
    normal = (pixels - pixels.mean((1, 2), keepdims=True)) / pixels.std((1, 2), keepdims=True)
    known = np.concatenate([normal, normal[:, :, ::-1]])
    distances = np.abs(images[:, np.newaxis, :, :, 0] - known).max(axis=(2, 3))  # (32, 2 N)
    assert distances.min(axis=1).max() < 1e-4
    assert np.array_equal(targets, np.concatenate([stills.targets] * 2)[distances.argmin(axis=1)])
    assert (distances.argmin(axis=1) >= len(normal)).any()


def test_augmented_images_are_standardised(stills: TrainingStills) -> None:
    """Augmentation keeps the shape, gives a mean near zero, and differs from draw to draw."""
    random = np.random.default_rng(1)
    seen = np.stack([augment(stills.images[0], random) for _ in range(20)])
    assert seen.shape == (20, 48, 48)
    assert np.abs(seen.mean(axis=(1, 2))).max() < 0.6
    assert not np.array_equal(seen[0], seen[1])


def test_mixup_keeps_targets_normalised() -> None:
    """The targets of blended images sum to 1."""
    random = np.random.default_rng(2)
    for _ in range(5):
        _, targets = mix(np.ones((4, 8, 8, 1), np.float32), np.eye(4, dtype=np.float32), random)
        assert targets.sum(axis=1) == pytest.approx(1)


def test_rare_labels_are_drawn_more_often() -> None:
    """Sampling rates are higher for disgust by FER2013's label, and for fear that another source supports."""
    disgust, fear, happiness = one_hot(np.array([1, 2, 3]))
    no_label = np.zeros(7, np.float32)
    targets = np.stack(
        [
            np.stack([happiness, disgust, no_label, no_label, no_label]),
            np.stack([fear, fear, no_label, no_label, no_label]),
            np.stack([happiness, fear, no_label, no_label, no_label]),
            np.stack([happiness, happiness, no_label, no_label, no_label]),
        ]
    )
    assert draw_rates(targets).tolist() == [4.0, 1.6, 1.0, 1.0]
