"""Synchrony of two people: windowed cross-correlation (Boker et al. 2002) against shuffled pairs (Bernieri 1988)."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from duygu.shared.workbench.studies.outcome import Unit
from duygu.shared.workbench.studies.settings import StudySettings
from duygu.shared.workbench.studies.statistics.bootstrap import Floats, means_of
from duygu.shared.workbench.studies.statistics.time_course import PLAIN, TimeCourse
from duygu.shared.workbench.studies.tables.columns import LABEL, STIMULUS, count, number, share, text
from duygu.shared.workbench.studies.tables.table import Row, Table, Value

PAIR = "pair"
"""Free column of study.csv with the same value for the two participants of a pair."""

MIN_PAIRS = 4
"""Fewest pairs of a test: 4 pairs can be shuffled in 24 ways, so the lowest p is 0.04."""

LEAST_DEVIATION = 1e-6
"""Standard deviation within a window below which a face does not move, so that no correlation is defined."""

LARGEST = 0.999
"""Correlation to which larger ones are clipped before Fisher's transformation."""

TWO = 2


@dataclass(frozen=True, slots=True)
class Synchrony:
    """Synchrony of the pairs of one stimulus."""

    course: TimeCourse
    pairs: Sequence[tuple[str, int, int]]
    """Name of the pair, and the places of its participants in the time course."""
    values: Floats
    """Fisher's z of every two participants: (participants, participants, labels)."""
    shuffled: Floats
    """Means over the pairs of each random pairing: (permutations, labels)."""


def synchronies(courses: Sequence[TimeCourse], settings: StudySettings) -> list[Synchrony]:
    """Synchrony of each stimulus that has a pair, from the probabilities."""
    found = []
    for course in courses:
        pairs = _pairs(course.units) if course.measure == PLAIN else []
        if pairs:
            values = correlations(course.values, course.step_s, settings)
            found.append(Synchrony(course, pairs, values, _shuffled(pairs, values, settings)))
    return found


def _pairs(units: Sequence[Unit]) -> list[tuple[str, int, int]]:
    """Pairs of exactly two participants, in order of time of study.csv."""
    places: dict[str, list[int]] = {}
    for place, unit in enumerate(units):
        if name := unit.free().get(PAIR, ""):
            places.setdefault(name, []).append(place)
    return [(name, both[0], both[1]) for name, both in places.items() if len(both) == TWO]


