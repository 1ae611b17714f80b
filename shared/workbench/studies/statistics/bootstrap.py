"""Bootstrap intervals of means over participants, whose windows are not independent."""

from functools import cache
from math import exp, lgamma, pi, sqrt
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

LEVEL = 0.95
"""Level of the intervals."""

MIN_PARTICIPANTS = 5
"""Fewest participants with an interval."""

COLUMNS = 512
"""Columns that are resampled at once, which limits the memory."""

STEPS = 4096
"""Steps of the numerical integral of Student's t."""

Floats = npt.NDArray[np.float64]


def mean_intervals(values: Floats, resamples: int, seed: int) -> tuple[Floats, Floats, Floats]:
    """Means over participants with their intervals; NaN where they are undefined.

    values  (participants, columns), NaN where a participant has no value

    Participants are drawn with replacement, so the number of windows of a participant has no effect on the width. The
    interval is the expanded percentile interval (Hesterberg 2015, section 4.2), whose quantiles correct the percentile
    interval for the number of participants. Columns with fewer than `MIN_PARTICIPANTS` values have no interval.

    Returns means, lower and upper bounds, each of shape (columns,).
    """
    people, columns = values.shape
    weights = np.random.default_rng(seed).multinomial(people, [1 / people] * people, size=resamples).astype(np.float64)
    low, high = np.full(columns, np.nan), np.full(columns, np.nan)
    for start in range(0, columns, COLUMNS):
        part = slice(start, start + COLUMNS)
        low[part], high[part] = _bounds(values[:, part], weights)
    return means_of(values), low, high


def means_of(values: Floats) -> Floats:
    """Means over the first axis of the values that are not NaN; NaN where there is none."""
    known = ~np.isnan(values)
    counts = known.sum(axis=0)
    means: Floats = np.full(counts.shape, np.nan)
    np.divide(np.where(known, values, 0.0).sum(axis=0), counts, out=means, where=counts > 0)
    return means


def _bounds(values: Floats, weights: Floats) -> tuple[Floats, Floats]:
    known = ~np.isnan(values)
    counts = known.sum(axis=0)
    drawn = weights @ known  # (resamples, columns)
    sums = weights @ np.where(known, values, 0.0)
    means = np.sort(np.divide(sums, drawn, out=np.full(drawn.shape, np.nan), where=drawn > 0), axis=0)  # NaN last
    tails = np.array([_tail(int(count)) if count >= MIN_PARTICIPANTS else np.nan for count in counts])
    defined = (drawn > 0).sum(axis=0)
    return _quantile(means, defined, tails), _quantile(means, defined, 1 - tails)


def _quantile(ordered: Floats, counts: npt.NDArray[np.int64], shares: Floats) -> Floats:
    """A quantile of each column, between the two nearest of its first `counts` values."""
    places = np.where(np.isnan(shares), 0.0, shares) * (counts - 1)
    below = np.floor(places).astype(int)
    above = np.minimum(below + 1, counts - 1)
    columns = np.arange(ordered.shape[1])
    found = ordered[below, columns] + (places - below) * (ordered[above, columns] - ordered[below, columns])
    return np.where(np.isnan(shares), np.nan, found)


def _tail(people: int) -> float:
    """Share below the lower bound: the normal probability of sqrt(n / (n - 1)) times the quantile of Student's t."""
    return NormalDist().cdf(sqrt(people / (people - 1)) * t_quantile((1 - LEVEL) / 2, people - 1))


@cache
def t_quantile(share: float, freedom: int) -> float:
    """Quantile of Student's t distribution for a share of at most 0.5, by bisection."""
    low, high = -1e4, 0.0
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if t_cdf(middle, freedom) < share else (low, middle)
    return (low + high) / 2


def t_cdf(value: float, freedom: int) -> float:
    """Cumulative distribution of Student's t for a value of at most 0, by Simpson's rule.

    With t = sqrt(freedom) tan(angle), the density is proportional to cos(angle) ** (freedom - 1), which is smooth.
    """
    angles = np.linspace(np.arctan(value / sqrt(freedom)), 0.0, STEPS + 1)
    heights = np.cos(angles) ** (freedom - 1)
    step = -angles[0] / STEPS
    integral = step / 3 * (heights[0] + heights[-1] + 4 * heights[1::2].sum() + 2 * heights[2:-1:2].sum())
    return 0.5 - float(integral) * _norm(freedom)


def _norm(freedom: int) -> float:
    """The constant of the density in the angle."""
    return exp(lgamma((freedom + 1) / 2) - lgamma(freedom / 2)) / sqrt(pi)
