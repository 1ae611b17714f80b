"""The rows and markers of a kept study, whose recordings are jobs, and what is wrong with them."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from duygu.shared.schemas.base import JOB_ID
from duygu.shared.schemas.study import MarkerCells, StudyCells, StudyFault
from duygu.shared.workbench.sheets.columns import RESERVED
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

JOB_COLUMN = "job_id"
"""A free column of every export."""


@dataclass(frozen=True, slots=True)
class KeptSheet:
    """The table of a kept study."""

    sheet: Sheet
    markers: Sequence[Marker]
    faults: Sequence[StudyFault]


def parse_kept(rows: Sequence[StudyCells], markers: Sequence[MarkerCells], paths: Mapping[str, str]) -> KeptSheet:
    """Parse the cells.

    paths  names of jobs by their ids, as `paths_of` returns them
    """
    free = free_columns(rows)
    lines = [_line(number, row, paths) for number, row in enumerate(rows, 1)]
    ids = {name: job_id for job_id, name in paths.items()}
    parsed = [parse_row(line, lambda text: Path(ids.get(text, text)), free) for line in lines]
    for line, row in zip(lines, parsed, strict=True):
        if isinstance(row.baseline, Path) and not JOB_ID.fullmatch(str(row.baseline)):
            line.fault("baseline", FaultCode.UNKNOWN_BASELINE, "is neither a part such as 0-10 nor a job")
    faults = [*reserved_faults(free, RESERVED | {JOB_COLUMN}), *_of(lines), *faults_across(parsed)]
    marks = [Line(number, one.model_dump()) for number, one in enumerate(markers, 1)]
    events = [parse_marker(line, parsed) for line in marks]
    return KeptSheet(
        Sheet([_kept_row(row) for row in parsed], [JOB_COLUMN, *free]),
        events,
        [*_shown("rows", faults), *_shown("markers", _of(marks))],
    )


def _line(number: int, row: StudyCells, paths: Mapping[str, str]) -> Line:
    cells = row.model_dump(exclude={"job_id", "free"})
    return Line(number, {**row.free, **cells, "path": paths.get(row.job_id, row.job_id)})


def _kept_row(row: StudyRow) -> StudyRow:
    """The row with its line in the exported study.csv, whose header is line 1."""
    return replace(row, line=row.line + 1, free={JOB_COLUMN: row.path.name, **row.free})


def free_columns(rows: Iterable[StudyCells]) -> list[str]:
    """Names of the further columns of all rows, in their order."""
    return list(dict.fromkeys(name for row in rows for name in row.free))


def _of(lines: Iterable[Line]) -> Iterator[Fault]:
    return (fault for line in lines for fault in line.faults)


def _shown(table: Literal["rows", "markers"], faults: Iterable[Fault]) -> Iterator[StudyFault]:
    for one in faults:
        yield StudyFault(table=table, row=one.line or None, column=one.column, code=one.code, message=one.text)


def jobs_of(rows: Iterable[StudyCells]) -> list[str]:
    """Ids of the jobs of a study, each once, with those that a baseline names by its id."""
    rows = list(rows)
    baselines = (row.baseline for row in rows if JOB_ID.fullmatch(row.baseline))
    return list(dict.fromkeys([*(row.job_id for row in rows), *baselines]))


def paths_of(titles: Mapping[str, str]) -> dict[str, str]:
    """Distinct names of jobs: their titles, with the id where several have the same title, or the id without one."""
    counts = Counter(titles.values())
    return {
        job_id: job_id if not title else title if counts[title] == 1 else f"{title} ({job_id})"
        for job_id, title in titles.items()
    }