def correlations(values: Floats, step_s: float, settings: StudySettings) -> Floats:
    """Fisher's z of every two participants: (participants, participants, labels), symmetric.

    values  (participants, bins, labels), NaN where a participant has no usable face

    In each window of `window_s`, half a window after the last, the largest Pearson correlation with the other
    participant up to `lag_s` earlier or later counts; z is its mean over the windows. A window in which one of them has
    no usable face or does not move does not count; NaN without any window.
    """
    people, bins, labels = values.shape
    length, lag = max(round(settings.window_s / step_s), 3), round(settings.lag_s / step_s)
    starts = range(lag, bins - length - lag + 1, max(length // 2, 1))
    windows = [_window(values, start, length, lag) for start in starts]
    if not windows:
        return np.full((people, people, labels), np.nan)
    stacked = np.stack(windows)
    z = means_of(np.arctanh(np.clip(stacked, -LARGEST, LARGEST)).reshape(len(windows), -1)).reshape(stacked.shape[1:])
    return np.asarray((z + z.transpose(1, 0, 2)) / 2, np.float64)


def _window(values: Floats, start: int, length: int, lag: int) -> Floats:
    """Largest correlation over all lags in one window, NaN unless all of them are defined.

    Its shape is (participants, participants, labels).
    """
    here = _standardised(values[:, start : start + length])
    found = [
        np.einsum("itk,jtk->ijk", here, _standardised(values[:, start + shift : start + shift + length]))
        for shift in range(-lag, lag + 1)
    ]
    return np.asarray(np.maximum.reduce(found), np.float64)


def _standardised(part: Floats) -> Floats:
    """Each course with mean 0 and length 1, so that a product is a correlation; NaN where it does not move."""
    centred = part - part.mean(axis=1, keepdims=True)
    lengths = np.sqrt((centred**2).sum(axis=1, keepdims=True))
    least = LEAST_DEVIATION * math.sqrt(part.shape[1])
    standardised: Floats = np.full(part.shape, np.nan)
    np.divide(centred, lengths, out=standardised, where=lengths > least)
    return standardised


def _shuffled(pairs: Sequence[tuple[str, int, int]], values: Floats, settings: StudySettings) -> Floats:
    """Means over pairs whose second participants are shuffled."""
    one, other = _places(pairs)
    random = np.random.default_rng(settings.seed)
    return np.stack([means_of(values[one, random.permutation(other)]) for _ in range(settings.permutations)])


def _places(pairs: Sequence[tuple[str, int, int]]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    return np.array([a for _, a, _ in pairs]), np.array([b for _, _, b in pairs])


def p_values(found: Synchrony) -> Floats:
    """Share of random pairings that are at least as synchronous, corrected over emotions; NaN with too few pairs.

    Each mean is compared on the scale of its random pairings, with the largest one over the emotions of each pairing.
    """
    labels = found.values.shape[2]
    if len(found.pairs) < MIN_PAIRS:
        return np.full(labels, np.nan)
    centre, spread = means_of(found.shuffled), np.sqrt(means_of((found.shuffled - means_of(found.shuffled)) ** 2))
    scale = np.where(spread > 0, spread, np.nan)
    largest = np.fmax.reduce((found.shuffled - centre) / scale, axis=1)
    observed = (means_of(found.values[_places(found.pairs)]) - centre) / scale
    share_above = (1 + (largest[:, np.newaxis] >= observed - 1e-9).sum(axis=0)) / (1 + len(largest))
    return np.where(np.isnan(observed), np.nan, share_above)


CORRELATION = "tanh of the mean of Fisher's z over windows"

PAIRS = [
    STIMULUS,
    text("pair", "pair, as in study.csv"),
    text("participant_a", "first participant of the pair"),
    text("participant_b", "second participant of the pair"),
    LABEL,
    number("synchrony", "largest correlation within the lag, mean over windows", CORRELATION, values="-1 to 1"),
    number(
        "shuffled",
        "the same of the two participants with those of other pairs",
        "tanh of the mean of Fisher's z over those pairings",
        values="-1 to 1",
    ),
]

TESTS = [
    STIMULUS,
    LABEL,
    count("pairs", "number of pairs with a correlation"),
    number("synchrony", "mean over pairs", "tanh of the mean of Fisher's z", values="-1 to 1"),
    number("shuffled", "mean over random pairings", "tanh of the mean of Fisher's z", values="-1 to 1"),
    share(
        "p",
        "probability of a synchrony of at least this size if it did not matter who was with whom; empty with fewer "
        f"than {MIN_PAIRS} pairs",
        "share of random pairings, corrected over the emotions of the stimulus",
    ),
]


def synchrony_table(found: Sequence[Synchrony], settings: StudySettings) -> Table:
    """One row per stimulus, pair and emotion."""
    about = (
        f"One row per stimulus, pair and emotion: windowed cross-correlation of the probabilities, windows of "
        f"{settings.window_s:g} s (window_s), lag up to {settings.lag_s:g} s (lag_s)."
    )
    return Table("synchrony", about, PAIRS, [row for one in found for row in _pair_rows(one)])


def _pair_rows(found: Synchrony) -> Iterator[Row]:
    members = [place for _, *both in found.pairs for place in both]
    for name, one, other in found.pairs:
        strangers = [place for place in members if place not in (one, other)]
        around = np.concatenate([found.values[one, strangers], found.values[other, strangers]])
        shuffled = means_of(around) if len(around) else np.full(found.values.shape[2], np.nan)
        for column, label in enumerate(found.course.labels):
            yield {
                "stimulus": found.course.stimulus,
                "pair": name,
                "participant_a": found.course.units[one].participant,
                "participant_b": found.course.units[other].participant,
                "emotion": label,
                "synchrony": _r(found.values[one, other, column]),
                "shuffled": _r(shuffled[column]),
            }


def synchrony_tests_table(found: Sequence[Synchrony], settings: StudySettings) -> Table:
    """One row per stimulus and emotion in which a pair has a synchrony."""
    about = (
        f"One row per stimulus and emotion: the pairs against {settings.permutations} random pairings of the same "
        "participants."
    )
    return Table("synchrony_tests", about, TESTS, [row for one in found for row in _test_rows(one)])


def _test_rows(found: Synchrony) -> Iterator[Row]:
    values, shuffled, p = found.values[_places(found.pairs)], means_of(found.shuffled), p_values(found)
    means = means_of(values)
    for column, label in enumerate(found.course.labels):
        if np.isnan(means[column]):  # no pair has a whole window
            continue
        yield {
            "stimulus": found.course.stimulus,
            "emotion": label,
            "pairs": int((~np.isnan(values[:, column])).sum()),
            "synchrony": _r(means[column]),
            "shuffled": _r(shuffled[column]),
            "p": None if math.isnan(p[column]) else float(p[column]),
        }


def _r(z: float) -> Value:
    return None if math.isnan(z) else math.tanh(z)
