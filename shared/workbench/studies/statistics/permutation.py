"""Cluster-based permutation test of two groups over time (Maris and Oostenveld 2007)."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from duygu.shared.workbench.studies.outcome import Unit
from duygu.shared.workbench.studies.settings import StudySettings
from duygu.shared.workbench.studies.statistics.bootstrap import Floats, t_quantile
from duygu.shared.workbench.studies.statistics.time_course import TimeCourse
from duygu.shared.workbench.studies.tables.columns import LABEL, STIMULUS, number, seconds, share, text
from duygu.shared.workbench.studies.tables.table import Row, Table

MIN_GROUP = 4
"""Fewest participants of a group: with 4 and 4, 70 divisions exist, so the lowest p is 0.014."""

TAIL = 0.025
"""Share of Student's t in each tail beyond the threshold of a cluster."""

TWO = 2


@dataclass(frozen=True, slots=True)
class Cluster:
    """A stretch in which the groups differ."""

    label: str
    start_s: float
    end_s: float
    mass: float
    """Sum of t over the bins; positive if the first group is higher."""
    p: float
    """Share of permutations with a cluster of at least this mass anywhere, in any emotion."""


def comparable_groups(course: TimeCourse) -> tuple[str, str] | None:
    """The two groups of a time course; None unless it has exactly two of at least `MIN_GROUP` participants."""
    return compared_groups(course.units)


def compared_groups(units: Sequence[Unit]) -> tuple[str, str] | None:
    """The two groups of the participants of a stimulus; None as for `comparable_groups`."""
    sizes = Counter(unit.group for unit in units)
    if len(sizes) != TWO or min(sizes.values()) < MIN_GROUP:
        return None
    first, second = sorted(sizes)
    return first, second


def clusters_of(course: TimeCourse, settings: StudySettings) -> list[Cluster]:
    """Clusters of adjacent bins where two groups differ, with p values corrected over all bins and emotions.

    The statistic of a bin is Student's t of the difference of means; a cluster is a stretch of bins of one emotion and
    one sign beyond the two-sided 5 % threshold of t, and its mass the sum of t. The largest mass over all emotions in
    each random division of the participants into groups of the same sizes is the reference, so the chance of any false
    cluster among all emotions is 5 %. A bin where a group has fewer than `MIN_GROUP` participants is in no cluster.
    Bins before the start of the stimulus are not compared: the groups see nothing that could make them differ, and each
    further bin raises the mass that chance reaches. Without two comparable groups there is no cluster.
    """
    groups = comparable_groups(course)
    if groups is None:
        return []
    course = since_start(course)
    first = np.array([unit.group == groups[0] for unit in course.units])
    random = np.random.default_rng(settings.seed)
    thresholds = Thresholds()
    largest = [_largest(course.values, random.permutation(first), thresholds) for _ in range(settings.permutations)]
    found = _clusters(course.values, first, thresholds)
    reference = np.array(largest)
    return [
        Cluster(
            course.labels[label],
            float(course.times[start]),
            float(course.times[end - 1] + course.step_s),
            mass,
            float((1 + (reference >= abs(mass) - 1e-9).sum()) / (1 + settings.permutations)),
        )
        for label, start, end, mass in found
    ]


def since_start(course: TimeCourse) -> TimeCourse:
    """The bins of a time course from the start of the stimulus on; none of a stimulus that nobody saw."""
    during = course.times >= 0
    return replace(course, times=course.times[during], values=course.values[:, during])


class Thresholds:
    """Thresholds of t by degrees of freedom."""

    def __init__(self) -> None:
        self._known: dict[int, float] = {}

    def of(self, freedom: npt.NDArray[np.int64]) -> Floats:
        """Threshold of each bin; infinite without a degree of freedom."""
        kinds, places = np.unique(freedom, return_inverse=True)
        return np.array([self._one(int(kind)) for kind in kinds])[places].reshape(freedom.shape)

    def _one(self, freedom: int) -> float:
        if freedom not in self._known:
            self._known[freedom] = -t_quantile(TAIL, freedom) if freedom > 0 else np.inf
        return self._known[freedom]


