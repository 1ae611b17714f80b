"""Training on clips: of a whole network, or of the head alone on the trunk's features."""

import csv
from dataclasses import replace
from typing import Any

import keras
import numpy as np
from matplotlib.figure import Figure

from duygu.shared.vision.classify.crops import normalise
from duygu.shared.vision.types import Floats
from duygu.training.data.clipset import ClipSet
from duygu.training.data.splits import Split
from duygu.training.network.architectures import flat_network
from duygu.training.network.examples import Examples, examples
from duygu.training.network.keras_file import Network
from duygu.training.network.talking_head import adapt_to_clips
from duygu.training.run.folder import RunFolder
from duygu.training.run.settings import ClipsSettings, TrainingRecipe
from duygu.training.run.types import Integers

ACCURACIES = "accuracy", "val_accuracy"
"""Series of the history that are also stored as arrays and plotted."""


def train_flat(clips: ClipSet, split: Split, recipe: TrainingRecipe, run: RunFolder) -> Network:
    """Train the network of seed16 from random weights, with mean and deviation of the training part's pixels."""
    pixels = clips.images[split.train]
    clip = replace(
        recipe.clip, mean=float(pixels.mean(dtype=np.float64)), deviation=float(pixels.std(dtype=np.float64))
    )
    model = flat_network(clip)
    train, validation = (
        examples(normalise(clips.images[part], clip), clips.labels[part], len(clip.labels))
        for part in (split.train, split.validation)
    )
    fit(model, train, validation, recipe.require_clips(), run)
    return Network(model, clip, split.people())


def train_head(
    head: keras.Model, features: Floats, labels: Integers, split: Split, settings: ClipsSettings, run: RunFolder
) -> None:
    """Train the layers after the trunk, except those that the settings freeze.

    features  (N, frames, 1, 1, features) outputs of the frozen trunk for all clips
    labels    (N,) indices
    """
    for layer in head.layers:
        layer.trainable = not layer.name.startswith(settings.frozen)
    train = _examples_of(split.train, features, labels, head)
    if settings.penalty is not None:
        adapt_to_clips(head, train, settings.penalty)
    else:
        fit(head, train, _examples_of(split.validation, features, labels, head), settings, run)


def _examples_of(part: Integers, features: Floats, labels: Integers, head: keras.Model) -> Examples:
    return examples(features[part], labels[part], head.output_shape[-1])


def fit(model: keras.Model, train: Examples, validation: Examples, settings: ClipsSettings, run: RunFolder) -> None:
    """Train with early stopping, load the weights with the lowest validation loss, and write the history."""
    run.create()
    probabilities = getattr(model.layers[-1], "activation", None) is keras.activations.softmax
    model.compile(
        optimizer=keras.optimizers.Adam(settings.learning_rate),
        loss=keras.losses.CategoricalCrossentropy(from_logits=not probabilities),
        weighted_metrics=[],
        metrics=["accuracy"],
    )
    history = model.fit(
        train.inputs,
        train.targets,
        sample_weight=train.weights,
        validation_data=(validation.inputs, validation.targets, validation.weights),
        epochs=settings.epochs,
        batch_size=settings.batch,
        callbacks=_callbacks(settings, run),
        verbose=2,
    )
    model.load_weights(run.best_weights)
    write_history(history.history, run)


def _callbacks(settings: ClipsSettings, run: RunFolder) -> list[Any]:
    return [
        keras.callbacks.EarlyStopping("val_loss", patience=settings.patience),
        keras.callbacks.ModelCheckpoint(run.best_weights, "val_loss", save_best_only=True, save_weights_only=True),
    ]


def write_history(history: dict[str, list[float]], run: RunFolder) -> None:
    """Write all series as a CSV, and the accuracies as arrays and as a plot."""
    with run.history.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["epoch", *history])
        table.writerows([epoch, *values] for epoch, values in enumerate(zip(*history.values(), strict=True)))
    axes = (figure := Figure()).subplots()
    for name in ACCURACIES:
        np.save(run.series(name), np.array(history[name]))
        axes.plot(range(1, len(history[name]) + 1), history[name], label=name)
    axes.set(xlabel="epoch", ylabel="accuracy", ylim=(0, 1))
    axes.legend()
    figure.savefig(run.accuracy_plot)
