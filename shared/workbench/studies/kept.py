"""A study whose recordings are jobs of a service."""

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from duygu.shared.errors import InvalidStudyError
from duygu.shared.schemas.result import Result
from duygu.shared.workbench.sheets.columns import INPUTS, MARKER_COLUMNS
from duygu.shared.workbench.sheets.exports import ExportOrder
from duygu.shared.workbench.sheets.kept import KeptSheet, free_columns, parse_kept
from duygu.shared.workbench.studies.settings import StudySettings
from duygu.shared.workbench.studies.study import Study, outcomes_of


def kept_study(order: ExportOrder, result_of: Callable[[Path], Result]) -> Study:
    """The study of an order.

    result_of  the result of the job whose id is the path; raises DuyguError

    Raises InvalidStudyError.
    """
    kept = _parsed(order)
    if kept.faults:
        raise InvalidStudyError("\n".join(fault.message for fault in kept.faults))
    settings = StudySettings(**order.settings.chosen())  # type: ignore[arg-type]
    return Study(kept.sheet, outcomes_of(kept.sheet, result_of), kept.markers, settings)


def _parsed(order: ExportOrder) -> KeptSheet:
    return parse_kept(order.rows, order.markers, {one.job_id: one.path for one in order.jobs})


def write_description(order: ExportOrder, folder: Path) -> None:
    """Write study.csv and, in a study with markers, markers.csv: the tables as `duygu study` reads them."""
    paths, free = {one.job_id: one.path for one in order.jobs}, free_columns(order.rows)
    columns = [*INPUTS, "job_id", *free]
    cells = [{**row.free, **row.model_dump(exclude={"free"}), "path": paths[row.job_id]} for row in order.rows]
    _write(folder / "study.csv", columns, cells)
    if order.markers:
        _write(folder / "markers.csv", MARKER_COLUMNS, [one.model_dump() for one in order.markers])


def _write(path: Path, columns: Sequence[str], rows: Iterable[dict[str, str]]) -> None:
    content = io.StringIO()
    writer = csv.DictWriter(content, columns)
    writer.writeheader()
    writer.writerows(rows)
    path.write_text(content.getvalue(), encoding="utf-8", newline="")
