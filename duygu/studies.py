"""Studies in the current process: the tables of `duygu study` as data frames, for scripts and notebooks."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from duygu.services.commands.study.command import FRAMES, StudyFiles, make_study, strip_maker
from duygu.shared.config.settings import Settings
from duygu.shared.errors import ConfigurationError
from duygu.shared.schemas.options import read_options
from duygu.shared.workbench.studies.output import MakeStrips, no_frames, statistics_of, write_study
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
    filming: MakeStrips = no_frames
    """Makes the frames of the report."""
    films: Mapping[str, Path] = field(default_factory=dict)
    """Files of stimuli, by name, whose frames are shown instead of those of recordings."""

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
        """Write tables, figures, report and code book as `duygu study` does; the files.

        The report shows frames of the videos that can be read. Raises OSError and, for covered faces, ModelError.
        """
        return write_study(self.study, Path(folder), make_strips=self.filming, films=self.films)


def study(
    sheet: Path | str,
    output: Path | str | None = None,
    *,
    results: Path | str | None = None,
    service: str | None = None,
    markers: Path | str | None = None,
    settings: Settings | None = None,
    labels: Sequence[str] | None = None,
    measures: Sequence[str] | None = None,
    frames: str = "shown",
    films: Mapping[str, Path | str] | None = None,
    **chosen: float,
) -> StudyAnalysis:
    """Analyse the videos of a table, or take their results, and return tables over all of them.

    sheet     study.csv
    output    folder for the results of the analysis; a video that has a current one is not analysed again
    results   folder of results that exist; nothing is analysed, and no output is needed
    service   URL of a running service that analyses the videos; its API key is in DUYGU_API_KEY
    markers   table of events
    settings  of the analysis; default: those of the environment
    labels    report only these labels, and all others as `other`
    measures  besides emotions: `movements`, which speaking is part of
    frames    faces in the frames of the report: `shown`, `covered`, or `none` for a report without frames
    films     files of stimuli by name, whose frames are shown instead of those of recordings
    chosen    of duygu.shared.workbench.studies.settings.StudySettings: `up`, `down`, `min_length_s`, `gap_s`, …

    Raises InvalidStudyError for an invalid table or setting, InvalidOptionError and InvalidLabelsError for labels and
    measures, UnreadableFileError, ConfigurationError, and ModelError.
    """
    folder = output or results
    if folder is None:
        raise ConfigurationError("name an output folder for the results of the analysis, or a folder of results")
    key = os.environ.get("DUYGU_API_KEY")
    if frames not in FRAMES:
        raise ConfigurationError(f"frames {frames!r}: known are {', '.join(FRAMES)}")
    files = StudyFiles(
        Path(sheet),
        Path(folder),
        _path(markers),
        _path(results),
        read_options({"labels": labels, "measures": measures}),
        service,
        key,
        frames,
        {name: Path(path) for name, path in (films or {}).items()},
    )
    study_settings = StudySettings(**chosen)  # type: ignore[arg-type]
    settings = settings or Settings()
    made = make_study(files, study_settings, settings, Console(stderr=True, quiet=True))
    return StudyAnalysis(made, strip_maker(frames, settings), files.films)


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
