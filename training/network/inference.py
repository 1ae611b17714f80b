"""Inference on sets of clips, in batches that fit into memory."""

from collections.abc import Iterator

import numpy as np

from duygu.shared.vision.classify.crops import normalise
from duygu.shared.vision.types import Floats, Image
from duygu.training.network.architectures import features_network
from duygu.training.network.keras_file import Network

BATCH = 32

LEAST = 1e-30
"""Lower bound of probabilities before the logarithm."""


def logits_of(network: Network, images: Image) -> Floats:
    """(N, frames, size, size) uint8 grey clips -> (N, labels) logits."""
    return np.concatenate([predict(network, normalise(part, network.recipe)) for part in _parts(images)])


def features_of(network: Network, images: Image) -> Floats:
    """(N, frames, size, size) uint8 grey clips -> (N, frames, 1, 1, features) outputs of the trunk."""
    trunk = features_network(network.model)
    parts = [np.asarray(trunk(normalise(part, network.recipe), training=False)) for part in _parts(images)]
    return np.concatenate(parts)


def predict(network: Network, clips: Floats) -> Floats:
    """(N, frames, size, size, 1) normalised clips -> (N, labels) logits, the logarithms for a model with a softmax."""
    outputs = np.asarray(network.model(clips, training=False), np.float32)
    return np.log(np.maximum(outputs, LEAST)) if network.gives_probabilities else outputs


def _parts(images: Image) -> Iterator[Image]:
    for start in range(0, len(images), BATCH):
        yield images[start : start + BATCH]
