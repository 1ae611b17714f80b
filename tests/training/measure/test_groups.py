"""Figures by the values of a further column of the manifest."""

import numpy as np
import pytest

from duygu.shared.errors import TrainingDataError
from duygu.training.data.clipset import ClipSet
from duygu.training.measure.groups import MISSING, by_column, require_columns
from duygu.training.measure.metrics import Predictions, accuracy
from duygu.training.run.types import Names

LABELS = ("anger", "neutral")
RECORDINGS = np.array(["c", "c", "a", "b", "b", "d"])
SEX = np.array(["f", "f", "m", "f", "f", ""])


def clips(**columns: Names) -> ClipSet:
    """Return clips of four recordings, whose order is not that of their names."""
    count = len(RECORDINGS)
    images, labels = np.zeros((count, 2, 4, 4), np.uint8), np.zeros(count, np.int64)
    return ClipSet(images, labels, RECORDINGS, RECORDINGS, columns)


def predictions(*right: bool) -> Predictions:
    """Return predictions for the recordings a, b, c and d, right or wrong."""
    truth = np.zeros(len(right), np.int64)
    return Predictions(
        LABELS, np.array([[1.0, 0.0] if one else [0.0, 1.0] for one in right]), truth, np.array(list("abcd"))
    )


def test_each_value_has_the_predictions_for_its_recordings() -> None:
    """The groups are in the order of their values, and a recording without a value is in a group of its own."""
    groups = dict(by_column(predictions(True, True, False, True), clips(sex=SEX), "sex"))
    assert list(groups) == [MISSING, "f", "m"]
    assert {name: len(part.truth) for name, part in groups.items()} == {MISSING: 1, "f": 2, "m": 1}
    assert [accuracy(part) for part in groups.values()] == [1.0, 0.5, 1.0]
    assert groups["f"].subjects.tolist() == ["b", "c"]


def test_an_unknown_column_is_named_with_the_known_ones() -> None:
    """A column that the clips lack is an error that lists theirs."""
    with pytest.raises(TrainingDataError, match=r"no column age; their further columns are: sex"):
        require_columns(clips(sex=SEX), ["sex", "age"])
    with pytest.raises(TrainingDataError, match="further columns are: none"):
        list(by_column(predictions(True, True, True, True), clips(), "sex"))


def test_a_column_that_changes_within_a_recording_is_refused() -> None:
    """Whole recordings are classified, so that a value must hold for all windows of one."""
    speaking = np.array(["yes", "yes", "no", "yes", "no", "no"])
    with pytest.raises(TrainingDataError, match="speaking has several values within the recording b"):
        list(by_column(predictions(True, True, True, True), clips(speaking=speaking), "speaking"))
