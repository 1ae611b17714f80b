"""Predictions by the values of a further column of the manifest, such as `sex` or `speaking`."""

from collections.abc import Iterator, Sequence

import numpy as np

from duygu.shared.errors import TrainingDataError
from duygu.training.data.clipset import ClipSet
from duygu.training.measure.metrics import Predictions
from duygu.training.run.types import Names

MISSING = "(empty)"
"""Name of the group of recordings without a value."""


def by_column(predictions: Predictions, clips: ClipSet, column: str) -> Iterator[tuple[str, Predictions]]:
    """Each value of a column with the predictions for its recordings, in alphabetical order.

    predictions  one for each recording of the clips, in the order of their sorted names

    Raises TrainingDataError for a column that the clips lack, or whose values differ within a recording.
    """
    values = of_recordings(clips, column)
    for value in np.unique(values):
        chosen = values == value
        parts = (predictions.probabilities[chosen], predictions.truth[chosen], predictions.subjects[chosen])
        yield str(value) or MISSING, Predictions(predictions.labels, *parts)


def require_columns(clips: ClipSet, columns: Sequence[str]) -> None:
    """Raises TrainingDataError for a column that the clips lack."""
    if missing := [column for column in columns if column not in clips.columns]:
        known = ", ".join(clips.columns) or "none"
        raise TrainingDataError(f"the clips have no column {', '.join(missing)}; their further columns are: {known}")


def of_recordings(clips: ClipSet, column: str) -> Names:
    """The value of each recording, in the order of the sorted names of the recordings."""
    require_columns(clips, [column])
    values = clips.columns[column]
    names, first, place = np.unique(clips.recordings, return_index=True, return_inverse=True)
    differing = np.unique(place[values != values[first][place]])
    if len(differing):
        raise TrainingDataError(f"the column {column} has several values within the recording {names[differing[0]]}")
    return np.asarray(values[first])
