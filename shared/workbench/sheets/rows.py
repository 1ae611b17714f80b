"""The rows of a study, parsed from the lines of its table."""

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from duygu.shared.workbench.sheets.line import Fault, FaultCode, Line

SPAN = re.compile(r"(\d+(?:[.,]\d+)?)\s*[-\u2013]\s*(\d+(?:[.,]\d+)?)")
"""A baseline that is a part of the video itself, as in `0-10`."""

LONGEST_ID = 9
"""Digits of a face_id; a longer number is a name."""


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


def parse_row(line: Line, locate: Callable[[str], Path], free: Iterable[str]) -> StudyRow:
    """The row of a line; its faults are added to the line.

    locate  the file that a path of the table names
    """
    start_s = line.number_of("start_s", 0.0) or 0.0
    end_s = line.number_of("end_s", None)
    if end_s is not None and end_s <= start_s:
        line.fault("end_s", FaultCode.END_NOT_AFTER_START, f"is not above start_s {start_s:g}")
    line.required("path")
    path_text = line.cells.get("path", "")  # as it is, since file systems distinguish normal forms
    return StudyRow(
        line=line.number,
        path=locate(path_text),
        path_text=path_text,
        participant=line.required("participant"),
        group=line.get("group"),
        stimulus=line.get("stimulus"),
        offset_s=line.number_of("offset_s", 0.0, -math.inf) or 0.0,
        start_s=start_s,
        end_s=end_s,
        baseline=_baseline(line, locate),
        face=_face(line),
        free={name: line.get(name) for name in free},
    )


def _baseline(line: Line, locate: Callable[[str], Path]) -> tuple[float, float] | Path | None:
    value = line.get("baseline")
    if not value:
        return None
    if not (span := SPAN.fullmatch(value)):
        return locate(line.cells["baseline"])
    start_s, end_s = (float(part.replace(",", ".")) for part in span.groups())
    if start_s >= end_s:
        line.fault("baseline", FaultCode.END_NOT_AFTER_START, "does not end after its start")
    return start_s, end_s


def _face(line: Line) -> int | str | None:
    value = line.get("face")
    if value.isdecimal() and len(value) <= LONGEST_ID:
        if int(value) < 1:
            line.fault("face", FaultCode.BELOW_MINIMUM, "is below the lowest face_id of 1")
        return int(value)
    return value or None


def faults_across(rows: Sequence[StudyRow]) -> Iterator[Fault]:
    """Rows that repeat another one, and participants of two groups."""
    yield from _repeated(rows)
    yield from _in_two_groups(rows)


def _repeated(rows: Iterable[StudyRow]) -> Iterator[Fault]:
    seen: dict[tuple[object, ...], int] = {}
    for row in rows:
        key = (row.path, row.participant, row.stimulus, row.start_s, row.end_s, row.face)
        first = seen.setdefault(key, row.line)
        if first != row.line:
            text = f"row {row.line} repeats row {first}: the same participant, stimulus and part of the same video"
            yield Fault(text, FaultCode.REPEATED_ROW, row.line)


def _in_two_groups(rows: Iterable[StudyRow]) -> Iterator[Fault]:
    groups: dict[str, StudyRow] = {}
    for row in rows:
        first = groups.setdefault(row.participant, row)
        if first.group != row.group:
            text = (
                f"row {row.line}, column group: participant `{row.participant}` is in group `{row.group}`, but in row "
                f"{first.line} in group `{first.group}`"
            )
            yield Fault(text, FaultCode.TWO_GROUPS, row.line, "group")


def reserved_faults(names: Iterable[str], taken: Iterable[str]) -> list[Fault]:
    """Free columns with a name that the output has."""
    taken = set(taken)
    text = "column {}: the name is a column of the output; rename it"
    return [Fault(text.format(name), FaultCode.RESERVED_COLUMN, column=name) for name in names if name in taken]


def parse_marker(line: Line, rows: Sequence[StudyRow]) -> Marker:
    """The marker of a line; its faults are added to the line."""
    if not line.get("participant") and not line.get("stimulus"):
        line.add(f"row {line.number}: a participant or a stimulus is required", FaultCode.REQUIRED, "participant")
    for column in ("participant", "stimulus"):
        known = {getattr(row, column) for row in rows}
        if line.get(column) and line.get(column) not in known:
            line.fault(column, FaultCode.NOT_IN_STUDY, "is not in study.csv")
    line.required("time_s")
    return Marker(
        name=line.required("name"),
        time_s=line.number_of("time_s", 0.0, -math.inf) or 0.0,
        duration_s=line.number_of("duration_s", 0.0) or 0.0,
        participant=line.get("participant"),
        stimulus=line.get("stimulus"),
    )
