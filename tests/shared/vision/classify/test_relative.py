"""Predictions relative to a person's baseline."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from duygu.shared.config.engine import engine_options
from duygu.shared.config.settings import Settings
from duygu.shared.errors import ModelError
from duygu.shared.model.folder import RELATIVE, RelativeSettings, open_model_folder
from duygu.shared.vision.batching import classify
from duygu.shared.vision.classify.clips import Clip
from duygu.shared.vision.classify.relative import (
    RelativeHead,
    open_relative_head,
    relative_probabilities,
    relative_track_probabilities,
    window_features,
)
from duygu.shared.vision.engine import load_engine
from duygu.shared.vision.types import Floats

FOLDER = open_model_folder(Settings().model)
SETTINGS = RelativeSettings(temperature=0.5, track_temperature=0.25, uncertain_below=0.6, certain_means=0.7)
FEATURES, LABELS = 6, 3


@pytest.fixture
def head() -> RelativeHead:
    """A head of random weights."""
    random = np.random.default_rng(0)
    kernel, bias = random.normal(size=(FEATURES, LABELS)), random.normal(size=LABELS)
    return RelativeHead(kernel.astype(np.float32), bias.astype(np.float32), SETTINGS)


def features(count: int, seed: int) -> Floats:
    """Return features of windows."""
    return np.random.default_rng(seed).normal(size=(count, FEATURES)).astype(np.float32)


def test_the_probabilities_are_the_softmax_of_the_difference(head: RelativeHead) -> None:
    """Each window has probabilities, computed from its difference from the mean of the baseline's windows."""
    windows, baseline = features(4, 1), features(3, 2)
    logits = ((windows - baseline.mean(axis=0)) @ head.kernel + head.bias) / SETTINGS.temperature
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    probabilities = relative_probabilities(head, windows, baseline)
    assert probabilities == pytest.approx(expected, abs=1e-5)
    assert probabilities.sum(axis=1) == pytest.approx(np.ones(4))


def test_what_is_common_to_a_person_cancels(head: RelativeHead) -> None:
    """A shift of all features of a person, as by the shape of the face, changes no prediction."""
    windows, baseline, shape = features(4, 1), features(3, 2), 5 * features(1, 3)
    assert relative_probabilities(head, windows + shape, baseline + shape) == pytest.approx(
        relative_probabilities(head, windows, baseline), abs=1e-4
    )


def test_a_track_has_its_own_temperature(head: RelativeHead) -> None:
    """The prediction for a track is computed from the mean logits, with the temperature of tracks."""
    windows, baseline = features(5, 1), features(3, 2)
    alone = replace(head, settings=SETTINGS.model_copy(update={"temperature": SETTINGS.track_temperature}))
    mean = windows.mean(axis=0, keepdims=True)
    assert relative_track_probabilities(head, windows, baseline) == pytest.approx(
        relative_probabilities(alone, mean, baseline)[0], abs=1e-5
    )


def test_an_empty_baseline_is_an_error(head: RelativeHead) -> None:
    """A baseline without windows raises ValueError."""
    with pytest.raises(ValueError, match="the baseline has no window"):
        relative_probabilities(head, features(2, 1), features(0, 2))


def test_the_features_of_a_window_are_means_and_deviations() -> None:
    """Features of the crops become their means, then their standard deviations."""
    crops = np.array([[1.0, 2.0], [3.0, 2.0]], np.float32)
    assert window_features(crops).tolist() == [2.0, 2.0, 1.0, 0.0]


def test_the_shipped_head_fits_the_features_of_the_engine() -> None:
    """Windows have features where the engine keeps them, and the shipped head classifies these."""
    engine = load_engine(engine_options(Settings(threads=1)))
    random = np.random.default_rng(4)
    shape = (3, engine.recipe.frames, engine.recipe.size, engine.recipe.size)
    clips = [
        (1, Clip(0.0, 1.0, images, (), second=random.random((4, 256)).astype(np.float32)))
        for images in random.integers(0, 255, shape, np.uint8)
    ]
    assert [window.features for window in classify(engine, clips)] == [None] * 3
    kept = classify(replace(engine, keeps_features=True), clips)
    found = np.stack([window.features for window in kept if window.features is not None])
    assert engine.relative is not None
    probabilities = relative_probabilities(engine.relative, found, found[:1])
    assert probabilities.shape == (3, len(engine.recipe.labels))
    assert probabilities.sum(axis=1) == pytest.approx(np.ones(3), abs=1e-5)
    (unseen,) = classify(engine, [(1, replace(clips[0][1], second=None))])
    assert unseen.relative is None  # without a crop of the second trunk, whose features the head needs


def test_a_folder_without_the_head_has_none(tmp_path: Path) -> None:
    """A model folder without the section `relative` has no head."""
    folder = replace(FOLDER, manifest=FOLDER.manifest.model_copy(update={"relative": None}))
    assert open_relative_head(folder) is None


@pytest.mark.parametrize("damaged", [b"", b"\x93NUMPY\x01\x00 and nothing else", None])
def test_a_damaged_head_is_rejected(tmp_path: Path, damaged: bytes | None) -> None:
    """A file that is no array, or whose shape does not fit the labels, is a ModelError."""
    if damaged is None:
        np.save(tmp_path / RELATIVE, np.zeros((4, 2), np.float32))
    else:
        (tmp_path / RELATIVE).write_bytes(damaged)
    with pytest.raises(ModelError, match=RELATIVE):
        open_relative_head(replace(FOLDER, path=tmp_path))
