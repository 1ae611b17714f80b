"""What training refuses before it begins, and what it leaves of an earlier one."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from duygu.shared.config import Settings
from duygu.shared.errors import ConfigurationError, ModelError, TrainingDataError
from duygu.shared.model.folder import H5
from duygu.shared.schemas import EMOTIONS
from duygu.training.calibrate import calibrate
from duygu.training.data.clipset import ClipSet, save_clips
from duygu.training.evaluate import UNTRAINED, evaluate
from duygu.training.export import Release, export
from duygu.training.network import keras_file as model_file
from duygu.training.settings import TrainingRecipe, load_recipe
from duygu.training.train import MEASURED, SPLIT, START, train

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
"""Keras warns of itself when it writes a file."""

SHIPPED = Settings().model

NOTHING: dict[str, Any] = {"stills": None, "clips": None, "start": None}


def quick(**changes: Any) -> TrainingRecipe:
    """The recipe that ships, one epoch long, with another way to make clips."""
    recipe = load_recipe("e3d48")
    assert recipe.clips
    return replace(recipe, clip=replace(recipe.clip, **changes), clips=replace(recipe.clips, epochs=1))


def write_clips(path: Path, people: str, *, still: bool = False) -> Path:
    """Two clips of noise of each person, of different emotions."""
    recipe, count = load_recipe("e3d48").clip, 2 * len(people)
    images = np.random.default_rng(0).integers(0, 255, (count, *recipe.input_shape[:3]), np.uint8)
    if still:
        images[:] = images[:, :1]
    subjects = np.repeat(list(people), 2)
    recordings = np.array([f"{number}.mp4" for number in range(count)])
    save_clips(ClipSet(images, np.arange(count) % 2, subjects, recordings), recipe, path)
    return path


@pytest.mark.parametrize(("name", "needed"), [("seed16", "--clips"), ("e3d48", "--stills")])
def test_a_recipe_says_what_it_lacks(name: str, needed: str, tmp_path: Path) -> None:
    """Without clips or stills there is nothing to learn from."""
    with pytest.raises(ConfigurationError, match=needed):
        train(tmp_path, load_recipe(name), **NOTHING)


@pytest.mark.parametrize("name", ["seed16", "base48"])
def test_networks_that_nothing_would_ask_are_refused(name: str, tmp_path: Path) -> None:
    """A card would otherwise tell that they were learned from."""
    with pytest.raises(ConfigurationError, match="asked"):
        train(tmp_path, load_recipe(name), **NOTHING, networks=tmp_path)


@pytest.mark.parametrize(
    ("name", "data", "why"),
    [
        ("e3d48", {"networks": SHIPPED}, "no network is begun with"),
        ("e3d48", {"stills": SHIPPED / H5}, "stills are not learned from"),
        ("seed16", {}, "begins with no other network"),
    ],
)
def test_what_would_not_be_learned_from_is_refused(name: str, data: dict[str, Path], why: str, tmp_path: Path) -> None:
    """Where a network is begun with, its trunk stays as it is."""
    with pytest.raises(ConfigurationError, match=why):
        train(tmp_path, load_recipe(name), **{**NOTHING, "start": SHIPPED, **data})


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"margin": 0.3}, "margin 0.0 instead of 0.3"),
        ({"normalisation": "clip"}, "normalisation frame instead of clip"),
        ({"labels": tuple(reversed(EMOTIONS))}, "labels"),
    ],
)
def test_a_network_that_takes_other_clips_cannot_be_begun_with(
    changes: dict[str, Any], told: str, tmp_path: Path
) -> None:
    """It would be taught labels that it calls otherwise, on crops that serving does not make."""
    with pytest.raises(ConfigurationError, match=told):
        train(tmp_path / "run", quick(**changes), **{**NOTHING, "start": SHIPPED})
    assert not (tmp_path / "run").exists()


def test_one_person_is_refused_at_once(tmp_path: Path) -> None:
    """Not after the hour that stills take, and with nothing written."""
    clips = write_clips(tmp_path / "clips.npz", "a")
    with pytest.raises(TrainingDataError, match="two people"):
        train(tmp_path / "run", quick(), stills=tmp_path / "none.npz", clips=clips, start=None)
    assert not (tmp_path / "run").exists()


def test_clips_without_motion_teach_nothing(tmp_path: Path) -> None:
    """What the recipe trains is multiplied by what changes from frame to frame."""
    clips = write_clips(tmp_path / "clips.npz", "ab", still=True)
    with pytest.raises(ConfigurationError, match="nothing moves"):
        train(tmp_path / "run", quick(), **{**NOTHING, "start": SHIPPED, "clips": clips})


def test_a_training_forgets_the_one_before(tmp_path: Path) -> None:
    """Figures of another network, and people who did not train this one, would go into its card."""
    run, clips = tmp_path / "run", write_clips(tmp_path / "clips.npz", "ab")
    train(run, quick(), **{**NOTHING, "start": SHIPPED, "clips": clips})
    report = evaluate(run, quick(), stills=None, clips=clips, with_leaky=False)
    assert set(report) == {f"clips_{UNTRAINED}"}  # leaving one out takes four people, and says so
    assert {MEASURED, SPLIT, START} <= {path.name for path in run.iterdir()}
    train(run, quick(), **{**NOTHING, "start": SHIPPED})
    assert not {MEASURED, SPLIT, START} & {path.name for path in run.iterdir()}
    with pytest.raises(ConfigurationError, match="learned from no clips"):
        calibrate(run, stills=None, clips=clips)
    assert not model_file.load(run / H5).people


def test_calibration_takes_the_people_who_chose(tmp_path: Path) -> None:
    """Clips of others are none of theirs."""
    run = tmp_path / "run"
    train(run, quick(), **{**NOTHING, "start": SHIPPED, "clips": write_clips(tmp_path / "clips.npz", "ab")})
    chose = json.loads((run / SPLIT).read_text(encoding="utf-8"))["validation"]
    assert len(chose) == 1
    with pytest.raises(TrainingDataError, match=f"the people who chose the network: {chose[0]}"):
        calibrate(run, stills=None, clips=write_clips(tmp_path / "others.npz", "cd"))


def test_a_run_is_not_its_own_model_folder(tmp_path: Path) -> None:
    """Its files would be written over themselves."""
    with pytest.raises(ModelError, match="another one than that of the training"):
        export(tmp_path, tmp_path / ".", Release("mine", "1"))
