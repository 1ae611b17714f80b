"""Tables that describe a study as files: study.csv with a row per recording, and the CSV of its markers."""

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

from duygu.shared.errors import InvalidStudyError, UnreadableFileError
from duygu.shared.workbench.sheets.columns import INPUTS, MARKER_COLUMNS
from duygu.shared.workbench.sheets.line import Fault, FaultCode, Line
from duygu.shared.workbench.sheets.rows import (
    Marker,
    Sheet,
    StudyRow,
    faults_across,
    parse_marker,
    parse_row,
    reserved_faults,
)

__all__ = ["Marker", "Sheet", "StudyRow", "read_markers", "read_sheet"]

MAX_BYTES = 20_000_000
"""Maximum size of a table."""

SHOWN = 20
"""Faults that one error lists."""


def read_sheet(path: Path, reserved: Iterable[str] = ()) -> Sheet:
    """Read study.csv; its separator is a comma, a semicolon or a tab.

    reserved  names that a free column cannot have, as columns of the output have them

    Raises InvalidStudyError with the row, the column, the value and the bound of each fault, and UnreadableFileError.
    """
    columns, lines, faults = _read(path, ("path", "participant"))
    free = [column for column in columns if column not in INPUTS]
    faults += reserved_faults(free, reserved)
    rows = [parse_row(line, path.parent.joinpath, free) for line in lines]
    faults += [fault for line in lines for fault in line.faults]
    faults += faults_across(rows)
    _check(path, faults)
    return Sheet(rows, free)


def read_markers(path: Path, sheet: Sheet) -> list[Marker]:
    """Read the CSV of markers, each with a participant, a stimulus, or both of the study.

    Raises InvalidStudyError and UnreadableFileError as `read_sheet`.
    """
    columns, lines, faults = _read(path, ("time_s", "name"))
    unknown = [column for column in columns if column not in MARKER_COLUMNS]
    faults += [Fault(f"column {column} is unknown; known: {', '.join(MARKER_COLUMNS)}") for column in unknown]
    markers = [parse_marker(line, sheet.rows) for line in lines]
    faults += [fault for line in lines for fault in line.faults]
    _check(path, faults)
    return markers


def _check(path: Path, faults: Sequence[Fault]) -> None:
    if faults:
        more = [f"… and {len(faults) - SHOWN} more"] if len(faults) > SHOWN else []
        texts = [fault.text for fault in faults[:SHOWN]]
        raise InvalidStudyError("\n".join([f"{path}: the table is invalid", *texts, *more]))


def _read(path: Path, required: Sequence[str]) -> tuple[list[str], list[Line], list[Fault]]:
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
    faults = [Fault(f"column {name} is missing") for name in required if name not in columns]
    faults += [Fault(f"column {name} occurs twice") for name in dict.fromkeys(columns) if columns.count(name) > 1]
    lines = [_line(number, row, columns) for number, row in enumerate(cells[1:], 2) if any(row)]
    if not lines:
        faults.append(Fault("the table has no rows"))
    return columns, lines, faults


def _line(number: int, cells: Sequence[str], columns: Sequence[str]) -> Line:
    line = Line(number, dict(zip(columns, cells, strict=False)))
    if len(cells) > len(columns):
        text = f"row {number} has {len(cells)} fields, but the header has {len(columns)}"
        line.add(text, FaultCode.OF_THE_TABLE)
    return line


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise InvalidStudyError(f"{path}: the table is larger than {MAX_BYTES} bytes")
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        text = f"{path}: the table is not UTF-8: byte {error.start} is invalid; save it as CSV UTF-8"
        raise InvalidStudyError(text) from error
    except OSError as error:
        raise UnreadableFileError(f"{path}: {error.strerror}") from error


def _column(name: str, place: int) -> str:
    lower = name.lower()
    return lower if lower in INPUTS or lower in MARKER_COLUMNS else name or f"column_{place}"