def _largest(values: Floats, first: npt.NDArray[np.bool_], thresholds: Thresholds) -> float:
    return max((abs(mass) for *_, mass in _clusters(values, first, thresholds)), default=0.0)


def _clusters(
    values: Floats, first: npt.NDArray[np.bool_], thresholds: Thresholds
) -> list[tuple[int, int, int, float]]:
    """Label, first bin, bin after the last, and mass of each cluster."""
    t, freedom = _t(values[first], values[~first])
    signs = np.where(np.abs(t) > thresholds.of(freedom), np.sign(t), 0).astype(int)  # (bins, labels)
    found = []
    for label in range(signs.shape[1]):
        column = np.concatenate([[0], signs[:, label], [0]])
        edges = np.flatnonzero(np.diff(column))
        for start, end in pairwise(edges):
            if signs[start, label]:
                found.append((label, int(start), int(end), float(t[start:end, label].sum())))
    return found


def _t(one: Floats, other: Floats) -> tuple[Floats, npt.NDArray[np.int64]]:
    """Student's t of two groups with equal variances, and its degrees of freedom, over the values that are known.

    0 where a group has fewer than `MIN_GROUP` values or nothing varies.
    """
    (n, mean, squares), (m, mean_other, squares_other) = _moments(one), _moments(other)
    freedom = np.where((n >= MIN_GROUP) & (m >= MIN_GROUP), n + m - 2, 0)
    variance = np.divide(squares + squares_other, freedom, out=np.zeros(n.shape), where=freedom > 0)
    error = np.sqrt(variance * (1 / np.maximum(n, 1) + 1 / np.maximum(m, 1)))
    return np.divide(mean - mean_other, error, out=np.zeros(n.shape), where=error > 1e-12), freedom


def _moments(values: Floats) -> tuple[npt.NDArray[np.int64], Floats, Floats]:
    """Number, mean, and sum of squared deviations of the known values."""
    known = ~np.isnan(values)
    count = known.sum(axis=0)
    filled = np.where(known, values, 0.0)
    mean = filled.sum(axis=0) / np.maximum(count, 1)
    return count, mean, (np.where(known, values - mean, 0.0) ** 2).sum(axis=0)


COLUMNS = [
    STIMULUS,
    text(
        "measure",
        "what is compared: the probability, or the probability less that of the baseline",
        values="probability, relative",
    ),
    LABEL,
    text("group_a", "first group"),
    text("group_b", "second group"),
    seconds("start_s", "start of the cluster, seconds since the start of the stimulus", values=""),
    seconds("end_s", "end of the cluster, seconds since the start of the stimulus", values=""),
    number(
        "mass", "sum of t over the bins of the cluster; positive if group_a is higher", "Student's t of the difference"
    ),
    share(
        "p",
        "p value, corrected over all times and emotions of the stimulus",
        "permutation of participants between groups",
    ),
]


def clusters_table(
    courses: Sequence[TimeCourse], clusters: Sequence[Sequence[Cluster]], settings: StudySettings
) -> Table:
    """One row per cluster of each time course with two comparable groups."""
    about = (
        "One row per stretch of the stimulus in which the two groups differ, by a cluster-based permutation test "
        f"({settings.permutations} permutations). The test says that the groups differ; the ends of a cluster are "
        "descriptive."
    )
    rows = [_row(course, one) for course, of in zip(courses, clusters, strict=True) for one in of]
    return Table("clusters", about, COLUMNS, rows)


def _row(course: TimeCourse, cluster: Cluster) -> Row:
    return {
        "stimulus": course.stimulus,
        "measure": course.measure,
        "emotion": cluster.label,
        "group_a": course.groups[0],
        "group_b": course.groups[1],
        "start_s": cluster.start_s,
        "end_s": cluster.end_s,
        "mass": cluster.mass,
        "p": cluster.p,
    }
