"""Summary of a participant's recordings of one stimulus while the person speaks, and while not."""

from collections.abc import Iterable, Iterator, Sequence

from duygu.shared.exports.spans import Span
from duygu.shared.workbench.studies.outcome import Unit
from duygu.shared.workbench.studies.recording import length_of, mean_of
from duygu.shared.workbench.studies.tables.columns import IDENTITY, Column, seconds, share, truth
from duygu.shared.workbench.studies.tables.table import Row, Table

SPEAKS = 0.5
"""Probability of `speaking` from which the person counts as speaking in a window."""

STATE = truth("speaking", f"whether the person speaks: windows with `speaking` of at least {SPEAKS:g}, or below")


def has_speech(units: Iterable[Unit]) -> bool:
    """Whether it is known of any window if the person speaks."""
    return any(span.window.speaking is not None for unit in units for span in _spans(unit))


def speaking_table(units: Iterable[Unit], labels: Sequence[str], free: Sequence[Column]) -> Table:
    """One row per participant, stimulus and whether the person speaks."""
    about = (
        "One row per participant, stimulus and whether the person speaks, since the mouth moves in speech as in some "
        f"expressions; a person speaks in windows whose `speaking` is at least {SPEAKS:g}. Windows in which it is "
        "unknown belong to neither."
    )
    rows = [row for unit in units for row in _rows(unit, labels)]
    return Table("summary_speaking", about, [*IDENTITY, STATE, *_columns(labels), *free], rows)


def _columns(labels: Sequence[str]) -> Iterator[Column]:
    yield seconds("face_s", "time with a usable face in which the person speaks or not", "time in such windows")
    yield share("share_uncertain", "share of face_s in uncertain windows", "uncertain time / face_s")
    for label in labels:
        shown = "time in certain windows whose emotion it is / face_s"
        yield share(f"{label}_share", f"share of face_s with {label}", shown)
        yield share(f"{label}_mean", f"mean probability of {label}", "mean over windows, weighted by time")
        yield share(f"{label}_max", f"highest probability of {label}", "maximum over windows")


def _rows(unit: Unit, labels: Sequence[str]) -> Iterator[Row]:
    known = [(span, span.window.speaking) for span in _spans(unit)]
    for state in (True, False):
        spans = [span for span, value in known if value is not None and (value >= SPEAKS) == state]
        identity = {"participant": unit.participant, "group": unit.group, "stimulus": unit.stimulus}
        yield {**unit.free(), **identity, "speaking": state, "face_s": length_of(spans), **_values(spans, labels)}


def _values(spans: Sequence[Span], labels: Sequence[str]) -> dict[str, float | None]:
    face_s = length_of(spans)
    if not face_s:
        return {}
    values: dict[str, float | None] = {
        "share_uncertain": length_of(span for span in spans if span.window.uncertain) / face_s
    }
    for label in labels:
        has = [span for span in spans if label in span.window.probabilities]
        if has:
            shown = (span for span in has if span.window.emotion == label and not span.window.uncertain)
            values[f"{label}_share"] = length_of(shown) / length_of(has)
            values[f"{label}_mean"] = mean_of(has, label)
            values[f"{label}_max"] = max(span.window.probabilities[label] for span in has)
    return values


def _spans(unit: Unit) -> list[Span]:
    return [span for part in unit.series() for span in part.spans]
