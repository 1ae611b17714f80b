"""Classification by a trunk that processes each crop once, and a head."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from duygu.shared.config.settings import Settings
from duygu.shared.errors import ModelError
from duygu.shared.model.folder import HEAD, ONNX, open_model_folder
from duygu.shared.vision.batching import classify
from duygu.shared.vision.classify import classifier as module
from duygu.shared.vision.classify.classifier import DividedClassifier, OnnxClassifier, open_classifier
from duygu.shared.vision.classify.clips import Clip, ClipBuilder, Crop
from duygu.shared.vision.classify.crops import normalise
from duygu.shared.vision.engine import Engine
from duygu.shared.vision.types import Floats
from tests.support.tiny_model import write_tiny_model

FOLDER = open_model_folder(Settings().model)
RECIPE = FOLDER.recipe


class Counting(DividedClassifier):
    """The shipped network, which counts the crops that its trunk processes."""

    crops = 0

    def features(self, crops: Floats) -> Floats:
        """Count the crops."""
        self.crops += len(crops)
        return super().features(crops)


@pytest.fixture
def floats(monkeypatch: pytest.MonkeyPatch) -> None:
    """32-bit floats on every processor."""
    monkeypatch.setattr(module, "has_int8_dot_product", lambda: False)


def crops_of_a_face(count: int) -> list[Crop]:
    """Return crops of noise that changes slowly."""
    random = np.random.default_rng(3)
    base = random.integers(0, 255, (RECIPE.size, RECIPE.size))
    images = [np.clip(base + random.normal(0, 9, base.shape), 0, 255).astype(np.uint8) for _ in range(count)]
    return [Crop(tick, tick / 10, image, frozenset()) for tick, image in enumerate(images)]


def clips_of(crops: list[Crop]) -> list[Clip]:
    """Return the clips of one face."""
    builder = ClipBuilder(RECIPE)
    return [*(clip for crop in crops for clip in builder.add(crop, missed=True)), *builder.end()]


def logits_of(network: DividedClassifier, engine: Engine, clips: list[Clip]) -> Floats:
    """Return the logits of clips that are classified one after another."""
    served = replace(engine, classifier=network)
    return np.stack([classify(served, [(1, clip)])[0].logits for clip in clips])


@pytest.mark.usefixtures("floats")
def test_the_parts_are_the_network() -> None:
    """Trunk and head give the logits of the undivided network, except for rounding."""
    clips = normalise(np.random.default_rng(0).integers(0, 255, (9, *RECIPE.input_shape[:3]), np.uint8), RECIPE)
    assert DividedClassifier(FOLDER).logits(clips) == pytest.approx(OnnxClassifier(FOLDER).logits(clips), abs=1e-5)


@pytest.mark.usefixtures("floats")
def test_windows_that_overlap_share_the_trunk(engine: Engine) -> None:
    """The trunk processes each crop once, and the logits are those of the undivided network for each window alone.

    Every second window is mirrored, so that a crop has the same orientation in both windows that contain it.
    """
    network, clips = Counting(FOLDER), clips_of(crops_of_a_face(25))
    shared = logits_of(network, engine, clips)
    seen = [clip.images[..., ::-1] if number % 2 else clip.images for number, clip in enumerate(clips)]
    assert [clip.mirrored for clip in clips] == [False, True, False, True]
    assert network.crops - 2 * RECIPE.frames == 25  # the network was run on two clips when it was loaded
    assert shared == pytest.approx(OnnxClassifier(FOLDER).logits(normalise(np.stack(seen), RECIPE)), abs=1e-4)


@pytest.mark.usefixtures("floats")
def test_windows_off_the_grid_and_without_a_cache(engine: Engine) -> None:
    """A last window that begins between two strides, and a restored clip without a cache, have the same logits."""
    network, clips = Counting(FOLDER), clips_of(crops_of_a_face(13))
    shared = logits_of(network, engine, clips)
    alone = logits_of(network, engine, [replace(clip, features=()) for clip in clips])
    assert len(clips) == 2
    assert shared == pytest.approx(alone, abs=1e-4)


@pytest.mark.usefixtures("floats")
def test_repeated_crops_are_processed_once(engine: Engine) -> None:
    """The repetitions of a crop that fill a gap, or a clip, are not processed again in the same orientation."""
    network, (clip,) = Counting(FOLDER), clips_of(crops_of_a_face(3))
    before = network.crops
    logits_of(network, engine, [clip])
    assert network.crops - before == 4  # the third crop is in both halves
    still = Clip(0.0, 1.0, np.repeat(clip.images[:1], RECIPE.frames, axis=0), ())
    logits_of(network, engine, [still])
    assert network.crops - before == 6  # a single picture has no cache


def test_batches_and_single_clips_agree(engine: Engine) -> None:
    """Clips of several faces in one batch have the logits of the same clips one by one."""
    network = DividedClassifier(FOLDER)
    clips = [clip for start in (0, 20) for clip in clips_of(crops_of_a_face(40)[start : start + 20])]
    batch = classify(replace(engine, classifier=network), [(face, clip) for face, clip in enumerate(clips)])
    alone = logits_of(network, engine, [replace(clip, features=()) for clip in clips])
    assert np.stack([window.logits for window in batch]) == pytest.approx(alone, abs=1e-3)


def test_parts_of_another_network_are_rejected() -> None:
    """Parts that were cut from another network than that of the folder are rejected."""
    manifest = FOLDER.manifest.model_copy(update={"files": {**FOLDER.manifest.files, ONNX: "0" * 64}})
    with pytest.raises(ModelError, match=r"trunk\.onnx is a part of a network other than"):
        DividedClassifier(replace(FOLDER, manifest=manifest))


def test_a_folder_without_parts_is_served_undivided(tmp_path: Path) -> None:
    """A model folder that has no trunk and head is served by the undivided network, and no window is mirrored."""
    folder = open_model_folder(write_tiny_model(tmp_path))
    assert HEAD not in folder.manifest.files
    assert isinstance(open_classifier(folder), OnnxClassifier)
    assert isinstance(open_classifier(FOLDER), DividedClassifier)
