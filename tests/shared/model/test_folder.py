"""Validation of a model folder by the API, which reads the manifest, and by the engine, which loads the network."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from duygu.shared.config.engine import engine_options
from duygu.shared.config.settings import Settings
from duygu.shared.errors import ModelError
from duygu.shared.model.folder import H5, INT8, LABELS, MANIFEST, ONNX, open_model_folder
from duygu.shared.schemas.emotions import EMOTIONS
from duygu.shared.vision.engine import load_engine
from tests.support.tiny_model import write_tiny_model


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of a small model."""
    return write_tiny_model(tmp_path / "tiny")


def copied(tmp_path: Path) -> Path:
    """A copy of the folder of the default model."""
    return shutil.copytree(Settings().model, tmp_path / "copy")


def change(folder: Path, **recipe: Any) -> None:
    """Change the recipe in the manifest."""
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    manifest["recipe"].update(recipe)
    (folder / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")


def test_a_folder_describes_its_model(folder: Path) -> None:
    """The folder and the engine that loads it describe the same model."""
    opened = open_model_folder(folder)
    assert opened.info() == load_engine(engine_options(Settings(threads=1, model=folder))).model
    assert opened.description().uncertain_below == 0.5


@pytest.mark.parametrize("name", [ONNX, INT8, LABELS])
def test_a_missing_file_is_refused(tmp_path: Path, name: str) -> None:
    """The manifest lists it, and the engine or the training needs it."""
    folder = copied(tmp_path)
    (folder / name).unlink()
    with pytest.raises(ModelError, match=f"{name} is missing from"):
        open_model_folder(folder)


def test_the_keras_file_may_be_missing(tmp_path: Path) -> None:
    """Images without the reference engine omit it. The ONNX engine loads the folder; a damaged file is refused."""
    folder = copied(tmp_path)
    (folder / H5).write_bytes(b"damaged")
    with pytest.raises(ModelError, match=f"{H5} in .* does not match"):
        open_model_folder(folder)
    (folder / H5).unlink()
    assert open_model_folder(folder).h5 is None
    engine = load_engine(engine_options(Settings(threads=1, model=folder)))
    assert engine.model == open_model_folder(Settings().model).info()


@pytest.mark.parametrize(
    ("recipe", "complaint"),
    [
        ({"labels": 5}, "labels: Input should be a valid tuple"),
        ({"labels": ["anger", "hunger"]}, "invalid recipe: labels anger, hunger include an unknown emotion"),
        ({"uncertain_below": "abc"}, "uncertain_below: Input should be a valid number"),
        ({"uncertain_below": 1.5}, "invalid recipe: uncertain_below 1.5 is outside 0 to 1"),
        ({"align": "eye"}, "align: Input should be 'box' or 'eyes'"),
        ({"colour": True}, "colour"),
    ],
)
def test_a_manifest_whose_recipe_is_none_is_refused(folder: Path, recipe: dict[str, Any], complaint: str) -> None:
    """An invalid recipe in the manifest is refused when the service starts."""
    change(folder, **recipe)
    with pytest.raises(ModelError, match=rf"{MANIFEST} in .*{complaint}"):
        open_model_folder(folder)


@pytest.mark.parametrize(
    ("recipe", "names"),
    [
        ({"labels": EMOTIONS[::-1]}, "labels"),
        ({"temperature": 2.0, "uncertain_below": 0.1}, "temperature, uncertain_below"),
    ],
)
def test_a_manifest_of_another_network_is_refused(folder: Path, recipe: dict[str, Any], names: str) -> None:
    """A manifest whose recipe differs from that of the network is refused."""
    change(folder, **recipe)
    with pytest.raises(ModelError, match=f"do not have the same {names}$"):
        load_engine(engine_options(Settings(threads=1, model=folder)))
