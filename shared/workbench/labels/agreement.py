"""Agreement of raters with each other and with the model on one result."""

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Literal

from pydantic import Field

from duygu.shared.schemas.base import Probability, Schema
from duygu.shared.schemas.emotions import EMOTIONS
from duygu.shared.schemas.result import Result
from duygu.shared.workbench.labels.bootstrap import LEVEL
from duygu.shared.workbench.labels.comparison import MIN_PEOPLE, RESAMPLES, Comparison, Estimate, alpha_of_all, compare
from duygu.shared.workbench.labels.label import Label
from duygu.shared.workbench.labels.reliability import ENOUGH_STRETCHES, ModelReliability, measure
from duygu.shared.workbench.labels.units import units

COMPARED_RESAMPLES = 30_000
"""Resamples of all comparisons together; more raters get fewer each."""

MIN_RESAMPLES = 200


class Intervals(Schema):
    """How the intervals are computed."""

    over: Literal["people", "stretches"] = Field(description="what `low` and `high` resample; people if there are five")
    resamples: int
    level: Probability


class Agreement(Schema):
    """Agreement on one result. A figure with too few labels is null and has a reason."""

    labels: int = Field(description="number of labels of all raters")
    windows: int = Field(description="windows of visible faces with a label, which are the units of all figures")
    stretches: int
    people: int
    enough: bool = Field(description="whether there are labels of at least 30 stretches; fewer support no claim")
    raters: list[str]
    pairs: list[Comparison] = Field(description="every two raters, then every rater and the model")
    alpha: Estimate = Field(description="Krippendorff's alpha of all raters, without the model")
    model: ModelReliability
    intervals: Intervals


def agreement(result: Result, labels: Mapping[str, Sequence[Label]], target_accuracy: float = 0.9) -> Agreement:
    """Compare the labels of raters, by name, with each other and with a result.

    target_accuracy  share of correct predictions that the threshold of `uncertain` has to keep
    """
    found = units(result, labels)
    labelled = [unit for unit in found if unit.emotions]
    raters = sorted(labels)
    pairs = [*combinations(raters, 2), *((rater, None) for rater in raters)]
    resamples = max(MIN_RESAMPLES, min(RESAMPLES, COMPARED_RESAMPLES // max(len(pairs), 1)))
    stretches, people = len({unit.stretch for unit in labelled}), len({unit.face_id for unit in labelled})
    return Agreement(
        labels=sum(map(len, labels.values())),
        windows=len(labelled),
        stretches=stretches,
        people=people,
        enough=stretches >= ENOUGH_STRETCHES,
        raters=raters,
        pairs=[
            compare(labelled, one, other, EMOTIONS if other else result.model.labels, resamples) for one, other in pairs
        ],
        alpha=alpha_of_all(labelled, EMOTIONS, resamples),
        model=measure(result, found, target_accuracy, resamples),
        intervals=Intervals(over="people" if people >= MIN_PEOPLE else "stretches", resamples=resamples, level=LEVEL),
    )
