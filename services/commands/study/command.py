"""`duygu study`: analyse the recordings of a study, and write tables over all of them."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console

from duygu.shared.config.settings import Settings
from duygu.shared.errors import ConfigurationError
from duygu.shared.exports.titles import printable
from duygu.shared.schemas.options import DEFAULTS, AnalysisOptions
from duygu.shared.workbench.studies.outcome import RowError
from duygu.shared.workbench.studies.output import RESULTS, TABLES, MakeStrips, write_study
from duygu.shared.workbench.studies.results import ResultFiles, existing_files, files_of
from duygu.shared.workbench.studies.settings import StudySettings
from duygu.shared.workbench.studies.sheet import read_markers, read_sheet
from duygu.shared.workbench.studies.strips import Reel, Strip
from duygu.shared.workbench.studies.study import Study, outcomes_of, videos_of
from duygu.shared.workbench.studies.tables.parquet import has_parquet
from duygu.shared.workbench.studies.tables.study_tables import RESERVED

EXIT_OK, EXIT_FAILED = 0, 1

FRAMES = ("shown", "covered", "none")
"""What a report may show of the faces in its frames."""


@dataclass(frozen=True, slots=True)
class StudyFiles:
    """Input and output of a study."""

    sheet: Path
    output: Path
    markers: Path | None = None
    results: Path | None = None
    """Folder of results that exist; None analyses the videos."""
    options: AnalysisOptions = DEFAULTS
    """What is measured and reported of each video."""
    service: str | None = None
    """URL of a service that analyses the videos; None analyses them here."""
    key: str | None = field(default=None, repr=False)
    """API key of the service."""
    frames: str = "shown"
    """Faces in the frames of the report: shown, covered, or none for a report without frames."""
    films: Mapping[str, Path] = field(default_factory=dict)
    """Files of stimuli, which start with the stimulus, by its name."""


def run(files: StudyFiles, study_settings: StudySettings, settings: Settings, *, quiet: bool = False) -> int:
    """Analyse the videos that have no current result, then write all tables; the exit status.

    Raises InvalidStudyError for an invalid table, UnreadableFileError for one that cannot be read, ConfigurationError
    for an output folder that cannot be created, and ModelError.
    """
    console = Console(stderr=True, quiet=quiet)
    study = make_study(files, study_settings, settings, console)
    written = _write(study, files, settings)
    if not has_parquet():
        console.print("no Parquet files: pyarrow is not installed (the extra `study`)", style="dim")
    for one in study.outcomes:
        if one.error:
            _print_error(f"row {one.row.line}: {one.row.path_text}: {one.error.code}: {one.error.detail}")
    rows = len(study.outcomes)
    console.print(
        printable(f"{len(study.recordings)} of {rows} rows in {len(written)} files in {files.output}"),
        markup=False,
        highlight=False,
        soft_wrap=True,
    )
    return EXIT_OK if len(study.recordings) == rows else EXIT_FAILED


def make_study(files: StudyFiles, study_settings: StudySettings, settings: Settings, console: Console) -> Study:
    """Read the tables and analyse the videos that have no current result. Raises as `run`."""
    _check_inputs(files)
    if files.results and files.service:
        raise ConfigurationError("--results and --service exclude each other: results that exist need no analysis")
    if files.results and files.options != DEFAULTS:
        raise ConfigurationError("--labels and --measures need an analysis; results that exist have their own")
    if files.results and not files.results.is_dir():
        raise ConfigurationError(f"--results {files.results}: the folder does not exist")
    if missing := [str(path) for path in files.films.values() if not path.is_file()]:
        raise ConfigurationError(f"{missing[0]}: the film does not exist")
    sheet = read_sheet(files.sheet, RESERVED)
    if unknown := set(files.films) - {row.stimulus for row in sheet.rows}:
        raise ConfigurationError(f"--film {sorted(unknown)[0]}: no row has this stimulus")
    markers = read_markers(files.markers, sheet) if files.markers else []
    videos = videos_of(sheet)
    _make_folder(files.output)
    if files.results:
        stored = existing_files(files.results, files.sheet.parent, videos)
        return Study(sheet, outcomes_of(sheet, stored.edited), markers, study_settings)
    stored = files_of(files.output / RESULTS, videos)
    _make_folder(stored.folder)
    failed = _analyse(files, stored, videos, settings, console)
    return Study(sheet, outcomes_of(sheet, stored.edited, failed), markers, study_settings)


def _analyse(
    files: StudyFiles, stored: ResultFiles, videos: list[Path], settings: Settings, console: Console
) -> Mapping[Path, RowError]:
    """Analyse the videos that have no current result; the errors of those that failed."""
    if files.service:
        from duygu.services.commands.study.service import analyse_in_service  # an engine needs no client

        return analyse_in_service(stored, videos, files.service, files.key, console, files.options)
    from duygu.services.commands.study.analyses import analyse_videos  # results that exist need no engine

    return analyse_videos(stored, videos, settings, console, files.options)


def strip_maker(frames: str, settings: Settings) -> MakeStrips:
    """Makes the frames of a report, with faces as `frames` of StudyFiles says."""

    def make_strips(found: Sequence[Reel]) -> Sequence[Strip]:
        from duygu.services.commands.study.frames import Faces, strips  # a report without frames needs no decoder

        return strips(found, settings, Faces(frames))

    return make_strips


def _write(study: Study, files: StudyFiles, settings: Settings) -> list[Path]:
    try:
        return write_study(study, files.output, make_strips=strip_maker(files.frames, settings), films=files.films)
    except OSError as error:
        raise ConfigurationError(f"{error.filename or files.output}: {error.strerror or error}") from error


def _check_inputs(files: StudyFiles) -> None:
    """Inputs are not in the folder of the tables, where they could be overwritten."""
    tables = (files.output / TABLES).resolve()
    for path in filter(None, (files.sheet, files.markers)):
        if path.resolve().parent == tables:
            raise ConfigurationError(f"{path} could be overwritten by a table; choose another output folder")


def _make_folder(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(f"the folder {path} cannot be created: {error.strerror}") from error


def _print_error(message: str) -> None:
    sys.stderr.write(printable(f"duygu: {message}\n"))
