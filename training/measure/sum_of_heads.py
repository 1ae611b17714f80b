"""Evaluation protocols for a network with a second trunk."""

import numpy as np

from duygu.shared.model.recipe import Recipe
from duygu.shared.vision.types import Floats
from duygu.training.data.clipset import ClipSet
from duygu.training.data.splits import Split, leave_one_out
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
from duygu.training.measure.temperature import fit_temperature
from duygu.training.network.sum_of_heads import SumOfHeads, Windows

PENALTIES = 0.3, 1.0, 3.0, 10.0
"""Penalties on the change of an adapted layer, among which the people of the training part choose."""

MOST_CHOOSING = 9
"""Largest number of folds for this choice."""


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


def adapted_predictions(labels: tuple[str, ...], heads: SumOfHeads, windows: Windows) -> Predictions:
    """Leave-one-subject-out: each person is classified by a layer that was adapted to the others.

    Penalty and temperature of a fold are fitted on predictions for the others by layers that were adapted neither to
    these nor to the person in the test part.
    """
    folds = []
    for split in leave_one_out(windows.subjects, 0):
        penalty, others = chosen_penalty(heads, windows.at(split.train))
        folds.append((_predicted(heads, windows, split, penalty), others))
    return calibrated(labels, folds)


def adapted(heads: SumOfHeads, windows: Windows, penalty: float) -> SumOfHeads:
    """The layer adapted to labelled windows, beginning at the scale at which its probabilities fit them."""
    fitted = fit_temperature(heads.logits(windows.features), windows.labels)
    return heads.scaled(1 / fitted).adapted(windows, penalty)


def chosen_penalty(heads: SumOfHeads, windows: Windows) -> tuple[float, RecordingLogits]:
    """The penalty of PENALTIES by which most recordings of people are right to whom a layer was not adapted.

    returns  the penalty, and these predictions

    Raises TrainingDataError for windows of one person.
    """
    found = {
        penalty: concatenated(
            [_predicted(heads, windows, part, penalty) for part in leave_one_out(windows.subjects, 0, MOST_CHOOSING)]
        )
        for penalty in PENALTIES
    }
    best = max(PENALTIES, key=lambda penalty: _right(found[penalty]))
    return best, found[best]


def _right(predicted: RecordingLogits) -> int:
    """Number of recordings whose label has the largest logit among those that occur."""
    occurring = np.unique(predicted.truth)
    return int((occurring[predicted.logits[:, occurring].argmax(axis=1)] == predicted.truth).sum())


def _predicted(heads: SumOfHeads, windows: Windows, split: Split, penalty: float) -> RecordingLogits:
    """The recordings of the test part by a layer that was adapted to the training part."""
    layer, tested = adapted(heads, windows.at(split.train), penalty), windows.at(split.test)
    return by_recording(layer.logits(tested.features), tested)
