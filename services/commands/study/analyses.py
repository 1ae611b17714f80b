"""Analyses of the videos of a study, one after the other."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from duygu.shared.config.engine import decode_limits, engine_options
from duygu.shared.config.settings import Settings
from duygu.shared.errors import DuyguError, OutOfMemoryError, UnreadableFileError, one_line
from duygu.shared.exports.titles import printable
from duygu.shared.model.folder import sha256_of
from duygu.shared.schemas.options import DEFAULTS, AnalysisOptions, require_labels
from duygu.shared.schemas.result import Result, with_sha256
from duygu.shared.storage.atomic import write_atomically
from duygu.shared.version import VERSION
from duygu.shared.vision.analysis import analyze_video, result_converter
from duygu.shared.vision.decode.video import standby_decoder
from duygu.shared.vision.engine import Engine, load_engine
from duygu.shared.workbench.studies.outcome import RowError
from duygu.shared.workbench.studies.results import ResultFiles

logger = logging.getLogger(__name__)

SPEED_PERIOD_S = 600.0
"""Time over which the speed is averaged for the time left."""


def analyse_videos(
    stored: ResultFiles,
    videos: list[Path],
    settings: Settings,
    console: Console,
    options: AnalysisOptions = DEFAULTS,
) -> Mapping[Path, RowError]:
    """Analyse the videos that have no current result; the errors of those that failed.

    Raises ModelError, and InvalidLabelsError for labels that the model lacks.
    """
    engine = load_engine(engine_options(settings), standby_decoder(keep=True))
    require_labels(options, engine.model.labels)
    return Analyses(stored, engine, settings, console, options).run(videos)


@dataclass(frozen=True, slots=True)
class Analyses:
    """Analyses of the videos of a study, one after the other. Each result is written as soon as it is complete."""

    stored: ResultFiles
    engine: Engine
    settings: Settings
    console: Console
    options: AnalysisOptions = DEFAULTS

    def run(self, videos: list[Path]) -> Mapping[Path, RowError]:
        """Analyse the videos without a current result; the errors of those that failed.

        Videos are weighted by their size in the progress and the time left.
        """
        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TaskProgressColumn(),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=self.console, transient=True, speed_estimate_period=SPEED_PERIOD_S) as progress:
            waiting = [video for video in videos if not self.is_current(video)]
            share = Share(progress, {video: _size(video) for video in waiting})
            failures = {video: self._failure(video, share.of(video)) for video in waiting}
        return {video: error for video, error in failures.items() if error}

    def is_current(self, video: Path) -> bool:
        """Whether a result exists that is from this file, model, options and version."""
        if not self.stored.path(video).exists():
            return False
        try:
            result, converter = self.stored.computed(video), result_converter(self.engine, self.options)
            options, program = result.options, result.program
            return (
                options is not None
                and program is not None
                and program.version == VERSION
                and (result.model.sha256, result.model.labels) == (self.engine.model.sha256, converter.names)
                and (options.engine, options.labels) == (self.engine.kind, converter.names)
                and result.model.movements == list(converter.movements)
                and (options.min_face, options.max_faces) == (self.engine.min_face, self.engine.max_faces)
                and result.video.sha256 == sha256_of(video)
            )
        except (DuyguError, OSError):
            return False

    def _failure(self, video: Path, on_progress: Callable[[float], None]) -> RowError | None:
        """Analyse one video; its error, None if it succeeded."""
        try:
            result = self._analyse(video, on_progress)
            write_atomically(self.stored.path(video), (result.model_dump_json(indent=2) + "\n").encode())
        except DuyguError as error:
            return RowError(error.code, error.detail)
        except OSError as error:
            return RowError(UnreadableFileError.code, f"{error.filename or video}: {error.strerror or error}")
        except MemoryError:
            return RowError(OutOfMemoryError.code, "the machine has too little memory")
        except Exception as error:  # an unexpected error of one video must not stop the study
            logger.debug("unexpected error in %s", video, exc_info=True)
            return RowError(DuyguError.code, one_line(error))
        return None

    def _analyse(self, video: Path, on_progress: Callable[[float], None]) -> Result:
        if not video.is_file():
            raise UnreadableFileError(f"{video}: {'not a file' if video.exists() else 'the file does not exist'}")
        found = analyze_video(
            video,
            self.engine,
            decode_limits(self.settings),
            self.options,
            name=printable(video.name),
            on_progress=lambda progress: on_progress(progress.fraction or 0.0),
        )
        return with_sha256(found, sha256_of(video))


class Share:
    """Progress over all videos; each has the weight of its size."""

    def __init__(self, progress: Progress, sizes: Mapping[Path, int]) -> None:
        self._progress, self._sizes = progress, sizes
        self._task = progress.add_task("", total=sum(sizes.values()))
        self._begun = 0
        self._before = 0

    def of(self, video: Path) -> Callable[[float], None]:
        """Begin the next video; a function that takes the share of it that is analysed."""
        base, size = self._before, self._sizes[video]
        self._begun += 1
        self._before += size
        text = printable(f"{self._begun}/{len(self._sizes)} {video.name}")
        self._progress.update(self._task, description=text, completed=base)
        return lambda share: self._progress.update(self._task, completed=base + share * size)


def _size(video: Path) -> int:
    try:
        return video.stat().st_size
    except OSError:
        return 0
