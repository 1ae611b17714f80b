"""Tests of calibrating a run on labelled stills."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from duygu.shared.config.settings import Settings
from duygu.shared.model.folder import H5
from duygu.shared.vision.types import Image
from duygu.training.calibrate import calibrate_on_stills, calibrate_on_talking, certain_share
from duygu.training.data.clipset import ClipSet
from duygu.training.data.stills import VALIDATION, Stills, as_clips
from duygu.training.data.synthetic_motion import moving_clips
from duygu.training.measure.metrics import equal_people, probabilities_of
from duygu.training.measure.temperature import TALKING_RISK, fit_temperature
from duygu.training.network import keras_file
from duygu.training.network.inference import logits_of
from duygu.training.run.folder import RunFolder
from duygu.training.run.types import Integers

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
"""Keras triggers this warning when it writes a file."""

COUNT = 60


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    """A run folder whose network is the one that ships."""
    shutil.copyfile(Settings().model / H5, tmp_path / H5)
    return RunFolder(tmp_path)


def write_stills(path: Path, images: Image, truth: Integers) -> Stills:
    """Write stills of the validation part for which all ten raters vote for the true label."""
    labels = ["anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral", "contempt", "unknown", "NF"]
    np.savez(
        path,
        ferplus_images=images,
        ferplus_votes=10 * np.eye(len(labels), dtype=np.uint8)[truth],
        ferplus_vote_columns=np.array(labels),
        ferplus_usage=np.full(len(images), VALIDATION),
    )
    return Stills(path)


def test_one_temperature_fits_still_and_moving_faces(run: RunFolder) -> None:
    """Calibration leaves the logits for stills unchanged and scales those for moving faces to the same temperature."""
    network, random = keras_file.load(run.network), np.random.default_rng(1)
    images = random.integers(0, 255, (COUNT, 48, 48), np.uint8)
    before = logits_of(network, as_clips(images, network.recipe.frames))
    truth = np.where(random.random(COUNT) < 0.6, before.argmax(axis=1), random.integers(0, 7, COUNT))
    calibrate_on_stills(run, write_stills(run.path / "stills.npz", images, truth))
    calibrated = keras_file.load(run.network)
    still, moving = (logits_of(calibrated, clips(images, network.recipe.frames)) for clips in (as_clips, moving_clips))
    assert still == pytest.approx(before, abs=1e-4)
    assert calibrated.recipe.temperature == pytest.approx(fit_temperature(still, truth), abs=1e-3)
    assert calibrated.recipe.temperature == pytest.approx(fit_temperature(moving, truth), rel=0.1)


def test_recordings_calibrate_the_output_for_moving_faces(run: RunFolder) -> None:
    """Each person counts the same, windows above the threshold keep the accepted error rate, and stills stay."""
    network, random = keras_file.load(run.network), np.random.default_rng(2)
    images = random.integers(0, 255, (COUNT, *network.recipe.input_shape[:3]), np.uint8)
    before = logits_of(network, images)
    truth = np.where(random.random(COUNT) < 0.7, before.argmax(axis=1), random.integers(0, 7, COUNT))
    people = np.array(["often"] * (COUNT - 10) + ["seldom"] * 10)
    clips = ClipSet(images, truth, people, np.arange(COUNT).astype(str))
    calibrate_on_talking(run, clips)
    calibrated, weights = keras_file.load(run.network), equal_people(people)
    logits, recipe = logits_of(calibrated, images), calibrated.recipe
    assert fit_temperature(logits, truth, weights) == pytest.approx(recipe.temperature, rel=0.05)
    assert fit_temperature(logits, truth, weights) == pytest.approx(recipe.track_temperature, rel=0.05)
    probabilities = probabilities_of(logits, recipe.temperature)
    sure = probabilities.max(axis=1) >= recipe.uncertain_below
    wrong = probabilities.argmax(axis=1) != truth
    assert weights[sure & wrong].sum() <= TALKING_RISK * weights[sure].sum() + 1e-9
    assert recipe.certain_means == certain_share(logits, clips)
    still = as_clips(images[:, 0], recipe.frames)
    assert logits_of(calibrated, still) == pytest.approx(logits_of(network, still), abs=1e-3)


def test_still_faces_have_a_threshold_of_their_own(run: RunFolder) -> None:
    """Calibration on stills writes the threshold for repeated pictures and the share that it keeps."""
    network, random = keras_file.load(run.network), np.random.default_rng(3)
    images = random.integers(0, 255, (COUNT, 48, 48), np.uint8)
    truth = logits_of(network, as_clips(images, network.recipe.frames)).argmax(axis=1)
    calibrate_on_stills(run, write_stills(run.path / "stills.npz", images, truth))
    recipe = keras_file.load(run.network).recipe
    assert recipe.threshold(still=True) == recipe.still_uncertain_below
    assert recipe.still_certain_means == 0.9
    assert recipe.threshold(still=False) == recipe.uncertain_below


def test_the_certain_share_is_that_of_people_whom_nothing_was_fitted_on() -> None:
    """A person whose confident windows are wrong lowers the share, however right the others are."""
    truth = np.tile(np.arange(4), 6)
    logits = 8 * np.eye(7, dtype=np.float32)[truth]
    logits[:8] = np.roll(logits[:8], 1, axis=1)  # of the first of three people
    people = np.repeat(["a", "b", "c"], 8)
    images = np.zeros((24, 10, 48, 48), np.uint8)
    assert certain_share(logits, ClipSet(images, truth, people, people)) == pytest.approx(0.0, abs=0.01)
    assert certain_share(logits[8:], ClipSet(images[8:], truth[8:], people[8:], people[8:])) == 1.0
    assert certain_share(logits[8:16], ClipSet(images[8:16], truth[8:16], people[8:16], people[8:16])) is None
