"""Summary of a participant's recordings of one stimulus, and its difference from the baseline."""

from collections.abc import Iterator, Mapping, Sequence

from duygu.shared.exports.spans import Span
from duygu.shared.workbench.studies.recording import Series, length_of, mean_of
from duygu.shared.workbench.studies.settings import StudySettings
from duygu.shared.workbench.studies.tables.columns import Column, count, difference, number, seconds, share
from duygu.shared.workbench.studies.tables.episodes import episodes_of

MINUTE_S = 60.0

Values = Mapping[str, float | None]

OVERALL = [
    seconds("recorded_s", "length of the analysed parts of the videos", "end_s - start_s, summed"),
    seconds("face_s", "time with a usable face", "time in windows of the chosen face"),
    share("share_without_face", "share of time without a usable face", "1 - face_s / recorded_s"),
    share("share_uncertain", "share of face_s in uncertain windows", "uncertain time / face_s"),
    share(
        "share_speaking", "share of face_s spent speaking; empty where unknown", "mean of `speaking`, weighted by time"
    ),
]


def summary_columns(labels: Sequence[str]) -> list[Column]:
    """Columns of `summary_of`."""
    return [*OVERALL, *(column for label in labels for column in _of_label(label))]


def _of_label(label: str) -> list[Column]:
    return [
        share(
            f"{label}_share", f"share of face_s with {label}", "time in certain windows whose emotion it is / face_s"
        ),
        share(f"{label}_mean", f"mean probability of {label}", "mean over windows, weighted by time"),
        share(f"{label}_max", f"highest probability of {label}", "maximum over windows"),
        count(f"{label}_episodes", f"number of episodes of {label}", "rows of the table episodes"),
        seconds(f"{label}_episode_s", f"mean length of episodes of {label}; empty without one", "mean over episodes"),
        number(
            f"{label}_episodes_per_min",
            f"rate of episodes of {label}",
            f"60 * {label}_episodes / face_s",
            "1/min",
            "at least 0",
        ),
    ]


def relative_columns(labels: Sequence[str]) -> list[Column]:
    """Columns of `relative_of`: those of the summary that do not depend on the length of the recording."""
    return [
        _relative(column)
        for column in summary_columns(labels)
        if column.name not in {"recorded_s", "face_s"} and not column.name.endswith(("_episodes", "_episode_s"))
    ]


def _relative(column: Column) -> Column:
    computed = "value of the recording - value of the baseline"
    if column.unit == "1":
        return difference(column.name, f"{column.meaning}, less the baseline", computed)
    return number(column.name, f"{column.meaning}, less the baseline", computed, column.unit)


def summary_of(parts: Sequence[Series], labels: Sequence[str], settings: StudySettings) -> dict[str, float | None]:
    """Summary of one or several recordings; None where a value is undefined, as without a face."""
    spans = [span for part in parts for span in part.spans]
    recorded_s, face_s = sum(part.length_s for part in parts), length_of(spans)
    values: dict[str, float | None] = {
        "recorded_s": recorded_s,
        "face_s": face_s,
        "share_without_face": max(0.0, 1 - face_s / recorded_s),
        "share_uncertain": _ratio(length_of(span for span in spans if span.window.uncertain), face_s),
        "share_speaking": _speaking(spans),
    }
    for label in labels:
        values.update(_values_of_label(label, parts, spans, settings))
    return values


def _values_of_label(
    label: str, parts: Sequence[Series], spans: Sequence[Span], settings: StudySettings
) -> Iterator[tuple[str, float | None]]:
    known = [span for span in spans if label in span.window.probabilities]
    if not known:
        return
    face_s = length_of(known)
    shown = (span for span in known if span.window.emotion == label and not span.window.uncertain)
    found = [one for part in parts for one in episodes_of(part.spans, label, settings)]
    yield f"{label}_share", _ratio(length_of(shown), face_s)
    yield f"{label}_mean", mean_of(known, label)
    yield f"{label}_max", max(span.window.probabilities[label] for span in known)
    yield f"{label}_episodes", len(found)
    yield f"{label}_episode_s", _ratio(sum(one.length_s for one in found), len(found))
    yield f"{label}_episodes_per_min", _ratio(MINUTE_S * len(found), face_s)


def _speaking(spans: Sequence[Span]) -> float | None:
    """Mean of `speaking` where it is known, weighted by time."""
    known = [(span.end_s - span.start_s, span.window.speaking) for span in spans if span.window.speaking is not None]
    return _ratio(sum(length * value for length, value in known), sum(length for length, _ in known))


def relative_of(summary: Values, baseline: Values, labels: Sequence[str]) -> dict[str, float | None]:
    """Difference of two summaries; None where one of the values is."""
    return {
        column.name: _difference(summary.get(column.name), baseline.get(column.name))
        for column in relative_columns(labels)
    }


def _difference(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one - other


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole else None
