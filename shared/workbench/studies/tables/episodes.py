"""Episodes of an emotion: stretches with a high probability, by two thresholds (hysteresis)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from duygu.shared.exports.spans import Span
from duygu.shared.workbench.studies.recording import mean_of
from duygu.shared.workbench.studies.settings import StudySettings

ROUNDING_S = 1e-6
"""Times closer than this are equal."""


@dataclass(frozen=True, slots=True)
class Episode:
    """A stretch of one emotion, on the clock of its spans."""

    start_s: float
    end_s: float
    mean: float
    """Mean probability in the spans at or above the thresholds, weighted by time."""
    peak: float
    peak_s: float
    """Middle of the first span with the highest probability."""

    @property
    def length_s(self) -> float:
        """Length, with tolerated interruptions."""
        return self.end_s - self.start_s


def episodes_of(spans: Sequence[Span], label: str, settings: StudySettings) -> list[Episode]:
    """Episodes of a label in the spans of one face, in order of time.

    An episode starts at `up`, ends below `down`, and continues over interruptions of at most `gap_s`, with or without a
    face. Episodes shorter than `min_length_s` are omitted.
    """
    runs: list[list[Span]] = []
    for run in _runs(spans, label, settings):
        if runs and run[0].start_s - runs[-1][-1].end_s <= settings.gap_s + ROUNDING_S:
            runs[-1] += run
        else:
            runs.append(run)
    found = [_episode(run, label) for run in runs]
    return [one for one in found if one.length_s >= settings.min_length_s - ROUNDING_S]


def _runs(spans: Sequence[Span], label: str, settings: StudySettings) -> Iterator[list[Span]]:
    """Uninterrupted stretches from `up` on that stay at or above `down`."""
    run: list[Span] = []
    for span in spans:
        value = span.window.probabilities.get(label, -1.0)
        away = bool(run) and span.start_s - run[-1].end_s > settings.gap_s + ROUNDING_S
        if run and (away or value < settings.down):
            yield run
            run = []
        if value >= (settings.down if run else settings.up):
            run.append(span)
    if run:
        yield run


def _episode(run: Sequence[Span], label: str) -> Episode:
    peak = max(run, key=lambda span: span.window.probabilities[label])
    return Episode(
        run[0].start_s,
        run[-1].end_s,
        mean_of(run, label) or 0.0,
        peak.window.probabilities[label],
        (peak.start_s + peak.end_s) / 2,
    )
