"""Tests of the int8-quantised model: written by training, used by the engine on processors with int8 instructions."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from duygu.shared.errors import ModelError
from duygu.shared.model.folder import CARD, INT8, MADE_FROM, ONNX, open_model_folder, write_manifest
from duygu.shared.model.recipe import Recipe
from duygu.shared.vision.classify.classifier import OnnxClassifier
from duygu.shared.vision.detect import onnx_session as sessions
from duygu.shared.vision.types import Floats
from duygu.training.data.stills import StrictStills
from duygu.training.measure.card import INT8_HEADING
from tests.support.tiny_model import write_tiny_model

quantisation = pytest.importorskip("duygu.training.onnx.quantisation")

RECIPE = Recipe("tiny", size=48)


@pytest.fixture(scope="module")
def clips() -> Floats:
    """Random ones, normalised."""
    return np.random.default_rng(0).normal(0, 1, (12, *RECIPE.input_shape)).astype(np.float32)


@pytest.fixture
def folder(tmp_path: Path, clips: Floats) -> Path:
    """A model folder with the network and its int8-quantised model."""
    made = write_tiny_model(tmp_path / "model", RECIPE)
    quantisation.quantise(made, clips)
    return made


@pytest.fixture
def processor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The file from which the engine reads the features of the processor."""
    path = tmp_path / "cpuinfo"
    monkeypatch.setattr(sessions, "CPU", path)
    sessions.has_int8_dot_product.cache_clear()
    yield path
    sessions.has_int8_dot_product.cache_clear()


def test_both_networks_agree(folder: Path, clips: Floats, processor: Path) -> None:
    """With int8 instructions the engine uses the int8-quantised model, whose logits differ by less than 0.1."""
    processor.write_text("processor : 0\nflags : fpu avx2 avx512_vnni\n")
    quick = OnnxClassifier(open_model_folder(folder))
    sessions.has_int8_dot_product.cache_clear()
    processor.write_text("processor : 0\nflags : fpu avx2\n")
    exact = OnnxClassifier(open_model_folder(folder))
    assert quick.recipe == exact.recipe == RECIPE
    difference = np.abs(quick.logits(clips) - exact.logits(clips)).max()
    assert 0 < difference < 0.1


def test_an_unknown_processor_uses_the_network_itself(folder: Path, clips: Floats, processor: Path) -> None:
    """Where the features of the processor are unknown, the engine uses the network that is not quantised."""
    assert not processor.exists()
    logits = OnnxClassifier(open_model_folder(folder)).logits(clips)
    assert np.array_equal(logits, quantisation.logits_of(folder / ONNX, clips))


def test_an_int8_model_of_another_network_is_rejected(folder: Path, processor: Path) -> None:
    """An int8 file that was quantised before the network was exported again raises ModelError."""
    processor.write_text("Features : fp asimd asimddp\n")
    manifest = open_model_folder(folder).manifest
    (folder / INT8).write_bytes((folder / ONNX).read_bytes())
    write_manifest(folder, manifest.model_copy(update={"files": {**manifest.files, INT8: manifest.files[ONNX]}}))
    with pytest.raises(ModelError, match="quantised from a network other than"):
        OnnxClassifier(open_model_folder(folder))


def test_metadata_names_the_source_network(folder: Path) -> None:
    """The metadata of the int8-quantised model contains the SHA-256 of the network."""
    import onnx

    metadata = {entry.key: entry.value for entry in onnx.load(folder / INT8).metadata_props}
    assert metadata[MADE_FROM] == open_model_folder(folder).manifest.files[ONNX]


def test_low_agreement_is_rejected(tmp_path: Path, clips: Floats, monkeypatch: pytest.MonkeyPatch) -> None:
    """An int8-quantised model that predicts another emotion too often is not written."""
    folder = write_tiny_model(tmp_path / "model", RECIPE)
    monkeypatch.setattr(quantisation, "LEAST_AGREEMENT", 1.1)
    with pytest.raises(ModelError, match="same emotion"):
        quantisation.quantise(folder, clips)
    assert not (folder / INT8).exists()


def test_the_card_describes_both_networks(folder: Path) -> None:
    """Writing the comparison twice leaves one section in the card, and a valid folder."""
    recipe = Recipe("tiny", size=48)
    images = np.random.default_rng(1).integers(0, 255, (8, 48, 48), np.uint8)
    (folder / CARD).write_text("# tiny\n", encoding="utf-8")
    comparison = quantisation.compare(
        folder, recipe, StrictStills(images, np.zeros(8, np.int64), np.full((8, 7), 1 / 7))
    )
    for _ in range(2):
        quantisation.write_comparison(folder, comparison)
    text = (open_model_folder(folder).path / CARD).read_text(encoding="utf-8")
    assert text.count(INT8_HEADING) == text.count("On 8 stills") == 1
