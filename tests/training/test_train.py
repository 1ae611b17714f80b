"""Tests of what training rejects before it begins, and of what it keeps of an earlier training."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from duygu.shared.config.settings import Settings
from duygu.shared.errors import ConfigurationError, ModelError, TrainingDataError
from duygu.shared.model.folder import H5
from duygu.shared.schemas.emotions import EMOTIONS
from duygu.training.calibrate import calibrate
from duygu.training.data.clipset import ClipSet, save_clips
from duygu.training.evaluate import evaluate
from duygu.training.export import Release, export
from duygu.training.measure.protocols import ZERO_SHOT
from duygu.training.network import keras_file
from duygu.training.run.folder import RunFolder
from duygu.training.run.settings import TrainingRecipe, load_recipe
from duygu.training.train import train

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
"""Keras warns of itself when it writes a file."""

SHIPPED = Settings().model

NOTHING: dict[str, Any] = {"stills": None, "clips": None, "start": None}


def quick(**changes: Any) -> TrainingRecipe:
    """The recipe that ships with a single epoch and other settings for its clips."""
    recipe = load_recipe("e3d48")
    assert recipe.clips
    return replace(recipe, clip=replace(recipe.clip, **changes), clips=replace(recipe.clips, epochs=1))


def write_clips(path: Path, people: str, *, still: bool = False) -> Path:
    """Write two clips of noise for each person, with different labels."""
    recipe, count = load_recipe("e3d48").clip, 2 * len(people)
    images = np.random.default_rng(0).integers(0, 255, (count, *recipe.input_shape[:3]), np.uint8)
    if still:
        images[:] = images[:, :1]
    subjects = np.repeat(list(people), 2)
    recordings = np.array([f"{number}.mp4" for number in range(count)])
    save_clips(ClipSet(images, np.arange(count) % 2, subjects, recordings), recipe, path)
    return path


@pytest.mark.parametrize(("name", "needed"), [("seed16", "--clips"), ("e3d48", "--stills")])
def test_missing_data_is_named(name: str, needed: str, tmp_path: Path) -> None:
    """Training without the clips or stills that the recipe needs raises ConfigurationError."""
    with pytest.raises(ConfigurationError, match=needed):
        train(tmp_path, load_recipe(name), **NOTHING)


@pytest.mark.parametrize("name", ["seed16", "base48"])
def test_teachers_that_the_recipe_would_not_use_are_rejected(name: str, tmp_path: Path) -> None:
    """Teachers for a recipe without distillation raise ConfigurationError: the card would name them."""
    with pytest.raises(ConfigurationError, match="distillation_images"):
        train(tmp_path, load_recipe(name), **NOTHING, networks=tmp_path)


@pytest.mark.parametrize(
    ("name", "data", "why"),
    [
        ("e3d48", {"networks": SHIPPED}, "cannot be combined with --start"),
        ("e3d48", {"stills": SHIPPED / H5}, "--stills cannot be combined with --start"),
        ("seed16", {}, "starts from random weights"),
        ("talk48", {"stills": SHIPPED / H5}, "--talking is missing"),
        ("e3d48", {"talking": SHIPPED / H5}, "--talking needs --stills, and a recipe with the section"),
        ("talk48", {"talking": SHIPPED / H5}, "--talking needs --stills"),
    ],
)
def test_data_that_training_would_not_use_is_rejected(
    name: str, data: dict[str, Path], why: str, tmp_path: Path
) -> None:
    """Stills and teachers cannot be combined with a network to start from, whose trunk is not trained."""
    with pytest.raises(ConfigurationError, match=why):
        train(tmp_path, load_recipe(name), **{**NOTHING, "start": SHIPPED, **data})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"margin": 0.3}, "margin 0.0 instead of 0.3"),
        ({"normalisation": "clip"}, "normalisation frame instead of clip"),
        ({"labels": tuple(reversed(EMOTIONS))}, "labels"),
    ],
)
def test_training_cannot_start_from_a_network_with_other_clips(
    changes: dict[str, Any], message: str, tmp_path: Path
) -> None:
    """A network whose labels or crops differ from the recipe raises ConfigurationError, and nothing is written."""
    with pytest.raises(ConfigurationError, match=message):
        train(tmp_path / "run", quick(**changes), **{**NOTHING, "start": SHIPPED})
    assert not (tmp_path / "run").exists()


def test_one_person_is_refused_at_once(tmp_path: Path) -> None:
    """Clips of a single person are rejected before the training on stills, and nothing is written."""
    clips = write_clips(tmp_path / "clips.npz", "a")
    with pytest.raises(TrainingDataError, match="at least two people"):
        train(tmp_path / "run", quick(), stills=tmp_path / "none.npz", clips=clips, start=None)
    assert not (tmp_path / "run").exists()


def test_clips_without_motion_teach_nothing(tmp_path: Path) -> None:
    """Clips that are all stills are rejected by a recipe that trains only what depends on motion."""
    clips = write_clips(tmp_path / "clips.npz", "ab", still=True)
    with pytest.raises(ConfigurationError, match="contain no motion"):
        train(tmp_path / "run", quick(), **{**NOTHING, "start": SHIPPED, "clips": clips})


def test_a_training_deletes_the_results_of_an_earlier_one(tmp_path: Path) -> None:
    """Split, initial network, history and figures of an earlier training do not reach the next one's card."""
    run, clips = tmp_path / "run", write_clips(tmp_path / "clips.npz", "ab")
    files = RunFolder(run)
    of_clips = (files.measured, files.report, files.split, files.initial_network, files.history, files.best_weights)
    train(run, quick(), **{**NOTHING, "start": SHIPPED, "clips": clips})
    report = evaluate(run, quick(), stills=None, clips=clips)
    assert set(report) == {f"clips_{ZERO_SHOT}"}  # leave-one-out needs four people
    assert all(path.exists() for path in of_clips)
    files.stills_state.touch()
    train(run, quick(), **{**NOTHING, "start": SHIPPED})
    assert files.stills_state.exists()  # from which training on stills resumes
    assert not any(path.exists() for path in of_clips)
    with pytest.raises(ConfigurationError, match="was not trained on clips"):
        calibrate(run, stills=None, clips=clips)
    assert keras_file.load(run / H5).people == keras_file.load(SHIPPED / H5).people


def test_calibration_uses_the_validation_part(tmp_path: Path) -> None:
    """Calibration with clips of other people raises TrainingDataError with the names in the validation part."""
    run = tmp_path / "run"
    train(run, quick(), **{**NOTHING, "start": SHIPPED, "clips": write_clips(tmp_path / "clips.npz", "ab")})
    validation = json.loads(RunFolder(run).split.read_text(encoding="utf-8"))["validation"]
    assert len(validation) == 1
    with pytest.raises(TrainingDataError, match=f"the people in the validation part: {validation[0]}"):
        calibrate(run, stills=None, clips=write_clips(tmp_path / "others.npz", "cd"))


def test_a_run_is_not_its_own_model_folder(tmp_path: Path) -> None:
    """Exporting into the run's own folder raises ModelError."""
    with pytest.raises(ModelError, match="choose another folder for the model"):
        export(tmp_path, tmp_path / ".", Release("mine", "1"))
