"""The head: principal components of the trunk's channels, one hidden layer, and the targets of the reference."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from duygu.shared.model.movement_folder import LIPS
from duygu.shared.vision.types import Floats
from duygu.training.movements.examples import Examples
from duygu.training.movements.landmarker import NAMES
from duygu.training.onnx.face_api import CHANNELS, PLACES, Trunk

COMPONENTS, HIDDEN = 48, 128
EPOCHS, BATCH, RATE, DECAY, DROPOUT = 24, 128, 1e-3, 0.03, 0.4
HIDDEN_DROPOUT, NOISE = 0.3, 0.1

TARGETS = [*range(len(NAMES)), *range(len(NAMES) + 3, len(NAMES) + 3 + LIPS)]
"""Columns of the reference that the head learns; the pose comes from the landmarks of the detector."""

SPARSE = 6
"""Every so many examples determine the components."""


@dataclass(frozen=True, slots=True)
class Head:
    """The parameters from maps (N, 256, 7, 7) to targets (N, 57)."""

    components: Floats  # (256, 48)
    hidden: tuple[Floats, Floats]  # weights (49 x 48, 128) and bias, of components by place
    output: tuple[Floats, Floats]  # weights (128, 57) and bias

    def __call__(self, maps: Any) -> Floats:
        """Predict in batches; movements and distances are not limited."""
        parts = [maps[start : start + 512] for start in range(0, len(maps), 512)]
        return np.concatenate([self._predict(part) for part in parts])

    def _predict(self, maps: Any) -> Floats:
        hidden = np.maximum(project(maps, self.components) @ self.hidden[0] + self.hidden[1], 0)
        return np.asarray(hidden @ self.output[0] + self.output[1], np.float32)


def project(maps: Any, components: Floats) -> Floats:
    """Components of each place: (N, 256, 7, 7) -> (N, 49 x 48), place by place."""
    places = maps.astype(np.float32).transpose(0, 2, 3, 1).reshape(-1, CHANNELS)
    return np.asarray(places @ components, np.float32).reshape(len(maps), PLACES**2 * components.shape[1])


def train_head(trunk: Trunk, parts: Sequence[tuple[Examples, float]], seed: int = 0) -> Head:
    """Train on examples with a weight for each part, all scaled so that each target has unit deviation."""
    keras.utils.set_random_seed(seed)
    maps = [trunk.maps(examples.crops) for examples, _ in parts]
    components = _components(maps)
    inputs = np.concatenate([project(part, components) for part in maps])
    targets = np.concatenate([examples.targets[:, TARGETS] for examples, _ in parts])
    weights = np.concatenate([np.full(len(examples.targets), weight, np.float32) for examples, weight in parts])
    centre, scale = np.average(inputs, 0, weights), inputs.std(0) + 0.1
    level, spread = np.average(targets, 0, weights), targets.std(0) + 1e-7
    network = _fit((inputs - centre) / scale, (targets - level) / spread, weights)
    (first, first_bias), (last, last_bias) = (layer.get_weights() for layer in network.layers if layer.weights)
    inner = first / scale[:, np.newaxis]  # folds the scaling of inputs and targets into the layers
    hidden = inner.astype(np.float32), (first_bias - centre @ inner).astype(np.float32)
    output = (last * spread).astype(np.float32), (last_bias * spread + level).astype(np.float32)
    return Head(components, hidden, output)


def _fit(inputs: Floats, targets: Floats, weights: Floats) -> Any:
    """AdamW with a cosine schedule, dropout, and a little noise on the inputs."""
    network = keras.Sequential(
        [
            keras.Input(inputs.shape[1:]),
            keras.layers.GaussianNoise(NOISE),
            keras.layers.Dropout(DROPOUT),
            keras.layers.Dense(HIDDEN, activation="relu"),
            keras.layers.Dropout(HIDDEN_DROPOUT),
            keras.layers.Dense(targets.shape[1]),
        ]
    )
    steps = EPOCHS * -(-len(inputs) // BATCH)
    schedule = keras.optimizers.schedules.CosineDecay(RATE, steps)
    network.compile(optimizer=keras.optimizers.AdamW(schedule, weight_decay=DECAY), loss=keras.losses.Huber())
    network.fit(
        inputs.astype(np.float32),
        targets.astype(np.float32),
        sample_weight=weights,
        epochs=EPOCHS,
        batch_size=BATCH,
        verbose=0,
    )
    return network


def _components(parts: Sequence[Any]) -> Floats:
    """The strongest principal components of the channels over all places, scaled to unit mean variance."""
    places = np.concatenate(
        [part[::SPARSE].astype(np.float32).transpose(0, 2, 3, 1).reshape(-1, CHANNELS) for part in parts]
    )
    variance, axes = np.linalg.eigh(np.cov((places - places.mean(0)).T))
    return np.asarray(axes[:, -COMPONENTS:] / np.sqrt(variance[-COMPONENTS:].mean()), np.float32)
