"""Time courses of all participants on the clock of a stimulus, and their means by group."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from duygu.shared.exports.spans import Span
from duygu.shared.workbench.studies.outcome import Unit
from duygu.shared.workbench.studies.recording import Series, mean_of
from duygu.shared.workbench.studies.settings import StudySettings
from duygu.shared.workbench.studies.statistics.bootstrap import Floats, mean_intervals
from duygu.shared.workbench.studies.tables.columns import LABEL, STIMULUS, count, number, seconds, share, text
from duygu.shared.workbench.studies.tables.table import Row, Table, Value

MAX_BINS = 20_000
"""Most bins of a time course; longer stimuli have wider bins."""

EDGE = 1e-9

PLAIN, RELATIVE = "probability", "relative"
"""Measures: the probability, and the probability less the participant's mean in the baseline."""


@dataclass(frozen=True, slots=True)
class TimeCourse:
    """Probabilities of all participants during one stimulus."""

    stimulus: str
    measure: str
    labels: Sequence[str]
    units: Sequence[Unit]
    times: Floats
    """Starts of the bins on the clock of the stimulus, in seconds: (bins,)."""
    step_s: float
    values: Floats
    """(participants, bins, labels), NaN where a participant has no usable face in a bin."""

    @property
    def groups(self) -> list[str]:
        """Groups in order of their names."""
        return sorted({unit.group for unit in self.units})

    def of_group(self, group: str) -> Floats:
        """Values of the participants of a group."""
        return self.values[[unit.group == group for unit in self.units]]


@dataclass(frozen=True, slots=True)
class GroupMean:
    """Mean of one group over time, with its interval. Arrays have the shape (bins, labels)."""

    group: str
    participants: int
    counts: Floats
    """Participants with a usable face."""
    mean: Floats
    low: Floats
    high: Floats
    above: Floats
    """Share of those participants at or above the threshold `up`."""


def time_courses(units: Sequence[Unit], labels: Sequence[str], settings: StudySettings) -> list[TimeCourse]:
    """Time courses of each stimulus; those relative to the baseline where all its participants have one."""
    found = []
    for stimulus in dict.fromkeys(unit.stimulus for unit in units):
        of = [unit for unit in units if unit.stimulus == stimulus]
        plain = _course(stimulus, of, labels, settings)
        found.append(plain)
        if all(unit.baselines() for unit in of):
            found.append(_relative(plain))
    return found


def _course(stimulus: str, units: Sequence[Unit], labels: Sequence[str], settings: StudySettings) -> TimeCourse:
    parts = [part for unit in units for part in unit.on_stimulus()]
    start_s, end_s = min(part.start_s for part in parts), max(part.end_s for part in parts)
    step_s = max(settings.step_s, settings.step_s * math.ceil((end_s - start_s) / settings.step_s / MAX_BINS))
    first, last = math.floor(start_s / step_s + EDGE), math.ceil(end_s / step_s - EDGE)
    values = np.stack([_values(unit, labels, first, last - first, step_s) for unit in units])
    return TimeCourse(stimulus, PLAIN, labels, units, step_s * np.arange(first, last, dtype=np.float64), step_s, values)


def _values(unit: Unit, labels: Sequence[str], first: int, bins: int, step_s: float) -> Floats:
    """Mean probabilities in each bin, weighted by time: (bins, labels)."""
    sums, times = np.zeros((bins, len(labels))), np.zeros((bins, len(labels)))
    for part in unit.on_stimulus():
        for span in part.spans:
            values = np.array([span.window.probabilities.get(label, np.nan) for label in labels])
            known = ~np.isnan(values)
            for index, length in _overlaps(span, step_s):
                times[index - first] += length * known
                sums[index - first] += length * np.where(known, values, 0.0)
    means: Floats = np.full(sums.shape, np.nan)
    np.divide(sums, times, out=means, where=times > EDGE)
    return means


def _overlaps(span: Span, step_s: float) -> Iterator[tuple[int, float]]:
    """Bins of a span with the time of it in each."""
    for index in range(math.floor(span.start_s / step_s + EDGE), math.ceil(span.end_s / step_s - EDGE)):
        yield index, min(span.end_s, (index + 1) * step_s) - max(span.start_s, index * step_s)


def _relative(course: TimeCourse) -> TimeCourse:
    rest = np.array([[_mean(unit.baselines(), label) for label in course.labels] for unit in course.units])
    return TimeCourse(
        course.stimulus,
        RELATIVE,
        course.labels,
        course.units,
        course.times,
        course.step_s,
        course.values - rest[:, np.newaxis, :],
    )


def _mean(parts: Sequence[Series], label: str) -> float:
    mean = mean_of([span for part in parts for span in part.spans], label)
    return math.nan if mean is None else mean


def group_means(course: TimeCourse, settings: StudySettings) -> list[GroupMean]:
    """Means and intervals over the participants of each group."""
    return [_group_mean(group, course.of_group(group), settings) for group in course.groups]


def _group_mean(group: str, values: Floats, settings: StudySettings) -> GroupMean:
    people, *shape = values.shape
    mean, low, high = mean_intervals(values.reshape(people, -1), settings.resamples, settings.seed)
    counts = (~np.isnan(values)).sum(axis=0).astype(np.float64)
    above = np.divide(
        (values >= settings.up - EDGE).sum(axis=0), counts, out=np.full(counts.shape, np.nan), where=counts > 0
    )
    return GroupMean(group, people, counts, mean.reshape(shape), low.reshape(shape), high.reshape(shape), above)


MEANS = [
    STIMULUS,
    text("group", "group, as in study.csv; empty for participants without one"),
    text(
        "measure",
        "what is averaged: the probability, or the probability less that of the baseline",
        values=f"{PLAIN}, {RELATIVE}",
    ),
    LABEL,
    seconds("time_s", "start of the bin, seconds since the start of the stimulus", values=""),
    count("participants", "participants with a usable face in the bin"),
    number("mean", "mean over participants", "mean of the means of each participant in the bin", values="-1 to 1"),
    number("low", "lower bound of the interval; empty with fewer than 5 participants", "bootstrap", values="-1 to 1"),
    number("high", "upper bound of the interval; empty with fewer than 5 participants", "bootstrap", values="-1 to 1"),
    share(
        "share_above",
        "share of participants at or above the threshold `up`; empty for relative values",
        "participants at or above / participants",
    ),
]


def means_table(courses: Sequence[TimeCourse], means: Sequence[Sequence[GroupMean]], settings: StudySettings) -> Table:
    """One row per stimulus, group, measure, emotion and bin."""
    about = (
        "One row per stimulus, group, measure, emotion and bin: the mean over participants with a 95 % bootstrap "
        f"interval over participants ({settings.resamples} resamples)."
    )
    rows = [row for course, of in zip(courses, means, strict=True) for mean in of for row in _rows(course, mean)]
    return Table("group_means", about, MEANS, rows)


def _rows(course: TimeCourse, of: GroupMean) -> Iterator[Row]:
    for column, label in enumerate(course.labels):
        for place, time_s in enumerate(course.times):
            at = place, column
            yield {
                "stimulus": course.stimulus,
                "group": of.group,
                "measure": course.measure,
                "emotion": label,
                "time_s": float(time_s),
                "participants": int(of.counts[at]),
                "mean": _known(of.mean[at]),
                "low": _known(of.low[at]),
                "high": _known(of.high[at]),
                "share_above": _known(of.above[at]) if course.measure == PLAIN else None,
            }


def _known(value: float) -> Value:
    return None if math.isnan(value) else float(value)
