"""Temperatures and threshold of a run, from labelled stills."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from duygu.shared.config import Settings
from duygu.shared.model.folder import H5
from duygu.shared.vision.types import Image
from duygu.training.calibrate import calibrate_on_stills
from duygu.training.data.stills import VALIDATION, Stills, as_clips
from duygu.training.data.synthetic_motion import moving_clips
from duygu.training.measure.metrics import Integers
from duygu.training.measure.temperature import fit_temperature
from duygu.training.network import keras_file as model_file
from duygu.training.network.inference import logits_of

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
"""Keras warns of itself when it writes a file."""

COUNT = 60


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run that ended in the network that ships."""
    shutil.copyfile(Settings().model / H5, tmp_path / H5)
    return tmp_path


def write_stills(path: Path, images: Image, truth: Integers) -> Stills:
    """Stills for validation, of which all raters say the truth; labels in the order of the project's."""
    labels = ["anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral", "contempt", "unknown", "NF"]
    np.savez(
        path,
        ferplus_images=images,
        ferplus_votes=10 * np.eye(len(labels), dtype=np.uint8)[truth],
        ferplus_vote_columns=np.array(labels),
        ferplus_usage=np.full(len(images), VALIDATION),
    )
    return Stills(path)


def test_one_temperature_fits_both_answers(run: Path) -> None:
    """What is said of stills stays; what is said of moving faces is scaled until the temperature of stills fits it."""
    network, random = model_file.load(run / H5), np.random.default_rng(1)
    images = random.integers(0, 255, (COUNT, 48, 48), np.uint8)
    said = logits_of(network, as_clips(images, network.recipe.frames))
    truth = np.where(random.random(COUNT) < 0.6, said.argmax(axis=1), random.integers(0, 7, COUNT))
    calibrate_on_stills(run, write_stills(run / "stills.npz", images, truth))
    calibrated = model_file.load(run / H5)
    standing, moving = (
        logits_of(calibrated, clips(images, network.recipe.frames)) for clips in (as_clips, moving_clips)
    )
    assert standing == pytest.approx(said, abs=1e-4)
    assert calibrated.recipe.temperature == pytest.approx(fit_temperature(standing, truth), abs=1e-3)
    assert calibrated.recipe.temperature == pytest.approx(fit_temperature(moving, truth), rel=0.1)
