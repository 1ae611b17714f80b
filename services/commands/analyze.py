"""`duygu analyze`: the engine without a server. The result goes to stdout, everything else to stderr."""

import logging
import os
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

from duygu.services.commands.outputs import ClosedStdoutError, Outputs
from duygu.shared.config import Settings
from duygu.shared.errors import (
    DuyguError,
    EmptyFileError,
    NotAVideoError,
    NoVideoStreamError,
    OutOfMemoryError,
    in_words,
)
from duygu.shared.exports.selection import most_seen, once_every
from duygu.shared.exports.spans import overall_in_words, shares_in_words, uncertain_share
from duygu.shared.exports.titles import printable
from duygu.shared.schemas import Result
from duygu.shared.storage.spooling import STDIN, seekable
from duygu.shared.vision.analysis import Progress as Done
from duygu.shared.vision.analysis import analyze_video, open_reader
from duygu.shared.vision.engine import Engine, load_engine

logger = logging.getLogger(__name__)

EXIT_OK, EXIT_FAILED = 0, 1

NO_VIDEO = (NotAVideoError, NoVideoStreamError, EmptyFileError)
"""What a folder may hold beside videos."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What is to be made of each result."""

    outputs: Outputs
    faces: int | None = None
    """Only so many faces, those that are seen longest."""
    every_s: float | None = None
    """Only the windows at multiples of so many seconds."""

    labels: tuple[str, ...] | None = None
    """Only these labels are reported, the rest as `other`."""

    def select(self, result: Result) -> Result:
        """The part of a result that is wanted."""
        if self.faces is not None:
            result = most_seen(result, self.faces)
        return result if self.every_s is None else once_every(result, self.every_s)


STDIN_ARGUMENT = Path("-")


@dataclass(frozen=True, slots=True)
class Source:
    """A file or pipe to analyse. One that was only found in a folder may turn out to be no video."""

    path: Path
    name: str
    """What results call it: the file's name, or its path in the folder."""
    in_folder: bool = False


def run(videos: list[Path], wishes: Wishes, settings: Settings, *, quiet: bool = False) -> int:
    """Analyse files and folders; the exit status.

    Once nobody reads what it prints, it ends without a word.

    Raises ModelError when there is no usable model, ConfigurationError when results would overwrite each other.
    """
    sources = _told_apart(_sources(videos))
    wishes.outputs.prepare([source.path for source in sources])
    engine = load_engine(settings)
    open_reader(engine, wishes.labels)  # so that a label that is not answered with is refused before any work
    batch = Batch(engine, settings, wishes, Console(stderr=True, quiet=quiet))
    try:
        went_well = [batch.take(source) for source in sources]
    except (ClosedStdoutError, BrokenPipeError):  # of stdout, or of stderr
        _give_up_stdout()
        return EXIT_FAILED
    if not any(well is not None for well in went_well):
        _tell("no video was found")
        return EXIT_FAILED
    return EXIT_FAILED if False in went_well else EXIT_OK


def _sources(paths: list[Path]) -> Iterator[Source]:
    """Files as given; of a folder, every file in it and below, in order of name, but for hidden ones."""
    for path in paths:
        if path.is_dir():
            files = (file for file in sorted(path.rglob("*")) if file.is_file())
            for file in files:
                inside = file.relative_to(path)
                if not _is_hidden(inside):
                    yield Source(file, printable(inside.as_posix()), in_folder=True)
        else:
            path = STDIN if path == STDIN_ARGUMENT else path
            yield Source(path, printable(path.name))


