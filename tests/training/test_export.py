"""Tests of exporting a run into a model folder."""

import json
from pathlib import Path

import keras
import numpy as np
import pytest

from duygu.shared.model.folder import CARD, H5, INT8, ONNX, open_model_folder
from duygu.shared.model.recipe import Recipe
from duygu.training.export import Release, export
from duygu.training.measure.card import EARLIER_INT8_HEADING, INT8_HEADING
from duygu.training.network import keras_file
from duygu.training.network.architectures import flat_network
from duygu.training.run.folder import RunFolder

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

quantisation = pytest.importorskip("duygu.training.onnx.quantisation")

RECIPE = Recipe("tiny", size=16)


def train(run: Path, seed: int) -> Path:
    """A run folder with a network of random weights."""
    keras.utils.set_random_seed(seed)
    keras_file.save(keras_file.Network(flat_network(RECIPE), RECIPE), run / H5)
    return run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A model folder with an int8-quantised model, and a section on it in the card."""
    folder = tmp_path / "model"
    export(train(tmp_path / "run", 0), folder, Release("tiny", "1"))
    clips = np.random.default_rng(0).normal(0, 1, (12, *RECIPE.input_shape)).astype(np.float32)
    quantisation.quantise(folder, clips)
    card = folder / CARD
    card.write_text(f"{card.read_text(encoding='utf-8')}\n{INT8_HEADING}Hardly different.\n", encoding="utf-8")
    return folder


def test_the_int8_model_of_the_same_network_is_kept(folder: Path, tmp_path: Path) -> None:
    """A second export of the same network keeps the int8 file, its manifest entry and its section in the card."""
    before = (folder / INT8).read_bytes()
    export(tmp_path / "run", folder, Release("tiny", "2"))
    opened = open_model_folder(folder)
    assert opened.manifest.version == "2"
    assert opened.int8 == folder / INT8
    assert (folder / INT8).read_bytes() == before
    assert (folder / CARD).read_text(encoding="utf-8").endswith(f"\n\n{INT8_HEADING}Hardly different.\n")


@pytest.mark.parametrize("damaged", [False, True])
def test_the_int8_model_of_another_network_is_deleted(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], *, damaged: bool
) -> None:
    """Exporting another network deletes the int8 file and its section, prints that, and leaves a valid folder."""
    before = (folder / ONNX).read_bytes()
    if damaged:
        (folder / INT8).write_bytes(b"\xff" * 100)
    export(train(tmp_path / "other", 1), folder, Release("tiny", "2"))
    assert (folder / ONNX).read_bytes() != before
    assert not (folder / INT8).exists()
    assert open_model_folder(folder).int8 is None
    assert INT8_HEADING not in (folder / CARD).read_text(encoding="utf-8")
    assert "was quantised from another network" in capsys.readouterr().err


def test_the_earlier_heading_of_the_int8_section_is_recognised(folder: Path, tmp_path: Path) -> None:
    """A section with the heading of version 0.1 is kept under the present heading."""
    card = folder / CARD
    card.write_text(card.read_text(encoding="utf-8").replace(INT8_HEADING, EARLIER_INT8_HEADING), encoding="utf-8")
    export(tmp_path / "run", folder, Release("tiny", "2"))
    text = card.read_text(encoding="utf-8")
    assert text.endswith(f"\n\n{INT8_HEADING}Hardly different.\n")
    assert EARLIER_INT8_HEADING not in text


def test_earlier_names_of_protocols_are_accepted(tmp_path: Path) -> None:
    """measured.json of version 0.1 is exported under the present names with a warning, the leaking split left out."""
    values = {
        "count": 4,
        "figures": {"accuracy": 0.5, "uar": 0.5, "ece": 0.1},
        "interval": [0.4, 0.6],
        "recalls": dict.fromkeys(RECIPE.labels, 0.5),
    }
    run = RunFolder(train(tmp_path / "run", 0))
    earlier = ("ferplus_strict", "mine_untrained", "mine_leave_one_actor_out", "mine_leaky")
    run.measured.write_text(json.dumps(dict.fromkeys(earlier, values)), encoding="utf-8")
    with pytest.warns(DeprecationWarning, match="mine_leaky, mine_untrained"):
        export(run.path, tmp_path / "model", Release("tiny", "1"))
    measured = open_model_folder(tmp_path / "model").manifest.measured
    assert list(measured) == ["ferplus_strict", "mine_zero_shot", "mine_leave_one_actor_out"]
    card = (tmp_path / "model" / CARD).read_text(encoding="utf-8")
    assert "mine_zero_shot: recordings" in card
    assert "mine_subject_leaking: for comparison only" in card
