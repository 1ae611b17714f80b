"""Fine-tuning of the whole network, face-api's convolutions, the components and the head, on varied crops."""

from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import keras
import numpy as np

from duygu.shared.vision.types import Floats, Image
from duygu.training.distillation.teachers import FACE_API_BLOCKS, face_api_maps
from duygu.training.movements.examples import POINTS, Examples
from duygu.training.movements.head import TARGETS, Head
from duygu.training.movements.landmarker import NAMES
from duygu.training.onnx.face_api import SIZE

EPOCHS, BATCH, RATE, DECAY = 4, 64, 1e-3, 0.03
NOISE, DROPOUT, HIDDEN_DROPOUT = 0.1, 0.3, 0.3

TURN, STRETCH, SHIFT, GAIN, LEVEL = 4.0, 0.06, 2.5, 0.2, 15.0
"""Deviations of the variation of a crop: degrees, share of its size, pixels, share of its contrast, grey levels."""

SPARSE = 12
"""Every so many examples determine the scale of the components."""


class Trunk(keras.layers.Layer):  # type: ignore[misc]
    """The convolutions of face-api, which learn."""

    def __init__(self, weights: Mapping[str, Floats]) -> None:
        super().__init__()
        self._kernels = {name: self._kernel(name, weights[name]) for name in convolutions(weights)}

    def _kernel(self, name: str, value: Floats) -> Any:
        initial = keras.initializers.Constant(value)
        return self.add_weight(name=name.replace("/", "_"), shape=value.shape, initializer=initial)

    def call(self, crops: Any) -> Any:
        """Crops (N, 112, 112, 1) -> maps (N, 7, 7, 256)."""
        return face_api_maps({name: kernel.value for name, kernel in self._kernels.items()}, crops)

    def weights_by_name(self) -> dict[str, Floats]:
        """The weights under the names of face-api's file."""
        return {name: np.asarray(kernel, np.float32) for name, kernel in self._kernels.items()}


def convolutions(weights: Mapping[str, Floats]) -> list[str]:
    """Names of the weights of the convolutions."""
    return [name for name in weights if name.startswith(tuple(f"dense{block}/" for block in range(FACE_API_BLOCKS)))]


