"""Tables that describe a study: study.csv with a row per recording, and the CSV of its markers."""

import csv
import io
import math
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from duygu.shared.errors import InvalidStudyError, UnreadableFileError
from duygu.shared.studies.tables.columns import INPUTS

MAX_BYTES = 20_000_000
"""Maximum size of a table."""

SHOWN = 20
"""Faults that one error lists."""

LONGEST = 60
"""Characters of a value that an error quotes."""

SPAN = re.compile(r"(\d+(?:\.\d+)?)\s*[-\u2013]\s*(\d+(?:\.\d+)?)")
"""A baseline that is a part of the video itself, as in `0-10`."""

MARKER_COLUMNS = ("participant", "stimulus", "time_s", "duration_s", "name")


@dataclass(frozen=True, slots=True)
class StudyRow:
    """One recording of a study. Times are seconds of the video, from its first frame."""

    line: int
    """Line of study.csv; the header is line 1."""
    path: Path
    path_text: str
    """The path as study.csv has it."""
    participant: str
    group: str = ""
    stimulus: str = ""
    offset_s: float = 0.0
    """Time of the video at which the stimulus starts; negative if it started before the video."""
    start_s: float = 0.0
    end_s: float | None = None
    baseline: tuple[float, float] | Path | None = None
    """Part of the video, or another video, that shows the participant at rest."""
    face: int | str | None = None
    """face_id or name; None selects the face with the longest time."""
    free: Mapping[str, str] = field(default_factory=dict)
    """Values of the free columns."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """The rows of a study."""

    rows: Sequence[StudyRow]
    free: Sequence[str] = ()
    """Names of the free columns, in their order."""


@dataclass(frozen=True, slots=True)
class Marker:
    """An event: of a participant, of a stimulus, or of both. An empty field means every one."""

    name: str
    time_s: float
    """Seconds on the clock of the stimulus."""
    duration_s: float = 0.0
    participant: str = ""
    stimulus: str = ""


@dataclass(frozen=True, slots=True)
class _Line:
    """The fields of one line by column."""

    number: int
    fields: Mapping[str, str]
    faults: list[str]

    def get(self, column: str) -> str:
        return unicodedata.normalize("NFC", self.fields.get(column, ""))

    def fault(self, column: str, message: str) -> None:
        value = self.get(column)
        shown = value if len(value) <= LONGEST else f"{value[:LONGEST]}…"
        self.faults.append(f"row {self.number}, column {column}: `{shown}` {message}")

    def required(self, column: str) -> str:
        if not self.get(column):
            self.faults.append(f"row {self.number}, column {column}: a value is required")
        return self.get(column)

    def number_of(self, column: str, default: float | None, low: float = 0.0) -> float | None:
        """A number of seconds of at least `low`."""
        if not self.get(column):
            return default
        try:
            value = float(self.get(column))
        except ValueError:
            self.fault(column, "is not a number of seconds, such as 12.5")
            return default
        if not (low <= value and math.isfinite(value)):
            below = value < low and math.isfinite(value)
            self.fault(column, f"is below the minimum of {low:g}" if below else "is not a finite number of seconds")
            return default
        return value


def read_sheet(path: Path, reserved: Iterable[str] = ()) -> Sheet:
    """Read study.csv; its separator is a comma, a semicolon or a tab.

    reserved  names that a free column cannot have, as columns of the output have them

    Raises InvalidStudyError with the row, the column, the value and the bound of each fault, and UnreadableFileError.
    """
    columns, lines, faults = _read(path, ("path", "participant"))
    free = [column for column in columns if column not in INPUTS]
    taken = set(reserved)
    faults += [f"column {column}: the name is a column of the output; rename it" for column in free if column in taken]
    rows = [_row(line, path.parent, free) for line in lines]
    faults += [fault for line in lines for fault in line.faults]
    faults += [*_repeated(rows), *_in_two_groups(rows)]
    _check(path, faults)
    return Sheet(rows, free)


def read_markers(path: Path, sheet: Sheet) -> list[Marker]:
    """Read the CSV of markers, each with a participant, a stimulus, or both of the study.

    Raises InvalidStudyError and UnreadableFileError as `read_sheet`.
    """
    columns, lines, faults = _read(path, ("time_s", "name"))
    unknown = [column for column in columns if column not in MARKER_COLUMNS]
    faults += [f"column {column} is unknown; known: {', '.join(MARKER_COLUMNS)}" for column in unknown]
    markers = [_marker(line, sheet) for line in lines]
    faults += [fault for line in lines for fault in line.faults]
    _check(path, faults)
    return markers


def _check(path: Path, faults: Sequence[str]) -> None:
    if faults:
        more = [f"… and {len(faults) - SHOWN} more"] if len(faults) > SHOWN else []
        raise InvalidStudyError("\n".join([f"{path}: the table is invalid", *faults[:SHOWN], *more]))


def _read(path: Path, required: Sequence[str]) -> tuple[list[str], list[_Line], list[str]]:
    """Columns, non-empty lines, and the faults of the header."""
    text = _text(path)
    header = text.split("\n", 1)[0]
    separator = max(",;\t", key=header.count)
    try:
        reader = csv.reader(io.StringIO(text), delimiter=separator, strict=True)
        cells = [[cell.strip() for cell in row] for row in reader]
    except csv.Error as error:
        raise InvalidStudyError(f"{path}: the table is not CSV: {error}") from error
    columns = [_column(name, place) for place, name in enumerate(cells[0] if cells else [], 1)]
    faults = [f"column {name} is missing" for name in required if name not in columns]
    faults += [f"column {name} occurs twice" for name in dict.fromkeys(columns) if columns.count(name) > 1]
    lines = [_line(number, row, columns) for number, row in enumerate(cells[1:], 2) if any(row)]
    if not lines:
        faults.append("the table has no rows")
    return columns, lines, faults


def _line(number: int, cells: Sequence[str], columns: Sequence[str]) -> _Line:
    line = _Line(number, dict(zip(columns, cells, strict=False)), [])
    if len(cells) > len(columns):
        line.faults.append(f"row {number} has {len(cells)} fields, but the header has {len(columns)}")
    return line


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise InvalidStudyError(f"{path}: the table is larger than {MAX_BYTES} bytes")
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidStudyError(f"{path}: the table is not UTF-8: byte {error.start} is invalid") from error
    except OSError as error:
        raise UnreadableFileError(f"{path}: {error.strerror}") from error


def _column(name: str, place: int) -> str:
    lower = name.lower()
    return lower if lower in INPUTS or lower in MARKER_COLUMNS else name or f"column_{place}"


def _row(line: _Line, folder: Path, free: Iterable[str]) -> StudyRow:
    start_s = line.number_of("start_s", 0.0) or 0.0
    end_s = line.number_of("end_s", None)
    if end_s is not None and end_s <= start_s:
        line.fault("end_s", f"is not above start_s {start_s:g}")
    line.required("path")
    path_text = line.fields.get("path", "")  # as it is, since file systems distinguish normal forms
    return StudyRow(
        line=line.number,
        path=folder / path_text,
        path_text=path_text,
        participant=line.required("participant"),
        group=line.get("group"),
        stimulus=line.get("stimulus"),
        offset_s=line.number_of("offset_s", 0.0, -math.inf) or 0.0,
        start_s=start_s,
        end_s=end_s,
        baseline=_baseline(line, folder),
        face=_face(line),
        free={name: line.get(name) for name in free},
    )


def _baseline(line: _Line, folder: Path) -> tuple[float, float] | Path | None:
    value = line.get("baseline")
    if not value:
        return None
    if not (span := SPAN.fullmatch(value)):
        return folder / line.fields["baseline"]
    start_s, end_s = float(span[1]), float(span[2])
    if start_s >= end_s:
        line.fault("baseline", "does not end after its start")
    return start_s, end_s


def _face(line: _Line) -> int | str | None:
    value = line.get("face")
    if value.isdecimal():
        if int(value) < 1:
            line.fault("face", "is below the lowest face_id of 1")
        return int(value)
    return value or None


def _repeated(rows: Iterable[StudyRow]) -> Iterator[str]:
    seen: dict[tuple[object, ...], int] = {}
    for row in rows:
        key = (row.path, row.participant, row.stimulus, row.start_s, row.end_s, row.face)
        first = seen.setdefault(key, row.line)
        if first != row.line:
            yield f"row {row.line} repeats row {first}: the same participant, stimulus and part of the same video"


def _in_two_groups(rows: Iterable[StudyRow]) -> Iterator[str]:
    groups: dict[str, StudyRow] = {}
    for row in rows:
        first = groups.setdefault(row.participant, row)
        if first.group != row.group:
            yield (
                f"row {row.line}, column group: participant `{row.participant}` is in group `{row.group}`, but in row "
                f"{first.line} in group `{first.group}`"
            )


def _marker(line: _Line, sheet: Sheet) -> Marker:
    if not line.get("participant") and not line.get("stimulus"):
        line.faults.append(f"row {line.number}: a participant or a stimulus is required")
    for column in ("participant", "stimulus"):
        known = {getattr(row, column) for row in sheet.rows}
        if line.get(column) and line.get(column) not in known:
            line.fault(column, "is not in study.csv")
    line.required("time_s")
    return Marker(
        name=line.required("name"),
        time_s=line.number_of("time_s", 0.0, -math.inf) or 0.0,
        duration_s=line.number_of("duration_s", 0.0) or 0.0,
        participant=line.get("participant"),
        stimulus=line.get("stimulus"),
    )
