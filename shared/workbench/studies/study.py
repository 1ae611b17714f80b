"""A study: its rows with their results, and the tables that follow from them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from duygu.shared.errors import DuyguError, from_code
from duygu.shared.schemas.result import Result
from duygu.shared.workbench.sheets.columns import LABELS
from duygu.shared.workbench.studies.outcome import Outcome, RowError, Unit, units_of
from duygu.shared.workbench.studies.recording import Recording, record
from duygu.shared.workbench.studies.settings import DEFAULTS, StudySettings
from duygu.shared.workbench.studies.sheet import Marker, Sheet, StudyRow
from duygu.shared.workbench.studies.tables.columns import free
from duygu.shared.workbench.studies.tables.speaking import has_speech, speaking_table
from duygu.shared.workbench.studies.tables.study_tables import (
    episodes_table,
    markers_table,
    relative_table,
    summary_table,
    videos_table,
    windows_table,
)
from duygu.shared.workbench.studies.tables.table import Table


@dataclass(frozen=True)
class Study:
    """All rows of a study with their recordings or errors."""

    sheet: Sheet
    outcomes: Sequence[Outcome]
    markers: Sequence[Marker] = ()
    settings: StudySettings = DEFAULTS

    @cached_property
    def recordings(self) -> list[Recording]:
        """The recordings of the rows that did not fail."""
        return [one.recording for one in self.outcomes if one.recording]

    @cached_property
    def units(self) -> list[Unit]:
        """The recordings by participant and stimulus."""
        return units_of(self.recordings)

    @cached_property
    def labels(self) -> list[str]:
        """The labels of the models of all recordings."""
        found = {label for one in self.recordings for label in one.result.model.labels}
        return [*(label for label in LABELS if label in found), *sorted(found.difference(LABELS))]

    @cached_property
    def tables(self) -> list[Table]:
        """The tables, `summary_speaking` only where speech is known, and `markers` only in a study with markers."""
        labels, settings = self.labels, self.settings
        columns = [free(name, (row.free.get(name, "") for row in self.sheet.rows)) for name in self.sheet.free]
        markers = [markers_table(self.units, self.markers, labels, settings)] if self.markers else []
        speaking = [speaking_table(self.units, labels, columns)] if has_speech(self.units) else []
        return [
            videos_table(self.outcomes, columns),
            windows_table(self.recordings, labels, columns),
            episodes_table(self.recordings, labels, columns, settings),
            summary_table(self.units, labels, columns, settings),
            relative_table(self.units, labels, columns, settings),
            *speaking,
            *markers,
        ]


def videos_of(sheet: Sheet) -> list[Path]:
    """The videos of a study, each once, with those of baselines."""
    return list(dict.fromkeys(path for row in sheet.rows for path in _paths(row)))


def _paths(row: StudyRow) -> Iterator[Path]:
    yield row.path
    if isinstance(row.baseline, Path):
        yield row.baseline


def outcomes_of(
    sheet: Sheet, result_of: Callable[[Path], Result], failed: Mapping[Path, RowError] | None = None
) -> list[Outcome]:
    """Recordings of all rows. An error of one row does not affect the others.

    result_of  the result of a video; raises DuyguError
    failed     videos that could not be analysed
    """
    return [_outcome(row, result_of, failed or {}) for row in sheet.rows]


def _outcome(row: StudyRow, result_of: Callable[[Path], Result], failed: Mapping[Path, RowError]) -> Outcome:
    try:
        for path in _paths(row):
            if error := failed.get(path):
                raise from_code(error.code, error.detail)
        baseline = result_of(row.baseline) if isinstance(row.baseline, Path) else None
        return Outcome(row, record(row, result_of(row.path), baseline))
    except DuyguError as error:
        return Outcome(row, error=RowError(error.code, error.detail))