class Batches(keras.utils.PyDataset):  # type: ignore[misc]
    """Batches of varied crops in another order in each epoch."""

    def __init__(self, crops: Image, targets: Floats, weights: Floats, seed: int) -> None:
        super().__init__()
        self._data = crops, targets, weights
        self._random = np.random.default_rng(seed)
        self._order = self._random.permutation(len(crops))

    def __len__(self) -> int:
        return -(-len(self._order) // BATCH)

    def __getitem__(self, index: int) -> tuple[Floats, Floats, Floats]:
        rows = self._order[index * BATCH : (index + 1) * BATCH]
        crops, targets, weights = self._data
        mirrored = self._random.random(len(rows)) < 0.5
        varied = np.stack([vary(*each, self._random) for each in zip(crops[rows], mirrored, strict=True)])
        swapped = np.where(mirrored[:, np.newaxis], targets[rows][:, MIRRORED], targets[rows])
        return varied[..., np.newaxis], swapped, weights[rows]

    def on_epoch_end(self) -> None:
        """Shuffle."""
        self._order = self._random.permutation(len(self._order))


def _mirrored() -> list[int]:
    names = [*NAMES, *(str(lip) for lip in range(len(TARGETS) - len(NAMES)))]
    other = {"Left": "Right", "Right": "Left"}
    swapped = [name[: -len(side)] + other[side] if (side := _side(name)) else name for name in names]
    return [names.index(name) for name in swapped]


def _side(name: str) -> str:
    return next((side for side in ("Left", "Right") if name.endswith(side)), "")


MIRRORED = _mirrored()
"""For each target, the target of the mirrored face."""


def vary(crop: Image, mirrored: bool, random: np.random.Generator) -> Floats:
    """The crop as another camera, and a detector that is less exact, would give it: (112, 112) of 0..255."""
    angle, stretch = np.deg2rad(random.normal(0, TURN)), 1 + random.normal(0, STRETCH)
    turn = stretch * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    middle = POINTS.mean(0) * SIZE
    to_crop = np.column_stack([turn, middle - turn @ middle + random.normal(0, SHIFT, 2)])
    if mirrored:
        flip = np.array([[-1, 0, POINTS[:2, 0].sum() * SIZE], [0, 1, 0], [0, 0, 1]])
        to_crop = to_crop @ flip
    warped = cv2.warpAffine(crop, to_crop, (SIZE, SIZE), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    lit = (warped.astype(np.float32) - 128) * (1 + random.normal(0, GAIN)) + 128 + random.normal(0, LEVEL)
    return np.asarray(np.clip(lit, 0, 255), np.float32)


def tune(
    weights: Mapping[str, Floats], head: Head, parts: Sequence[tuple[Examples, float]], seed: int = 0
) -> tuple[dict[str, Floats], Head]:
    """Weights of the trunk, and the head, after further training of both on examples with a weight for each part."""
    keras.utils.set_random_seed(seed)
    crops = np.concatenate([examples.crops for examples, _ in parts])
    targets = np.concatenate([examples.targets[:, TARGETS] for examples, _ in parts])
    shares = np.concatenate([np.full(len(examples.targets), weight, np.float32) for examples, weight in parts])
    level, spread = np.average(targets, 0, shares), targets.std(0) + 1e-7
    network = _Network(weights, head, crops[::SPARSE], level, spread)
    network.fit(Batches(crops, ((targets - level) / spread).astype(np.float32), shares, seed))
    return network.trunk.weights_by_name(), network.head()


class _Network:
    """Trunk, components and head in one Keras model, with scaled components and targets."""

    def __init__(self, weights: Mapping[str, Floats], head: Head, crops: Image, level: Floats, spread: Floats) -> None:
        """`crops` determine the scale of the components, `level` and `spread` are that of the targets."""
        self.trunk, self._level, self._spread = Trunk(weights), level, spread
        self._components = keras.layers.Conv2D(head.components.shape[1], 1, use_bias=False)
        self._hidden, self._last = keras.layers.Dense(len(head.hidden[1]), "relu"), keras.layers.Dense(len(TARGETS))
        reading = [keras.Input((SIZE, SIZE, 1)), self.trunk, self._components, keras.layers.Flatten()]
        projection = keras.Sequential(reading)
        self._components.set_weights([head.components[np.newaxis, np.newaxis]])
        inputs = projection.predict(crops[..., np.newaxis].astype(np.float32), verbose=0)
        self._centre, self._scale = inputs.mean(0), inputs.std(0) + 0.1
        self._model = keras.Sequential([*reading, *self._regression()])
        self._begin_with(head)

    def _regression(self) -> list[Any]:
        """The layers from components to targets."""
        return [
            keras.layers.Normalization(mean=self._centre, variance=self._scale**2),
            keras.layers.GaussianNoise(NOISE),
            keras.layers.Dropout(DROPOUT),
            self._hidden,
            keras.layers.Dropout(HIDDEN_DROPOUT),
            self._last,
        ]

    def _begin_with(self, head: Head) -> None:
        (inner, inner_bias), (outer, outer_bias) = head.hidden, head.output
        self._hidden.set_weights([inner * self._scale[:, np.newaxis], inner_bias + self._centre @ inner])
        self._last.set_weights([outer / self._spread, (outer_bias - self._level) / self._spread])

    def fit(self, batches: Batches) -> None:
        """AdamW with a cosine schedule."""
        schedule = keras.optimizers.schedules.CosineDecay(RATE, EPOCHS * len(batches))
        optimizer = keras.optimizers.AdamW(schedule, weight_decay=DECAY)
        self._model.compile(optimizer=optimizer, loss=keras.losses.Huber())
        self._model.fit(batches, epochs=EPOCHS, verbose=2)  # a line for each epoch

    def head(self) -> Head:
        """The head for components and targets that are not scaled."""
        (components,) = self._components.get_weights()
        (inner, inner_bias), (outer, outer_bias) = self._hidden.get_weights(), self._last.get_weights()
        unscaled = inner / self._scale[:, np.newaxis]
        hidden = unscaled.astype(np.float32), (inner_bias - self._centre @ unscaled).astype(np.float32)
        output = (outer * self._spread).astype(np.float32), (outer_bias * self._spread + self._level).astype(np.float32)
        return Head(components[0, 0], hidden, output)
