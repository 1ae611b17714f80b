"""Tests of evaluation protocols."""

import numpy as np
import pytest

from duygu.training.measure.metrics import Predictions
from duygu.training.measure.protocols import without_neutral


def test_without_neutral() -> None:
    """without_neutral removes neutral recordings and the label, and keeps the ratios of the other probabilities."""
    predictions = Predictions(
        ("fear", "neutral", "surprise"),
        np.array([[0.2, 0.6, 0.2], [0.3, 0.1, 0.6], [0.4, 0.5, 0.1]]),
        np.array([1, 2, 0]),
        np.array(["ann", "ben", "cem"]),
    )
    rest = without_neutral(predictions)
    assert rest.labels == ("fear", "surprise")
    assert rest.truth.tolist() == [1, 0]
    assert rest.probabilities == pytest.approx(np.array([[1 / 3, 2 / 3], [0.8, 0.2]]))
    assert rest.subjects.tolist() == ["ben", "cem"]
