"""A model folder that is exported into a second time."""

from pathlib import Path

import keras
import numpy as np
import pytest

from duygu.shared.model.folder import CARD, H5, INT8, ONNX, open_model_folder
from duygu.shared.model.recipe import Recipe
from duygu.training.export import Release, export
from duygu.training.measure.card import INTEGERS
from duygu.training.network import keras_file as model_file
from duygu.training.network.architectures import flat_network

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

quantise = pytest.importorskip("duygu.training.quantise")

RECIPE = Recipe("tiny", size=16)


def train(run: Path, seed: int) -> Path:
    """A folder that holds what training leaves: a network of random weights."""
    keras.utils.set_random_seed(seed)
    model_file.save(model_file.Network(flat_network(RECIPE), RECIPE), run / H5)
    return run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A model folder with a quantised network, and a section on it in the card."""
    folder = tmp_path / "model"
    export(train(tmp_path / "run", 0), folder, Release("tiny", "1"))
    clips = np.random.default_rng(0).normal(0, 1, (12, *RECIPE.input_shape)).astype(np.float32)
    quantise.quantise(folder, clips)
    card = folder / CARD
    card.write_text(f"{card.read_text(encoding='utf-8')}\n{INTEGERS}Hardly different.\n", encoding="utf-8")
    return folder


def test_the_same_network_keeps_its_integers(folder: Path, tmp_path: Path) -> None:
    """The file, its entry in the manifest, and what the card says of it."""
    before = (folder / INT8).read_bytes()
    export(tmp_path / "run", folder, Release("tiny", "2"))
    opened = open_model_folder(folder)
    assert opened.manifest.version == "2"
    assert opened.int8 == folder / INT8
    assert (folder / INT8).read_bytes() == before
    assert (folder / CARD).read_text(encoding="utf-8").endswith(f"\n\n{INTEGERS}Hardly different.\n")


@pytest.mark.parametrize("damaged", [False, True])
def test_another_network_does_not_keep_them(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], *, damaged: bool
) -> None:
    """They are deleted, which is printed, and the card says nothing of them; the folder opens."""
    before = (folder / ONNX).read_bytes()
    if damaged:
        (folder / INT8).write_bytes(b"\xff" * 100)
    export(train(tmp_path / "other", 1), folder, Release("tiny", "2"))
    assert (folder / ONNX).read_bytes() != before
    assert not (folder / INT8).exists()
    assert open_model_folder(folder).int8 is None
    assert INTEGERS not in (folder / CARD).read_text(encoding="utf-8")
    assert "was quantised from another network" in capsys.readouterr().err