def _told_apart(sources: Iterable[Source]) -> list[Source]:
    """Videos that would be called the same are called by their whole paths."""
    sources = list(sources)
    counts = Counter(source.name for source in sources)
    return [
        replace(source, name=printable(str(source.path))) if counts[source.name] > 1 else source for source in sources
    ]


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def _give_up_stdout() -> None:
    """Let Python close it at its end without a complaint."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


@dataclass(frozen=True, slots=True)
class Batch:
    """Videos that are analysed one after the other in the same way."""

    engine: Engine
    settings: Settings
    wishes: Wishes
    console: Console

    def take(self, source: Source) -> bool | None:
        """Analyse one video and hand out its result; whether it went well, None where it was no video to begin with.

        Whatever fails concerns this video alone.

        Raises ClosedStdoutError or BrokenPipeError when nobody reads what is printed.
        """
        try:
            if not source.path.exists():
                _tell(f"{source.path}: there is no such file")
                return False
            with seekable(source.path, self.settings.max_upload_bytes) as video:
                result, written = self._one(replace(source, path=video))
        except ClosedStdoutError:
            raise
        except DuyguError as error:
            if source.in_folder and isinstance(error, NO_VIDEO):
                self.console.print(
                    printable(f"{source.path}: left out: {error.detail}"), style="dim", markup=False, soft_wrap=True
                )
                return None
            _tell(f"{source.path}: {error.code}: {error.detail}")
            return False
        except OSError as error:
            _tell(": ".join(map(str, filter(None, (source.path, error.filename, error.strerror or error)))))
            return False
        except MemoryError:
            _tell(f"{source.path}: {OutOfMemoryError.code}: the memory of this machine does not suffice")
            return False
        except Exception as error:  # the other videos are not lost through an error in one
            logger.debug("unexpected error in %s", source.path, exc_info=True)
            _tell(f"{source.path}: {DuyguError.code}: {in_words(error)}")
            return False
        self.console.print(_summary(source.name, result))
        if written:
            self.console.print(
                f"wrote {', '.join(printable(str(path)) for path in written)}",
                markup=False,
                highlight=False,
                soft_wrap=True,
            )
        return True

    def _one(self, source: Source) -> tuple[Result, list[Path]]:
        """The result, and the files that it was written to."""
        with _progress(printable(source.path.name), self.console) as bar:
            found = analyze_video(
                source.path,
                self.engine,
                self.settings,
                name=source.name,
                labels=self.wishes.labels,
                on_progress=bar.analysed,
            )
            result = self.wishes.select(found)
            written = self.wishes.outputs.write(result, source.path, bar.filmed)
        return result, written


@contextmanager
def _progress(name: str, console: Console) -> "Iterator[_Bar]":
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(show_speed=False),
        TimeRemainingColumn(),
    )
    with Progress(*columns, TextColumn("{task.fields[speed]}"), console=console, transient=True) as progress:
        yield _Bar(progress, name)


class _Bar:
    """Shows how far a video has come; the annotated video has a line of its own."""

    def __init__(self, progress: Progress, name: str) -> None:
        self._progress = progress
        self._analysis = progress.add_task(name, total=None, speed="")
        self._film = progress.add_task("annotating", total=1.0, speed="", visible=False)

    def analysed(self, done: Done) -> None:
        """So far the analysis has come."""
        elapsed = self._progress.tasks[0].elapsed or 0.0
        speed = f"{done.time_s / elapsed:.0f}x" if elapsed > 0 else ""
        self._progress.update(self._analysis, total=done.duration_s, completed=done.time_s, speed=speed)

    def filmed(self, share: float) -> None:
        """So much of the annotated video is written."""
        self._progress.update(self._film, completed=share, visible=True)


def _summary(name: str, result: Result) -> Table:
    """A row a face."""
    count = len(result.faces)
    title = f"{name}: {result.video.duration_s:.1f} s, {count} {'face' if count == 1 else 'faces'}"
    table = Table(title=title, title_justify="left", caption=_caption(result), caption_justify="left")
    for heading in ("face", "from", "to", "overall", "confidence", "uncertain", "share of time"):
        table.add_column(heading, justify="left" if heading in {"overall", "share of time"} else "right")
    for face in result.faces:
        times = (f"{face.start_s:.1f} s", f"{face.end_s:.1f} s")
        figures = (f"{face.confidence:.0%}", f"{uncertain_share(face):.0%}")
        table.add_row(str(face.face_id), *times, overall_in_words(face), *figures, shares_in_words(face))
    return table


def _caption(result: Result) -> str | None:
    return "\n".join(f"warning: {warning.detail}" for warning in result.warnings) or None


def _tell(what: str) -> None:
    sys.stderr.write(printable(f"duygu: {what}\n"))
