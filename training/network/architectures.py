"""Architectures: the 3D CNN of seed16, and a residual 2D trunk inflated to 3D (Carreira and Zisserman 2017)."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from duygu.shared.model.recipe import Recipe
from duygu.shared.schemas.emotions import EMOTIONS
from duygu.training.network.motion_gate import MOVING, STILL, gated_head
from duygu.training.run.settings import SOURCES

Weights = npt.NDArray[np.float32]
Tensor = Any  # Keras has no types

STEM = 16, 32
STAGES = (64, 2), (64, 1), (144, 2), (144, 1)
"""Channels and stride of each residual block: 48 pixels become 24 after the stem, then 12, then 6."""

FEATURES = STAGES[-1][0]
POOLED = "pool"
"""Name of the pooling layer after the trunk, whose output is one vector for each frame."""


def flat_network(recipe: Recipe) -> keras.Model:
    """The network of seed16: (N, frames, size, size, 1) -> (N, labels) probabilities."""
    layers = keras.layers
    clips = keras.Input(recipe.input_shape)
    features = layers.MaxPooling3D((1, 2, 2))(layers.Conv3D(32, 3, activation="relu")(clips))
    features = layers.MaxPooling3D((1, 2, 2))(layers.Conv3D(64, 3, activation="relu")(features))
    features = layers.Dropout(0.5)(layers.Dense(128, activation="relu")(layers.Flatten()(features)))
    return keras.Model(clips, layers.Dense(len(recipe.labels), activation="softmax")(features))


def still_network(size: int, labels: int) -> keras.Model:
    """The trunk in two dimensions: (N, size, size, 1) -> (N, sources, labels) logits."""
    pictures = keras.Input((size, size, 1))
    features = _trunk(pictures, keras.layers.Conv2D, lambda side: side)
    pooled = keras.layers.GlobalAveragePooling2D(name=POOLED)(features)
    heads = keras.layers.Dense(len(SOURCES) * labels, name="heads")(keras.layers.Dropout(0.3)(pooled))
    return keras.Model(pictures, keras.layers.Reshape((len(SOURCES), labels))(heads))


def clip_network(recipe: Recipe) -> keras.Model:
    """The inflated trunk with its head: (N, frames, size, size, 1) -> (N, labels) logits.

    Kernels of the trunk are (1, 3, 3), so it computes one feature vector for each frame. A linear layer classifies
    their mean; a temporal convolution over their differences controls how a moving face is classified.
    """
    clips = keras.Input(recipe.input_shape)
    features = _trunk(mirror_second_half(clips, recipe), keras.layers.Conv3D, lambda side: (1, side, side))
    side = features.shape[2]
    pooled = keras.layers.AveragePooling3D((1, side, side), name=POOLED)(features)
    return keras.Model(clips, gated_head(pooled, len(recipe.labels)))


def features_network(clips: keras.Model) -> keras.Model:
    """The trunk of a clip network: (N, frames, size, size, 1) -> (N, frames, 1, 1, FEATURES)."""
    return keras.Model(clips.input, clips.get_layer(POOLED).output)


def head_network(recipe: Recipe) -> keras.Model:
    """The head of a clip network: (N, frames, 1, 1, FEATURES) -> (N, labels) logits."""
    features = keras.Input((recipe.frames, 1, 1, FEATURES))
    return keras.Model(features, gated_head(features, len(recipe.labels)))


def copy_weights(source: keras.Model, target: keras.Model) -> None:
    """Copy the weights of every layer that has the same name in both models."""
    names = {layer.name for layer in source.layers}
    for layer in target.layers:
        if layer.weights and layer.name in names:
            layer.set_weights(source.get_layer(layer.name).get_weights())


def mirror_second_half(clips: Tensor, recipe: Recipe) -> Tensor:
    """Mirror the second half of the frames of each clip: (N, frames, size, size, 1) -> the same shape.

    This averages over a face and its mirror image, about half a percentage point of accuracy, without a second pass:
    consecutive clips overlap by half, so that each crop is processed in both orientations, as is a repeated still.
    """
    layers, shape, half = keras.layers, recipe.input_shape, recipe.frames // 2
    rest = recipe.frames - half
    first = layers.Cropping3D(((0, rest), (0, 0), (0, 0)), name="first_half")(clips)
    second = layers.Cropping3D(((half, 0), (0, 0), (0, 0)), name="second_half")(clips)
    rows = layers.Reshape((rest, *shape[1:3]), name="rows")(second)
    # A .h5 file cannot store a flip. The product with a reversed identity matrix is exact.
    backwards = keras.initializers.Constant(np.eye(recipe.size, dtype=np.float32)[::-1].copy())
    mirror = layers.Dense(recipe.size, use_bias=False, kernel_initializer=backwards, trainable=False, name="mirror")
    mirrored = layers.Reshape((rest, *shape[1:]), name="mirrored")(mirror(rows))
    return layers.Concatenate(axis=1, name="both_ways")([first, mirrored])


def inflate(stills: keras.Model, shares: Weights, moving: Weights, recipe: Recipe) -> keras.Model:
    """A clip network whose output for a repeated still equals the weighted mix of the still network's heads.

    shares  (sources, labels) weight of each source's head; a mix of linear heads is one linear layer
    moving  (sources, labels) the same for moving faces
    """
    clips = clip_network(recipe)
    names = {layer.name for layer in stills.layers}
    for layer in clips.layers:
        if layer.weights and layer.name in names:
            layer.set_weights([_inflated(weights) for weights in stills.get_layer(layer.name).get_weights()])
    kernel, bias = heads_of(stills, recipe.labels)
    clips.get_layer(STILL).set_weights(mixed_heads(kernel, bias, shares))
    clips.get_layer(MOVING).set_weights(mixed_heads(kernel, bias, moving - shares))
    return clips


def heads_of(stills: keras.Model, labels: tuple[str, ...]) -> tuple[Weights, Weights]:
    """Kernel (features, sources * labels) and bias (sources * labels,) of all heads, for these labels in this order."""
    chosen = [EMOTIONS.index(label) for label in labels]
    kernel, bias = (
        weights.reshape(*weights.shape[:-1], len(SOURCES), len(EMOTIONS))[..., chosen]
        for weights in stills.get_layer("heads").get_weights()
    )
    return kernel.reshape(len(kernel), -1), bias.ravel()


def mixed_heads(kernel: Weights, bias: Weights, shares: Weights) -> list[Weights]:
    """Kernel (features, labels) and bias (labels,) of the weighted mix of all heads.

    Each head's logits are centred over the labels first, so that labels with different mixes are comparable.
    """
    both = np.concatenate([kernel, bias[np.newaxis]]).reshape(len(kernel) + 1, *shares.shape)  # (., sources, labels)
    mixed = ((both - both.mean(axis=-1, keepdims=True)) * shares).sum(axis=1)
    return [mixed[:-1], mixed[-1]]


def _inflated(weights: Weights) -> Weights:
    return weights[np.newaxis] if weights.ndim == 4 else weights


def _trunk(pictures: Tensor, kind: type[Any], extent: Callable[[int], int | tuple[int, int, int]]) -> Tensor:
    """The convolutions, in two or three dimensions; `extent` returns the kernel or stride for a side."""
    layers = keras.layers

    def convolve(inputs: Tensor, channels: int, name: str, stride: int = 1, side: int = 3) -> Tensor:
        convolution = kind(
            channels,
            extent(side),
            strides=extent(stride),
            padding="same",
            use_bias=False,
            kernel_initializer="he_normal",
            name=name,
        )
        return layers.BatchNormalization(momentum=0.97, epsilon=1e-3, name=f"{name}_norm")(convolution(inputs))

    def block(inputs: Tensor, channels: int, name: str, stride: int) -> Tensor:
        inner = convolve(layers.ReLU()(convolve(inputs, channels, f"{name}_in", stride)), channels, f"{name}_out")
        same = stride == 1 and inputs.shape[-1] == channels
        shortcut = inputs if same else convolve(inputs, channels, f"{name}_shortcut", stride, side=1)
        return layers.ReLU()(layers.Add()([shortcut, inner]))

    first, second = STEM
    features = layers.ReLU()(convolve(pictures, first, "stem1"))
    features = layers.ReLU()(convolve(features, second, "stem2", 2))
    for index, (channels, stride) in enumerate(STAGES, 1):
        features = block(features, channels, f"block{index}", stride)
    return features
