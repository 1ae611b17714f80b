"""The command that adds predictions relative to a baseline to a model folder."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from duygu.shared.config.settings import Settings
from duygu.shared.errors import ConfigurationError
from duygu.shared.model.folder import CARD, HEAD, open_model_folder, write_manifest
from duygu.shared.vision.classify.relative import open_relative_head
from duygu.training.data.clipset import ClipSet, save_clips
from duygu.training.measure.card import INT8_HEADING, RELATIVE_HEADING
from duygu.training.relative import learn_relative

LABELS = open_model_folder(Settings().model).recipe.labels


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the model folder that ships."""
    shutil.copytree(Settings().model, tmp_path / "model")
    return tmp_path / "model"


def clips_file(path: Path, people: int) -> Path:
    """Write clips of people with one neutral, one happy and one sad recording each."""
    random = np.random.default_rng(5)
    recipe = open_model_folder(Settings().model).recipe
    names = [
        (f"person{p}", label, f"{p}-{label}") for p in range(people) for label in ("neutral", "happiness", "sadness")
    ]
    rows = [row for row in names for _ in range(2)]
    images = random.integers(0, 255, (len(rows), *recipe.input_shape[:3]), np.uint8)
    labels = np.array([LABELS.index(label) for _, label, _ in rows])
    subjects, recordings = (np.array([row[column] for row in rows]) for column in (0, 2))
    save_clips(ClipSet(images, labels, subjects, recordings), recipe, path)
    return path


def test_the_layer_and_its_calibration_are_stored(folder: Path, tmp_path: Path) -> None:
    """The folder gets the layer, its calibration, a section of the card before that of int8, and the version."""
    settings = learn_relative(folder, clips_file(tmp_path / "acted.npz", 4), "9.9")
    opened = open_model_folder(folder)
    head = open_relative_head(opened)
    assert head is not None
    assert head.settings == settings
    assert head.kernel.shape[1] == len(head.bias) == len(LABELS)
    assert opened.manifest.version == "9.9"
    assert set(settings.measured) == {"acted_less_mean", "acted_less_neutral"}
    card = (folder / CARD).read_text(encoding="utf-8")
    assert card.count(RELATIVE_HEADING) == 1
    assert card.index(RELATIVE_HEADING) < card.index(INT8_HEADING)


def test_too_few_people_are_refused(folder: Path, tmp_path: Path) -> None:
    """Two people are not enough to fit and to test."""
    with pytest.raises(ConfigurationError, match="has 2 people; at least 3 are needed"):
        learn_relative(folder, clips_file(tmp_path / "two.npz", 2))


def test_an_undivided_folder_is_refused(folder: Path, tmp_path: Path) -> None:
    """A folder without trunk and head is refused, with what to do."""
    manifest = open_model_folder(folder).manifest
    files = {name: digest for name, digest in manifest.files.items() if name != HEAD}
    write_manifest(
        folder, manifest.model_copy(update={"files": files, "second_trunk": None, "adaptive_temperature": None})
    )
    with pytest.raises(ConfigurationError, match="export it again"):
        learn_relative(folder, clips_file(tmp_path / "clips.npz", 3))
