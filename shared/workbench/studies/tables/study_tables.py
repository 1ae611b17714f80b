"""Tables of a study. They are long and tidy: one row per observation, one column per variable."""

from collections.abc import Iterable, Iterator, Sequence

from duygu.shared.exports.spans import Span
from duygu.shared.schemas.result import Flag
from duygu.shared.workbench.sheets.columns import LABELS
from duygu.shared.workbench.studies.outcome import Outcome, Unit
from duygu.shared.workbench.studies.recording import Recording, clipped, mean_of
from duygu.shared.workbench.studies.settings import StudySettings
from duygu.shared.workbench.studies.sheet import Marker
from duygu.shared.workbench.studies.tables.columns import (
    FACE,
    IDENTITY,
    LABEL,
    PATH,
    Column,
    count,
    difference,
    seconds,
    share,
    text,
    truth,
)
from duygu.shared.workbench.studies.tables.episodes import episodes_of
from duygu.shared.workbench.studies.tables.summary import relative_columns, relative_of, summary_columns, summary_of
from duygu.shared.workbench.studies.tables.table import Row, Table, Value

CLOCK = "seconds since the start of the stimulus"
ON_STIMULUS = "time of the video - offset_s"

VIDEOS = [
    count("row", "line of study.csv; the header is line 1"),
    PATH,
    *IDENTITY,
    text("status", "whether the recording is in the other tables", values="succeeded, failed"),
    text("error", "code of the error of a failed recording; empty otherwise"),
    text("error_detail", "the error in words"),
    FACE,
    count("faces", "number of faces in the video, without excluded ones"),
    seconds("duration_s", "length of the video"),
    seconds("offset_s", "time of the video at which the stimulus starts, as in study.csv", values=""),
    seconds("start_s", "start of the analysed part, on the clock of the video"),
    seconds("end_s", "end of the analysed part, at most duration_s"),
    text("baseline", "baseline, as in study.csv", values="video, part, empty"),
    text("warnings", "codes of the warnings of the result, separated by |"),
    text("model", "name and version of the model"),
    text("model_sha256", "SHA-256 of the model file"),
    text("video_sha256", "SHA-256 of the video file; empty if unknown"),
    text("baseline_sha256", "SHA-256 of the video of the baseline; empty if it is part of the video itself"),
]

WINDOWS = [
    *IDENTITY,
    PATH,
    FACE,
    seconds("start_s", "start of the window, on the clock of the video"),
    seconds("end_s", "end of the window, on the clock of the video"),
    seconds("stimulus_start_s", f"start of the time that belongs to the window, {CLOCK}", ON_STIMULUS, values=""),
    seconds(
        "stimulus_end_s",
        f"end of the time that belongs to the window, {CLOCK}",
        "windows overlap; each time belongs to the window with the nearest middle",
        values="",
    ),
    text("emotion", "label with the highest probability", values=", ".join(LABELS)),
    share("confidence", "probability of `emotion`", "calibrated output of the model"),
    truth("uncertain", "whether the confidence is below the model's published threshold"),
    text("flags", "conditions that reduce the reliability, separated by |", values=", ".join(Flag)),
]

EPISODES = [
    *IDENTITY,
    PATH,
    FACE,
    LABEL,
    count("episode", "number of the episode of this emotion in the recording, from 1"),
    seconds("start_s", "start, on the clock of the video", "first span at or above `up`"),
    seconds("end_s", "end, on the clock of the video", "end of the last span at or above `down`"),
    seconds("stimulus_start_s", f"start, {CLOCK}", ON_STIMULUS, values=""),
    seconds("stimulus_end_s", f"end, {CLOCK}", ON_STIMULUS, values=""),
    seconds("length_s", "length, with tolerated interruptions", "end_s - start_s"),
    share("mean", "mean probability, without interruptions", "mean over windows, weighted by time"),
    share("peak", "highest probability", "maximum over windows"),
    seconds("peak_stimulus_s", f"time of the highest probability, {CLOCK}", "middle of the window's time", values=""),
]

