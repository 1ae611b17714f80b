"""Comparison of two raters, or of a rater with the model: confusion, kappa and alpha with their intervals."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from duygu.shared.schemas.base import Schema
from duygu.shared.schemas.emotions import OTHER
from duygu.shared.workbench.labels.bootstrap import Bounds, Clusters, Counts, Statistics, unanimous_share
from duygu.shared.workbench.labels.coefficients import (
    cohen_kappa,
    coincidences,
    expected_disagreement,
    krippendorff_alpha,
    observed_agreement,
)
from duygu.shared.workbench.labels.units import Unit

RESAMPLES = 1000
"""Resamples of the bootstrap; fewer for many raters."""

MIN_STRETCHES = 10
"""Fewest labelled stretches for kappa and alpha. Their intervals are still wide: about ± 0.3 for a kappa of 0.6."""

MIN_PEOPLE = 5
"""Fewest people whose resampling gives an interval; fewer than five clusters have too few distinct resamples."""


class Reason(Schema):
    """Why a figure is null, for programs and in words."""

    code: Literal[
        "too_few_stretches",
        "too_few_of_emotion",
        "too_few_raters",
        "no_variation",
        "target_not_reached",
        "selected_labels",
    ]
    found: int | None = None
    needed: int | None = None
    detail: str


class Interval(Schema):
    """A 95 % bootstrap interval."""

    low: float
    high: float


class Estimate(Schema):
    """A figure with its intervals."""

    value: float | None
    low: float | None = Field(
        default=None, description="of the interval over people where there is one, else over stretches"
    )
    high: float | None = None
    over_stretches: Interval | None = None
    over_people: Interval | None = Field(default=None, description="null for fewer than five people")
    reason: Reason | None = Field(default=None, description="why the value is null")


def too_few(found: int, needed: int) -> Reason:
    """For a figure that needs more labelled stretches."""
    detail = f"{found} labelled stretches; at least {needed} are needed"
    return Reason(code="too_few_stretches", found=found, needed=needed, detail=detail)


NO_VARIATION = Reason(code="no_variation", detail="undefined: every label is the same emotion")


@dataclass(frozen=True, slots=True)
class Sample:
    """The counts of units, clustered by stretch and by person."""

    stretches: Clusters
    people: Clusters

    @classmethod
    def of(cls, units: Sequence[Unit], size: int, counts: Callable[[Unit], Sequence[tuple[int, float]]]) -> "Sample":
        """`size`: number of counts. `counts`: those of a unit, as pairs of place and amount; empty without any."""
        found = cls(Clusters(size), Clusters(size))
        for unit in units:
            if own := counts(unit):
                found.stretches.add(unit.stretch, own)
                found.people.add(unit.face_id, own)
        return found

    def estimates(
        self,
        statistics: Callable[[Counts], Statistics],
        resamples: int,
        chance: Callable[[Counts], Mapping[str, float]] | None = None,
    ) -> dict[str, Estimate]:
        """Every statistic with its intervals; undefined ones have the reason NO_VARIATION.

        statistics  shares, unless `chance` has their name
        chance      expected disagreement of coefficients that correct for chance
        """
        total = self.stretches.total()
        values, expected = statistics(total), chance(total) if chance else {}
        stretches = _intervals(self.stretches, values, statistics, resamples, expected)
        enough = len(self.people) >= MIN_PEOPLE
        people = _intervals(self.people, values, statistics, resamples, expected) if enough else {}
        return {name: _estimate(value, stretches.get(name), people.get(name)) for name, value in values.items()}


def _intervals(
    clusters: Clusters,
    values: Statistics,
    statistics: Callable[[Counts], Statistics],
    resamples: int,
    expected: Mapping[str, float],
) -> dict[str, Bounds]:
    """Bootstrap intervals; where all clusters agree, or all disagree, the bound of an exact interval."""
    found = clusters.intervals(statistics, resamples)
    equal = [name for name, bounds in found.items() if bounds.low == bounds.high and values[name] in (0.0, 1.0)]
    counts = clusters.defining(statistics) if equal else {}
    for name in equal:
        possible = 1 - unanimous_share(len(clusters) if name in expected else counts[name])
        if values[name] == 1:
            found[name] = Bounds(1 - possible / expected.get(name, 1.0), 1.0)
        elif name not in expected:
            found[name] = Bounds(0.0, possible)
    return found


def _estimate(value: float | None, stretches: Bounds | None, people: Bounds | None) -> Estimate:
    if value is None:
        return Estimate(value=None, reason=NO_VARIATION)
    over_stretches, over_people = _interval(stretches), _interval(people)
    best = over_people or over_stretches
    return Estimate(
        value=value,
        low=best.low if best else None,
        high=best.high if best else None,
        over_stretches=over_stretches,
        over_people=over_people,
    )


def _interval(bounds: Bounds | None) -> Interval | None:
    return None if bounds is None else Interval(low=bounds.low, high=bounds.high)


class Comparison(Schema):
    """Two raters, or a rater and the model, on the windows that both labelled."""

    one: str = Field(description="name of a rater")
    other: str | None = Field(description="name of the other rater; null for the model")
    windows: int = Field(description="windows with a label of both")
    stretches: int = Field(description="labels that contain them")
    people: int = Field(description="faces of the result with its edits")
    observed: float | None = Field(description="share of windows with equal labels")
    kappa: Estimate = Field(description="Cohen's kappa")
    alpha: Estimate = Field(description="Krippendorff's alpha for nominal data")
    labels: list[str] = Field(description="of the rows and columns of `confusion`")
    confusion: list[list[int]] = Field(description="number of windows; rows: `one`, columns: `other`")


def compare(units: Sequence[Unit], one: str, other: str | None, labels: Sequence[str], resamples: int) -> Comparison:
    """Compare the labels of two raters, or of a rater and the model for None.

    labels  the categories; a label that is none of them counts as `other` if that is one, and is left out otherwise
    """

    def counts(unit: Unit) -> list[tuple[int, float]]:
        first, second = place_of(unit.emotions.get(one), labels), place_of(_label_of(unit, other), labels)
        return [] if first is None or second is None else [(first * len(labels) + second, 1.0)]

    sample = Sample.of(units, len(labels) ** 2, counts)
    table = rows(sample.stretches.total(), len(labels))
    stretches = len(sample.stretches)
    if stretches < MIN_STRETCHES:
        missing = Estimate(value=None, reason=too_few(stretches, MIN_STRETCHES))
        found = {"kappa": missing, "alpha": missing}
    else:
        found = sample.estimates(
            lambda totals: _coefficients(totals, len(labels)), resamples, lambda totals: _chance(totals, len(labels))
        )
    return Comparison(
        one=one,
        other=other,
        windows=round(sum(map(sum, table))),
        stretches=stretches,
        people=len(sample.people),
        observed=observed_agreement(table),
        **found,
        labels=list(labels),
        confusion=[[round(count) for count in row] for row in table],
    )


def alpha_of_all(units: Sequence[Unit], labels: Sequence[str], resamples: int) -> Estimate:
    """Krippendorff's alpha of all raters, without the model."""

    def counts(unit: Unit) -> list[tuple[int, float]]:
        values = [place for emotion in unit.emotions.values() if (place := place_of(emotion, labels)) is not None]
        return [(one * len(labels) + other, weight) for one, other, weight in coincidences(values)]

    if len({rater for unit in units for rater in unit.emotions}) < 2:
        return Estimate(
            value=None, reason=Reason(code="too_few_raters", needed=2, detail="at least 2 raters are needed")
        )
    sample = Sample.of(units, len(labels) ** 2, counts)
    if len(sample.stretches) < MIN_STRETCHES:
        return Estimate(value=None, reason=too_few(len(sample.stretches), MIN_STRETCHES))
    return sample.estimates(
        lambda totals: {"alpha": krippendorff_alpha(rows(totals, len(labels)))},
        resamples,
        lambda totals: {"alpha": expected_disagreement(rows(totals, len(labels)))},
    )["alpha"]


def place_of(emotion: str | None, labels: Sequence[str]) -> int | None:
    """The category of a label: its own, else `other` if that is one."""
    if emotion is None:
        return None
    if emotion in labels:
        return labels.index(emotion)
    return labels.index(OTHER) if OTHER in labels else None


def rows(totals: Counts, size: int) -> list[list[float]]:
    """A square table from its rows, one after the other."""
    return [totals[start : start + size] for start in range(0, size * size, size)]


def _label_of(unit: Unit, rater: str | None) -> str | None:
    return unit.window.emotion if rater is None else unit.emotions.get(rater)


def _chance(totals: Counts, size: int) -> dict[str, float]:
    """The expected disagreement of both coefficients, the same for unanimous raters, whose frequencies are equal."""
    return dict.fromkeys(("kappa", "alpha"), expected_disagreement(rows(totals, size)))


def _coefficients(totals: Counts, size: int) -> dict[str, float | None]:
    table = rows(totals, size)
    both = [[table[one][other] + table[other][one] for other in range(size)] for one in range(size)]
    return {"kappa": cohen_kappa(table), "alpha": krippendorff_alpha(both)}
