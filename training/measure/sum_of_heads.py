"""Evaluation protocols for a network with a second trunk."""

import numpy as np

from duygu.shared.model.recipe import Recipe
from duygu.shared.vision.types import Floats
from duygu.training.data.clipset import ClipSet
from duygu.training.data.splits import cross_fits, leave_one_out
from duygu.training.measure.metrics import (
    Predictions,
    accuracy,
    expected_calibration_error,
    probabilities_of,
    unweighted_average_recall,
)
from duygu.training.measure.protocols import (
    RecordingLogits,
    by_recording,
    calibrated,
    calibrated_by_others,
    concatenated,
    restricted_to_occurring,
    without_neutral,
)
from duygu.training.network.sum_of_heads import SumOfHeads, Windows
from duygu.training.run.types import Integers


def zero_shot_predictions(labels: tuple[str, ...], logits: Floats, clips: ClipSet) -> Predictions:
    """Recordings of unknown people by logits (N, labels); the temperature for each person is fitted on the others."""
    predicted = by_recording(logits, clips)
    return restricted_to_occurring(labels, calibrated_by_others(predicted), predicted)


def served_row(name: str, recipe: Recipe, logits: Floats, clips: ClipSet) -> str:
    """A row of Markdown: tracks and windows of recordings by logits (N, labels), with the temperatures of serving."""
    tracks = by_recording(logits, clips)
    of_tracks = probabilities_of(tracks.logits, recipe.track_temperature)
    whole = Predictions(recipe.labels, of_tracks, tracks.truth, tracks.subjects)
    others = without_neutral(whole)
    windows = Predictions(recipe.labels, probabilities_of(logits, recipe.temperature), clips.labels, clips.subjects)
    certain = windows.confidence >= recipe.uncertain_below
    right = f"{windows.correct[certain].mean():.0%}" if certain.any() else "–"
    cells = [
        name,
        *(
            f"{figure(predictions):.1%}"
            for predictions in (whole, others)
            for figure in (accuracy, unweighted_average_recall)
        ),
        f"{expected_calibration_error(whole):.3f}",
        f"{certain.mean():.0%}",
        right,
    ]
    return "| " + " | ".join(cells) + " |"


def adapted_predictions(labels: tuple[str, ...], heads: SumOfHeads, windows: Windows, penalty: float) -> Predictions:
    """Leave-one-subject-out: each person is classified by a layer that was adapted to the others.

    The temperature of a fold is fitted on predictions for the others by layers that were adapted neither to these nor
    to the person in the test part.
    """
    everyone = np.arange(len(windows.labels))
    folds = []
    for split in leave_one_out(windows.subjects):
        others = windows.take(np.isin(everyone, split.test, invert=True))
        inner = [_predicted(heads, others, part.train, part.test, penalty) for part in cross_fits(others.subjects)]
        folds.append((_predicted(heads, windows, split.train, split.test, penalty), concatenated(inner)))
    return calibrated(labels, folds)


def _predicted(heads: SumOfHeads, windows: Windows, train: Integers, test: Integers, penalty: float) -> RecordingLogits:
    """The recordings of the test part by a layer that was adapted to the training part."""
    everyone = np.arange(len(windows.labels))
    adapted = heads.adapted(windows.take(np.isin(everyone, train)), penalty)
    tested = windows.take(np.isin(everyone, test))
    return by_recording(adapted.logits(tested.features), tested)