MARKERS = [
    *IDENTITY,
    text("marker", "name of the marker"),
    seconds("time_s", f"time of the marker, {CLOCK}", values=""),
    seconds("duration_s", "duration of the marker; 0 for a moment"),
    LABEL,
    share("before", "mean probability before the marker", "mean over time_s - around_s to time_s, weighted by time"),
    share("during", "mean probability during the marker", "mean over its duration; at time_s without a duration"),
    share("after", "mean probability after the marker", "mean over around_s from its end, weighted by time"),
    difference("change", "change across the marker", "after - before"),
]

RESERVED = {
    column.name for columns in (VIDEOS, WINDOWS, EPISODES, MARKERS, summary_columns(LABELS)) for column in columns
} | {*LABELS, "speaking"}
"""Names that a free column cannot have."""


def videos_table(outcomes: Iterable[Outcome], free: Sequence[Column]) -> Table:
    """One row per row of study.csv, failed ones included."""
    rows = [{**one.row.free, **_video(one)} for one in outcomes]
    return Table("videos", "One row per row of study.csv.", [*VIDEOS, *free], rows)


def _video(outcome: Outcome) -> Row:
    row, error = outcome.row, outcome.error
    values: dict[str, Value] = {
        "row": row.line,
        "path": row.path_text,
        **_identity(row.participant, row.group, row.stimulus),
        "status": "failed" if error else "succeeded",
        "error": error.code if error else "",
        "error_detail": error.detail if error else "",
        "offset_s": row.offset_s,
    }
    return values if outcome.recording is None else {**values, **_result(outcome.recording)}


def _result(recording: Recording) -> Row:
    result, row = recording.result, recording.row
    return {
        "face": recording.face.face_id if recording.face else None,
        "faces": recording.faces,
        "duration_s": result.video.duration_s,
        "start_s": recording.series.start_s,
        "end_s": recording.series.end_s,
        "baseline": "" if row.baseline is None else "part" if isinstance(row.baseline, tuple) else "video",
        "warnings": "|".join(warning.code for warning in result.warnings),
        "model": f"{result.model.name} {result.model.version}",
        "model_sha256": result.model.sha256,
        "video_sha256": result.video.sha256,
        "baseline_sha256": recording.baseline_sha256,
    }


def windows_table(recordings: Iterable[Recording], labels: Sequence[str], free: Sequence[Column]) -> Table:
    """One row per window of the chosen face."""
    probabilities = [share(label, f"probability of {label}", "calibrated output of the model") for label in labels]
    speaking = share(
        "speaking", "probability that the person speaks; empty where unknown", "from the movements of the mouth"
    )
    rows = [_window(one, span) for one in recordings for span in one.series.spans]
    return Table("windows", "One row per window of the chosen face.", [*WINDOWS, *probabilities, speaking, *free], rows)


def _window(recording: Recording, span: Span) -> Row:
    window, offset_s = span.window, recording.row.offset_s
    return {
        **recording.row.free,
        **_of(recording),
        "start_s": window.start_s,
        "end_s": window.end_s,
        "stimulus_start_s": span.start_s - offset_s,
        "stimulus_end_s": span.end_s - offset_s,
        "emotion": window.emotion,
        "confidence": window.confidence,
        "uncertain": window.uncertain,
        "flags": "|".join(window.flags),
        **window.probabilities,
        "speaking": window.speaking,
    }


def episodes_table(
    recordings: Iterable[Recording], labels: Sequence[str], free: Sequence[Column], settings: StudySettings
) -> Table:
    """One row per episode of an emotion."""
    about = (
        f"One row per episode: a stretch that starts at a probability of {settings.up:g} (up), ends below "
        f"{settings.down:g} (down), continues over interruptions of at most {settings.gap_s:g} s (gap_s), and lasts at "
        f"least {settings.min_length_s:g} s (min_length_s)."
    )
    rows = [row for one in recordings for label in labels for row in _episodes(one, label, settings)]
    return Table("episodes", about, [*EPISODES, *free], rows)


