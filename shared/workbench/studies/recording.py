"""One recording of a study: the spans of the chosen face, and those of the baseline."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from duygu.shared.errors import InvalidStudyError, UnknownFaceError
from duygu.shared.exports.spans import Span, spans_of
from duygu.shared.schemas.result import Face, Result
from duygu.shared.workbench.edits.editing import visible
from duygu.shared.workbench.studies.sheet import StudyRow


@dataclass(frozen=True, slots=True)
class Series:
    """Non-overlapping spans of one face in order of time, and the part of the video they are from."""

    start_s: float
    end_s: float
    spans: Sequence[Span]

    @property
    def length_s(self) -> float:
        """Length of the part, with and without a face."""
        return self.end_s - self.start_s

    def shifted(self, offset_s: float) -> "Series":
        """The same on a clock that starts at `offset_s`."""
        spans = [replace(one, start_s=one.start_s - offset_s, end_s=one.end_s - offset_s) for one in self.spans]
        return Series(self.start_s - offset_s, self.end_s - offset_s, spans)


@dataclass(frozen=True, slots=True)
class Recording:
    """A row of study.csv with its result."""

    row: StudyRow
    result: Result
    """Without its faces, which are large."""
    faces: int
    """Number of faces in the video, without excluded ones."""
    face: Face | None
    """The chosen face; None if no face has a window in the part."""
    series: Series
    """On the clock of the video."""
    baseline: Series | None = None
    baseline_sha256: str | None = None
    """Of the video of the baseline; None if it is a part of the recording itself or unknown."""

    @property
    def on_stimulus(self) -> Series:
        """The series on the clock of the stimulus."""
        return self.series.shifted(self.row.offset_s)


def record(row: StudyRow, result: Result, baseline: Result | None = None) -> Recording:
    """Choose the face of a row and the parts of its video.

    baseline  result of the video that `row.baseline` names

    Raises UnknownFaceError or InvalidStudyError if the face does not exist, and InvalidStudyError for a part or a
    stimulus that starts after the end of the video.
    """
    result = visible(result)
    _require_within(result, "offset_s", row.offset_s)
    start_s, end_s = _part(result, "start_s", row.start_s, row.end_s)
    face = _face(result, row.face, start_s, end_s)
    recording = Recording(
        row,
        result.model_copy(update={"faces": []}),
        len(result.faces),
        face.model_copy(update={"positions": []}) if face else None,
        _series(face, start_s, end_s),
    )
    if isinstance(row.baseline, tuple):
        return replace(recording, baseline=_series(face, *_part(result, "baseline", *row.baseline)))
    if baseline is None:
        return recording
    rest = visible(baseline)
    end_s = rest.video.duration_s
    series = _series(_longest(rest, 0.0, end_s), 0.0, end_s)
    return replace(recording, baseline=series, baseline_sha256=rest.video.sha256)


def _require_within(result: Result, column: str, time_s: float) -> None:
    duration_s = result.video.duration_s
    if time_s >= duration_s:
        raise InvalidStudyError(f"{column} {time_s:g} is not below the video's length of {duration_s:g} s")


def _part(result: Result, column: str, start_s: float, end_s: float | None) -> tuple[float, float]:
    _require_within(result, column, start_s)
    duration_s = result.video.duration_s
    return start_s, duration_s if end_s is None else min(end_s, duration_s)


def _face(result: Result, wanted: int | str | None, start_s: float, end_s: float) -> Face | None:
    if wanted is None:
        return _longest(result, start_s, end_s)
    for face in result.faces:
        if wanted in (face.face_id, face.name):
            return face
    if isinstance(wanted, int):
        raise UnknownFaceError(wanted, [face.face_id for face in result.faces])
    names = ", ".join(f"`{face.name}`" for face in result.faces if face.name) or "none"
    raise InvalidStudyError(f"no face has the name `{wanted}`; known: {names}")


def _longest(result: Result, start_s: float, end_s: float) -> Face | None:
    """The face with the longest time in windows; the first of several."""
    times = {face.face_id: length_of(clipped(spans_of(face), start_s, end_s)) for face in result.faces}
    face = max(result.faces, key=lambda one: times[one.face_id], default=None)
    return face if face and times[face.face_id] > 0 else None


def _series(face: Face | None, start_s: float, end_s: float) -> Series:
    return Series(start_s, end_s, clipped(spans_of(face), start_s, end_s) if face else [])


def clipped(spans: Iterable[Span], start_s: float, end_s: float) -> list[Span]:
    """The parts of spans between two times."""
    parts = (Span(max(span.start_s, start_s), min(span.end_s, end_s), span.window) for span in spans)
    return [part for part in parts if part.end_s > part.start_s]


def length_of(spans: Iterable[Span]) -> float:
    """Total length in seconds."""
    return sum((span.end_s - span.start_s for span in spans), 0.0)


def mean_of(spans: Iterable[Span], label: str) -> float | None:
    """Mean probability of a label, weighted by time; None without a window that has it."""
    pairs = [
        (span.end_s - span.start_s, span.window.probabilities[label])
        for span in spans
        if label in span.window.probabilities
    ]
    total = sum(length for length, _ in pairs)
    return sum(length * value for length, value in pairs) / total if total else None
