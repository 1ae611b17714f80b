"""Two networks on the same recordings: differences with bootstrap intervals over people, and what they support."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import binomtest

from duygu.shared.errors import TrainingDataError
from duygu.training.measure.metrics import RESAMPLES, Predictions
from duygu.training.run.types import Integers, Names, Probabilities

LEAST_PEOPLE = 5
"""Fewest people for a bootstrap over people."""

LEAST_RECORDINGS = 30
"""Fewest recordings: an accuracy on 30 has an interval of up to ± 18 points."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A figure of both networks on the same recordings, and the 95 % interval of the difference."""

    name: str
    old: float
    new: float
    low: float
    high: float

    @property
    def claimed(self) -> bool:
        """Whether the interval excludes 0."""
        return self.low > 0 or self.high < 0


def differences(old: Predictions, new: Predictions) -> tuple[Difference, Difference]:
    """Accuracy and unweighted average recall of two networks on the same recordings.

    People are resampled, the same ones for both networks, since predictions for one person are not independent.

    Raises TrainingDataError for fewer than LEAST_PEOPLE or LEAST_RECORDINGS.
    """
    people, place = np.unique(old.subjects, return_inverse=True)
    if len(people) < LEAST_PEOPLE:
        raise TrainingDataError(
            f"the recordings are of {len(people)} people; at least {LEAST_PEOPLE} are needed to compare two networks "
            "on people outside their training"
        )
    if len(old.truth) < LEAST_RECORDINGS:
        raise TrainingDataError(
            f"there are {len(old.truth)} recordings; at least {LEAST_RECORDINGS} are needed to compare two networks"
        )
    drawn = np.random.default_rng(0).integers(0, len(people), (RESAMPLES, len(people)))
    tables = [_tables(predictions, place, len(people)) for predictions in (old, new)]

    def of(name: str, figure: Callable[[Integers], Probabilities]) -> Difference:
        before, after = (float(figure(table.sum(axis=0))) for table in tables)
        resampled = [figure(table[drawn].sum(axis=1)) for table in tables]
        low, high = np.percentile(resampled[1] - resampled[0], (2.5, 97.5))
        return Difference(name, before, after, float(low), float(high))

    return of("accuracy", _accuracy), of("mean recall", _mean_recall)


def _tables(predictions: Predictions, place: npt.NDArray[np.intp], people: int) -> Integers:
    """(people, labels, labels) confusion of each person: rows are true labels."""
    size = len(predictions.labels)
    tables = np.zeros((people, size, size), np.int64)
    np.add.at(tables, (place, predictions.truth, predictions.chosen), 1)
    return tables


def _accuracy(tables: Integers) -> Probabilities:
    """(..., labels, labels) -> (...)."""
    return np.asarray(np.trace(tables, axis1=-2, axis2=-1) / tables.sum(axis=(-2, -1)), np.float64)


def _mean_recall(tables: Integers) -> Probabilities:
    """(..., labels, labels) -> (...): the mean over the labels that occur."""
    counts = tables.sum(axis=-1)
    right = np.diagonal(tables, axis1=-2, axis2=-1) / np.maximum(counts, 1)
    return np.asarray(right.sum(axis=-1) / np.count_nonzero(counts, axis=-1), np.float64)


LEFT_OUT = "each by a network that did not learn from that person"


def sentences(found: tuple[Difference, ...], subjects: Names, unseen: str = LEFT_OUT) -> Iterator[str]:
    """What the figures say, and what they do not support.

    unseen  how the networks relate to the people
    """
    people = len(np.unique(subjects))
    yield (f"On {len(subjects)} recordings of {people} people, {unseen} (95 % intervals by bootstrap over people):")
    for one in found:
        points = f"{100 * (one.new - one.old):+.1f} points, {100 * one.low:+.1f} to {100 * one.high:+.1f}"
        yield f"  {one.name}: old {one.old:.1%}, new {one.new:.1%} ({points}). {_verdict(one)}"


def discordant_sentence(old: Predictions, new: Predictions) -> str:
    """The recordings that one network alone has right, with McNemar's exact test (McNemar 1947)."""
    lost, gained = (int((one.correct & ~other.correct).sum()) for one, other in ((old, new), (new, old)))
    chance = float(binomtest(gained, gained + lost).pvalue) if gained + lost else 1.0
    return (
        f"The new network alone is right in {gained} recordings, the old one alone in {lost} (McNemar's exact test: "
        f"p = {chance:.3f}). That test treats recordings as independent, so the intervals over people decide."
    )


def _verdict(one: Difference) -> str:
    if not one.claimed:
        return "No difference can be claimed: the interval contains 0."
    return f"The new network has the {'higher' if one.low > 0 else 'lower'} {one.name}."
