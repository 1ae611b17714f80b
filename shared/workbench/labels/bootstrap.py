"""Bootstrap intervals over clusters, stretches or people, whose windows are not independent."""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from random import Random

LEVEL = 0.95
"""Level of the intervals."""

SEED = 0

Counts = list[float]
"""Counts that can be summed over clusters, from which statistics are computed."""

Statistics = Mapping[str, float | None]
"""Values by name; None where a value is undefined."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """The ends of an interval."""

    low: float
    high: float


Content = tuple[tuple[int, float], ...]
"""The counts of a cluster that are not 0, as pairs of place and amount."""


class Clusters:
    """Counts of clusters. Resampling sums them, so its cost does not grow with the number of windows."""

    def __init__(self, size: int) -> None:
        """`size`: number of counts."""
        self._size = size
        self._counts: defaultdict[Hashable, defaultdict[int, float]] = defaultdict(lambda: defaultdict(float))

    def __len__(self) -> int:
        return len(self._counts)

    def add(self, cluster: Hashable, counts: Iterable[tuple[int, float]]) -> None:
        """Add to the counts of a cluster: pairs of place and amount."""
        kept = self._counts[cluster]
        for place, amount in counts:
            kept[place] += amount

    def total(self) -> Counts:
        """The sum over all clusters."""
        return self._sum((tuple(counts.items()), 1) for counts in self._counts.values())

    def intervals(self, statistics: Callable[[Counts], Statistics], resamples: int) -> dict[str, Bounds]:
        """Percentile intervals (Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13) by name.

        A statistic that is undefined in half of the resamples or more has no interval.
        """
        contents = [tuple(sorted(counts.items())) for counts in self._counts.values()]
        # Most clusters are equal to others: their numbers are drawn, and the few distinct ones summed.
        numbers = {content: number for number, content in enumerate(dict.fromkeys(contents))}
        distinct, population, random = list(numbers), [numbers[content] for content in contents], Random(SEED)  # noqa: S311
        values: defaultdict[str, list[float]] = defaultdict(list)
        for _ in range(resamples if contents else 0):
            drawn = Counter(random.choices(population, k=len(population)))
            total = self._sum((distinct[number], times) for number, times in drawn.items())
            for name, value in statistics(total).items():
                if value is not None:
                    values[name].append(value)
        return {name: _percentiles(found) for name, found in values.items() if len(found) > resamples / 2}

    def defining(self, statistics: Callable[[Counts], Statistics]) -> Counter[str]:
        """The number of clusters for which each statistic is defined."""
        own = (statistics(self._sum([(tuple(counts.items()), 1)])) for counts in self._counts.values())
        return Counter(name for values in own for name, value in values.items() if value is not None)

    def _sum(self, drawn: Iterable[tuple[Content, int]]) -> Counts:
        total = [0.0] * self._size
        for content, times in drawn:
            for place, amount in content:
                total[place] += times * amount
        return total


def unanimous_share(clusters: int) -> float:
    """The lower bound of a share when all of some clusters agree, where resampling gives no interval.

    The bound of Clopper and Pearson (The use of confidence or fiducial limits, Biometrika 26, 1934) for no failure.
    """
    return float(math.pow((1 - LEVEL) / 2, 1 / clusters))


def _percentiles(values: Sequence[float]) -> Bounds:
    ordered = sorted(values)
    return Bounds(_quantile(ordered, (1 - LEVEL) / 2), _quantile(ordered, (1 + LEVEL) / 2))


def _quantile(ordered: Sequence[float], share: float) -> float:
    """The quantile between the two nearest values, by linear interpolation."""
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])
