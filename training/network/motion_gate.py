"""What answers for a clip: one mix of opinions for a face that stands still, and another as far as it moves.

Mouths that speak look like expressions. Stills cannot teach that, and what clips teach must not spoil the answers about
stills; so everything that clips train is multiplied by what changes from frame to frame, which is zero in a still.
"""

from typing import Any

import keras

Tensor = Any  # Keras has no types

CHANNELS = 32
"""Kinds of motion that the temporal convolution tells apart."""

STILL, MOVING = "answer", "moving_answer"
"""Names of the layers that answer from the mean over the frames: always, and in addition when a face moves."""

FIRST_GATE = 4.0
"""What each kind of motion counts at first: enough to open the gate for nearly every recording of a living face."""


def scale_moving(network: keras.Model, factor: float) -> None:
    """Multiply the logits of a face that moves; those of one that stands still stay as they are."""
    still, moving = (network.get_layer(name).get_weights() for name in (STILL, MOVING))
    network.get_layer(MOVING).set_weights(
        [factor * (always + more) - always for always, more in zip(still, moving, strict=True)]
    )


def answer(features: Tensor, labels: int) -> Tensor:
    """(N, frames, 1, 1, features), the second half mirrored -> (N, labels) logits."""
    layers = keras.layers
    motion = _motion(features)  # (N, kinds), none below zero
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
    """How much of each kind of motion there is: a temporal convolution without bias over changes between frames."""
    mixed = keras.layers.Conv3D(CHANNELS, (3, 1, 1), padding="same", use_bias=False, activation="relu", name="motion")
    return keras.layers.GlobalAveragePooling3D(name="motion_mean")(mixed(_changes(features)))


def _changes(features: Tensor) -> Tensor:
    """Each frame less the one before, in both halves of the clip by themselves: between them it is mirrored."""
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
