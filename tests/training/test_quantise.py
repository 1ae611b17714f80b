"""The network in eight-bit integers: made by training, taken by the engine where the processor is quick with it."""

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
from duygu.training.measure.card import INTEGERS
from tests.support.tiny_model import write_tiny_model

quantise = pytest.importorskip("duygu.training.quantise")

RECIPE = Recipe("tiny", size=48)


@pytest.fixture(scope="module")
def clips() -> Floats:
    """Random ones, normalised."""
    return np.random.default_rng(0).normal(0, 1, (12, *RECIPE.input_shape)).astype(np.float32)


@pytest.fixture
def folder(tmp_path: Path, clips: Floats) -> Path:
    """A model folder with both networks."""
    made = write_tiny_model(tmp_path / "model", RECIPE)
    quantise.quantise(made, clips)
    return made


@pytest.fixture
def processor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A file that tells what the processor can."""
    path = tmp_path / "cpuinfo"
    monkeypatch.setattr(sessions, "CPU", path)
    sessions.multiplies_bytes.cache_clear()
    yield path
    sessions.multiplies_bytes.cache_clear()


def test_both_networks_agree(folder: Path, clips: Floats, processor: Path) -> None:
    """The engine takes integers where the processor multiplies bytes, and answers nearly the same."""
    processor.write_text("processor : 0\nflags : fpu avx2 avx512_vnni\n")
    quick = OnnxClassifier(open_model_folder(folder))
    sessions.multiplies_bytes.cache_clear()
    processor.write_text("processor : 0\nflags : fpu avx2\n")
    exact = OnnxClassifier(open_model_folder(folder))
    assert quick.recipe == exact.recipe == RECIPE
    difference = np.abs(quick.logits(clips) - exact.logits(clips)).max()
    assert 0 < difference < 0.1


def test_an_unknown_processor_takes_the_network_itself(folder: Path, clips: Floats, processor: Path) -> None:
    """Where nothing tells what the processor can, nothing is risked."""
    assert not processor.exists()
    answers = OnnxClassifier(open_model_folder(folder)).logits(clips)
    assert np.array_equal(answers, quantise.logits_of(folder / ONNX, clips))


def test_integers_of_another_network_are_refused(folder: Path, processor: Path) -> None:
    """Integers that were made before the network was exported again are no twin of it."""
    processor.write_text("Features : fp asimd asimddp\n")
    manifest = open_model_folder(folder).manifest
    (folder / INT8).write_bytes((folder / ONNX).read_bytes())
    write_manifest(folder, manifest.model_copy(update={"files": {**manifest.files, INT8: manifest.files[ONNX]}}))
    with pytest.raises(ModelError, match="another network"):
        OnnxClassifier(open_model_folder(folder))


def test_says_what_it_was_made_from(folder: Path) -> None:
    """The sha256 of the network is among its metadata."""
    import onnx

    metadata = {entry.key: entry.value for entry in onnx.load(folder / INT8).metadata_props}
    assert metadata[MADE_FROM] == open_model_folder(folder).manifest.files[ONNX]


def test_refuses_what_answers_differently(tmp_path: Path, clips: Floats, monkeypatch: pytest.MonkeyPatch) -> None:
    """Integers that name another emotion too often are not written."""
    folder = write_tiny_model(tmp_path / "model", RECIPE)
    monkeypatch.setattr(quantise, "LEAST_AGREEMENT", 1.1)
    with pytest.raises(ModelError, match="same emotion"):
        quantise.quantise(folder, clips)
    assert not (folder / INT8).exists()


def test_the_card_tells_of_both(folder: Path) -> None:
    """Once, however often it is said, and the folder can still be opened."""
    recipe = Recipe("tiny", size=48)
    images = np.random.default_rng(1).integers(0, 255, (8, 48, 48), np.uint8)
    (folder / CARD).write_text("# tiny\n", encoding="utf-8")
    comparison = quantise.compare(folder, recipe, StrictStills(images, np.zeros(8, np.int64), np.full((8, 7), 1 / 7)))
    for _ in range(2):
        quantise.tell(folder, comparison)
    text = (open_model_folder(folder).path / CARD).read_text(encoding="utf-8")
    assert text.count(INTEGERS) == text.count("On 8 stills") == 1
