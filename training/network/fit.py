"""The training of a network on clips, or of the head of one on features, with everything that is kept of it."""

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from matplotlib.figure import Figure

from duygu.shared.vision.types import Floats
from duygu.training.measure.metrics import Integers
from duygu.training.settings import ClipsSettings

HISTORY, PLOT = "history.csv", "accuracy.png"
BEST = "best.weights.h5"
ACCURACIES = {"accuracy": "accuracy.npy", "val_accuracy": "val_accuracy.npy"}
"""Series of the history that are kept as arrays of their own."""


@dataclass(frozen=True, slots=True)
class Examples:
    """Inputs of a network with what it should say: (N, ...), (N, labels) and how much each counts (N,)."""

    inputs: Floats
    targets: Floats
    weights: Floats


def examples(inputs: Floats, labels: Integers, count: int) -> Examples:
    """One-hot targets, weighted so that every label that occurs counts the same in all."""
    counts = np.bincount(labels, minlength=count)
    weights = len(labels) / (np.count_nonzero(counts) * np.maximum(counts, 1))
    return Examples(inputs, np.eye(count, dtype=np.float32)[labels], weights[labels].astype(np.float32))


def fit(model: keras.Model, train: Examples, validation: Examples, settings: ClipsSettings, run: Path) -> None:
    """Train until the validation loss stops falling, leave the best weights in the model, and write the history."""
    run.mkdir(parents=True, exist_ok=True)
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
    model.load_weights(run / BEST)
    keep_history(history.history, run)


def _callbacks(settings: ClipsSettings, run: Path) -> list[Any]:
    return [
        keras.callbacks.EarlyStopping("val_loss", patience=settings.patience),
        keras.callbacks.ModelCheckpoint(run / BEST, "val_loss", save_best_only=True, save_weights_only=True),
    ]


def keep_history(history: dict[str, list[float]], run: Path) -> None:
    """All series as a CSV, the accuracies as arrays and as a plot."""
    with (run / HISTORY).open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["epoch", *history])
        table.writerows([epoch, *values] for epoch, values in enumerate(zip(*history.values(), strict=True)))
    axes = (figure := Figure()).subplots()
    for name, file_name in ACCURACIES.items():
        np.save(run / file_name, np.array(history[name]))
        axes.plot(range(1, len(history[name]) + 1), history[name], label=name)
    axes.set(xlabel="epoch", ylabel="accuracy", ylim=(0, 1))
    axes.legend()
    figure.savefig(run / PLOT)
