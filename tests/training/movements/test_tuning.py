"""Fine-tuning of the movement network: exact without training, and crops that vary as cameras and detectors do."""

import numpy as np
import pytest
import tensorflow as tf

from duygu.shared.vision.types import Floats, Image
from duygu.training.distillation.teachers import face_api_maps
from duygu.training.movements import tuning
from duygu.training.movements.examples import MOUTH, POINTS, Examples
from duygu.training.movements.head import TARGETS, Head
from duygu.training.movements.landmarker import NAMES
from duygu.training.movements.tuning import MIRRORED, tune, vary
from duygu.training.onnx.face_api import PLACES, SIZE
from tests.support import teacher_packages

COUNT, COMPONENTS, HIDDEN = 24, 3, 5


def examples() -> Examples:
    """Return noise as crops, whose brightness determines every target."""
    random = np.random.default_rng(1)
    light = random.uniform(60, 200, COUNT)
    crops = np.clip(light[:, np.newaxis, np.newaxis] + random.normal(0, 5, (COUNT, SIZE, SIZE)), 0, 255)
    slopes = random.choice([-1, 1], max(TARGETS) + 1)
    targets = ((light[:, np.newaxis] - 130) / 70 * slopes + random.normal(size=len(slopes))).astype(np.float32)
    geometry, mouth = np.zeros((COUNT, 8), np.float32), np.zeros((COUNT, MOUTH.values), np.float32)
    clip = np.arange(COUNT)
    return Examples(crops.astype(np.uint8), targets, geometry, mouth, clip, geometry[:, 0], clip.astype(str))


def network() -> tuple[dict[str, Floats], Head]:
    """Return a small random trunk and head."""
    random = np.random.default_rng(2)
    weights = teacher_packages.face_api_weights(random)
    shapes = (teacher_packages.CHANNELS, COMPONENTS), (PLACES**2 * COMPONENTS, HIDDEN), (HIDDEN, len(TARGETS))
    components, inner, outer = (random.normal(0, 0.3, shape).astype(np.float32) for shape in shapes)
    biases = (random.normal(size=shape[1]).astype(np.float32) for shape in shapes[1:])
    weights = {name: 0.5 * value for name, value in weights.items()}
    return weights, Head(components, (inner, next(biases)), (outer, next(biases)))


def predicted(weights: dict[str, Floats], head: Head, crops: Image) -> Floats:
    """Return the values (N, 57) of trunk and head."""
    maps = np.asarray(face_api_maps(weights, tf.constant(crops[..., np.newaxis], tf.float32)))
    return head(maps.transpose(0, 3, 1, 2))


@pytest.fixture
def small_maps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the head read the few channels of the small trunk."""
    monkeypatch.setattr("duygu.training.movements.head.CHANNELS", teacher_packages.CHANNELS)


@pytest.fixture
def steady(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave mirroring as the only variation."""
    for name in ("TURN", "STRETCH", "SHIFT", "GAIN", "LEVEL"):
        monkeypatch.setattr(tuning, name, 0.0)


@pytest.mark.usefixtures("small_maps")
def test_training_begins_with_the_given_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """At a learning rate of 0, trunk and head predict what they did before: every scaling is undone."""
    monkeypatch.setattr(tuning, "EPOCHS", 1)
    monkeypatch.setattr(tuning, "RATE", 0.0)
    known, (weights, head) = examples(), network()
    tuned, changed = tune(weights, head, [(known, 1.0)])
    assert predicted(tuned, changed, known.crops) == pytest.approx(predicted(weights, head, known.crops), abs=1e-3)


@pytest.mark.usefixtures("small_maps", "steady")
def test_training_comes_closer_to_the_reference(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error on the examples falls, and trunk, components and head all change."""
    monkeypatch.setattr(tuning, "EPOCHS", 30)
    monkeypatch.setattr(tuning, "RATE", 1e-2)
    known, (weights, head) = examples(), network()
    tuned, changed = tune(weights, head, [(known, 1.0)])
    target = known.targets[:, TARGETS]
    before, after = (
        np.abs(predicted(*each, known.crops) - target).mean() for each in ((weights, head), (tuned, changed))
    )
    assert after < 0.9 * before
    assert (tuned["dense3/conv3/bias"] != weights["dense3/conv3/bias"]).any()
    assert (changed.components != head.components).any()


def test_mirroring_exchanges_left_and_right() -> None:
    """A mirrored face has the targets of the other side; mirroring twice changes nothing."""
    assert NAMES[MIRRORED[NAMES.index("mouthSmileLeft")]] == "mouthSmileRight"
    assert NAMES[MIRRORED[NAMES.index("mouthRight")]] == "mouthLeft"
    assert MIRRORED[NAMES.index("jawOpen")] == NAMES.index("jawOpen")
    assert [MIRRORED[at] for at in MIRRORED] == list(range(len(TARGETS)))


@pytest.mark.usefixtures("steady")
def test_a_mirrored_crop_has_its_eyes_where_they_were() -> None:
    """The landmarks of a mirrored crop lie where the alignment puts them, within two pixels."""
    left, right = (POINTS[:2] * SIZE).round().astype(int)
    crop = np.zeros((SIZE, SIZE), np.uint8)
    crop[left[1], left[0]] = 255
    mirrored = vary(crop, True, np.random.default_rng(0))
    row, column = np.unravel_index(mirrored.argmax(), mirrored.shape)
    assert abs(row - right[1]) <= 2
    assert abs(column - right[0]) <= 2
    assert (vary(crop, False, np.random.default_rng(0)) == crop).all()
