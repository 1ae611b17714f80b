"""Studies in the current process: the tables of `duygu study` as data frames, for scripts and notebooks."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from duygu.services.commands.study import StudyFiles, make_study
from duygu.shared.config.settings import Settings
from duygu.shared.errors import ConfigurationError
from duygu.shared.workbench.studies.output import statistics_of, write_study
from duygu.shared.workbench.studies.settings import StudySettings
from duygu.shared.workbench.studies.study import Study
from duygu.shared.workbench.studies.tables.columns import Column, Kind
from duygu.shared.workbench.studies.tables.table import Table

if TYPE_CHECKING:
    import pandas

TYPES = {Kind.TEXT: "object", Kind.NUMBER: "float64", Kind.INTEGER: "Int64", Kind.TRUTH: "boolean"}
"""Types of pandas; a missing number is NaN, and any other missing value NA or None."""


@dataclass(frozen=True)
class StudyAnalysis:
    """The rows of a study with their results. The tables are described in docs/studies.md."""

    study: Study

    @cached_property
    def tables(self) -> dict[str, pandas.DataFrame]:
        """All tables by name; the meaning, unit and range of each column are in `frame.attrs["columns"]`."""
        return {table.name: _frame(table) for table in statistics_of(self.study).tables}

    def __getitem__(self, name: str) -> pandas.DataFrame:
        """A table. Raises KeyError for an unknown name."""
        return self.tables[name]

    @property
    def errors(self) -> list[tuple[str, str, str]]:
        """Path, error code and detail of each row that failed."""
        return [(one.row.path_text, one.error.code, one.error.detail) for one in self.study.outcomes if one.error]

    def save(self, folder: Path | str) -> list[Path]:
        """Write tables, figures, report and code book as `duygu study` does; the files. Raises OSError."""
        return write_study(self.study, Path(folder))


def study(
    sheet: Path | str,
    output: Path | str | None = None,
    *,
    results: Path | str | None = None,
    service: str | None = None,
    markers: Path | str | None = None,
    settings: Settings | None = None,
    **chosen: float,
) -> StudyAnalysis:
    """Analyse the videos of a table, or take their results, and return tables over all of them.

    sheet     study.csv
    output    folder for the results of the analysis; a video that has a current one is not analysed again
    results   folder of results that exist; nothing is analysed, and no output is needed
    service   URL of a running service that analyses the videos; its API key is in DUYGU_API_KEY
    markers   table of events
    settings  of the analysis; default: those of the environment
    chosen    of duygu.shared.workbench.studies.settings.StudySettings: `up`, `down`, `min_length_s`, `gap_s`, …

    Raises InvalidStudyError for an invalid table or setting, UnreadableFileError, ConfigurationError, and ModelError.
    """
    folder = output or results
    if folder is None:
        raise ConfigurationError("name an output folder for the results of the analysis, or a folder of results")
    key = os.environ.get("DUYGU_API_KEY")
    files = StudyFiles(Path(sheet), Path(folder), _path(markers), _path(results), service=service, key=key)
    study_settings = StudySettings(**chosen)  # type: ignore[arg-type]
    return StudyAnalysis(make_study(files, study_settings, settings or Settings(), Console(stderr=True, quiet=True)))


def _path(path: Path | str | None) -> Path | None:
    return None if path is None else Path(path)


def _frame(table: Table) -> pandas.DataFrame:
    import pandas

    frame = pandas.DataFrame(
        {column.name: pandas.array(table.values(column), TYPES[column.kind]) for column in table.columns}
    )
    frame.attrs = {"about": table.about, "columns": _described(table.columns)}
    return frame


def _described(columns: Sequence[Column]) -> dict[str, dict[str, str]]:
    return {one.name: {"meaning": one.meaning, "unit": one.unit, "range": one.range} for one in columns}
