"""The head of a clip network: a linear layer for still faces, and corrections gated by the motion in the clip.

The mouth of a talking face resembles expressions, which stills cannot teach, and training on clips must not change the
output for stills. Every term that clips train is therefore multiplied by a function of the differences between frames,
which is zero for a repeated still.
"""

from typing import Any

import keras

Tensor = Any  # Keras has no types

CHANNELS = 32
"""Output channels of the temporal convolution."""

STILL, MOVING = "answer", "moving_answer"
"""Names of the linear layers on the mean over the frames: always active, and added in proportion to the gate."""

FIRST_GATE = 4.0
"""Initial weight of each motion channel: it opens the gate for nearly every recording of a living face."""


def scale_moving(network: keras.Model, factor: float) -> None:
    """Multiply the logits for a fully open gate by a factor; those for a still face are unchanged."""
    still, moving = (network.get_layer(name).get_weights() for name in (STILL, MOVING))
    network.get_layer(MOVING).set_weights(
        [factor * (base + added) - base for base, added in zip(still, moving, strict=True)]
    )


def gated_head(features: Tensor, labels: int) -> Tensor:
    """(N, frames, 1, 1, features), with the second half mirrored -> (N, labels) logits."""
    layers = keras.layers
    motion = _motion(features)  # (N, CHANNELS), not negative
    mean = layers.Dropout(0.3, name="answer_dropout")(layers.GlobalAveragePooling3D(name="mean")(features))
    gate = layers.Dense(
        1,
        activation="tanh",
        use_bias=False,
        kernel_initializer=keras.initializers.Constant(FIRST_GATE),
        kernel_constraint=keras.constraints.NonNeg(),
        name="gate",
    )(motion)
    moving = layers.Multiply(name="gated")([gate, layers.Dense(labels, kernel_initializer="zeros", name=MOVING)(mean)])
    direct = layers.Dense(labels, use_bias=False, kernel_initializer="zeros", name="motion_answer")(motion)
    return layers.Add(name="logits")([layers.Dense(labels, name=STILL)(mean), moving, direct])


def _motion(features: Tensor) -> Tensor:
    """(N, CHANNELS) mean output of a temporal convolution, without bias, over the differences between frames."""
    mixed = keras.layers.Conv3D(CHANNELS, (3, 1, 1), padding="same", use_bias=False, activation="relu", name="motion")
    return keras.layers.GlobalAveragePooling3D(name="motion_mean")(mixed(_changes(features)))


def _changes(features: Tensor) -> Tensor:
    """Differences between consecutive frames within each half of the clip; the second half is mirrored."""
    frames = features.shape[1]
    half = frames // 2

    def frames_between(begin: int, end: int, name: str) -> Tensor:
        return keras.layers.Cropping3D(((begin, frames - end), (0, 0), (0, 0)), name=name)(features)

    pairs = [
        keras.layers.Subtract(name=f"changes_{name}")(
            [frames_between(begin + 1, end, f"later_{name}"), frames_between(begin, end - 1, f"earlier_{name}")]
        )
        for name, begin, end in (("first", 0, half), ("second", half, frames))
    ]
    return keras.layers.Concatenate(axis=1, name="changes")(pairs)