def _episodes(recording: Recording, label: str, settings: StudySettings) -> Iterator[Row]:
    offset_s = recording.row.offset_s
    for index, episode in enumerate(episodes_of(recording.series.spans, label, settings), 1):
        yield {
            **recording.row.free,
            **_of(recording),
            "emotion": label,
            "episode": index,
            "start_s": episode.start_s,
            "end_s": episode.end_s,
            "stimulus_start_s": episode.start_s - offset_s,
            "stimulus_end_s": episode.end_s - offset_s,
            "length_s": episode.length_s,
            "mean": episode.mean,
            "peak": episode.peak,
            "peak_stimulus_s": episode.peak_s - offset_s,
        }


def summary_table(
    units: Iterable[Unit], labels: Sequence[str], free: Sequence[Column], settings: StudySettings
) -> Table:
    """One row per participant and stimulus."""
    about = "One row per participant and stimulus; several recordings of the same stimulus are taken together."
    rows = [{**unit.free(), **_of_unit(unit), **summary_of(unit.series(), labels, settings)} for unit in units]
    return Table("summary", about, [*IDENTITY, *summary_columns(labels), *free], rows)


def relative_table(
    units: Iterable[Unit], labels: Sequence[str], free: Sequence[Column], settings: StudySettings
) -> Table:
    """The summary less the summary of the baselines."""
    about = "One row per participant and stimulus: the summary less that of the baseline; empty without a baseline."
    rows = [{**unit.free(), **_of_unit(unit), **_relative(unit, labels, settings)} for unit in units]
    return Table("summary_relative", about, [*IDENTITY, *relative_columns(labels), *free], rows)


def _relative(unit: Unit, labels: Sequence[str], settings: StudySettings) -> Row:
    baselines = unit.baselines()
    if not baselines:
        return {}
    return relative_of(summary_of(unit.series(), labels, settings), summary_of(baselines, labels, settings), labels)


def markers_table(
    units: Iterable[Unit], markers: Sequence[Marker], labels: Sequence[str], settings: StudySettings
) -> Table:
    """One row per marker, participant, stimulus and emotion."""
    around = f"{settings.around_s:g} s (around_s)"
    about = f"One row per participant, stimulus, marker and emotion; before and after are {around} long."
    rows = [_around(unit, one, label, settings) for unit in units for one in unit.of(markers) for label in labels]
    return Table("markers", about, MARKERS, rows)


def _around(unit: Unit, marker: Marker, label: str, settings: StudySettings) -> Row:
    spans = [span for part in unit.on_stimulus() for span in part.spans]
    start_s, end_s = marker.time_s, marker.time_s + marker.duration_s
    during = (
        clipped(spans, start_s, end_s)
        if marker.duration_s
        else [one for one in spans if one.start_s <= start_s < one.end_s]
    )
    before = mean_of(clipped(spans, start_s - settings.around_s, start_s), label)
    after = mean_of(clipped(spans, end_s, end_s + settings.around_s), label)
    return {
        **_of_unit(unit),
        "marker": marker.name,
        "time_s": marker.time_s,
        "duration_s": marker.duration_s,
        "emotion": label,
        "before": before,
        "during": mean_of(during, label),
        "after": after,
        "change": None if before is None or after is None else after - before,
    }


def _identity(participant: str, group: str, stimulus: str) -> dict[str, Value]:
    return {"participant": participant, "group": group, "stimulus": stimulus}


def _of_unit(unit: Unit) -> dict[str, Value]:
    return _identity(unit.participant, unit.group, unit.stimulus)


def _of(recording: Recording) -> dict[str, Value]:
    row = recording.row
    face = recording.face.face_id if recording.face else None
    return {**_identity(row.participant, row.group, row.stimulus), "path": row.path_text, "face": face}
