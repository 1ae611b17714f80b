"""`duygu analyze`: analyse files and folders without a server. Results go to stdout, everything else to stderr."""

import logging
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from rich.console import Console

from duygu.services.commands.display import show_progress, summary
from duygu.services.commands.outputs import ClosedStdoutError, Outputs
from duygu.services.commands.stdout import discard_stdout
from duygu.shared.baselines.recordings import with_recorded_baseline
from duygu.shared.config.engine import decode_limits, engine_options, picture_decoder
from duygu.shared.config.settings import MB, Settings
from duygu.shared.errors import (
    ConfigurationError,
    DuyguError,
    EmptyFileError,
    NotAVideoError,
    NoVideoStreamError,
    OutOfMemoryError,
    UnreadableFileError,
    from_code,
    one_line,
)
from duygu.shared.exports.selection import most_seen, once_every
from duygu.shared.exports.titles import printable
from duygu.shared.inputs.links.link import is_link, parse_link
from duygu.shared.inputs.links.local_copy import fetch_copy, link_name
from duygu.shared.inputs.media.picture_file import read_still
from duygu.shared.model.folder import sha256_of
from duygu.shared.schemas.result import RecordedBaseline, Result, with_sha256
from duygu.shared.storage.spooling import STDIN, pipe_name, seekable
from duygu.shared.vision.analysis import analyze_video, result_converter
from duygu.shared.vision.decode.video import standby_decoder
from duygu.shared.vision.engine import Engine, load_engine
from duygu.shared.vision.options import AnalysisOptions
from duygu.shared.vision.picture import analyze_picture_file
from duygu.shared.vision.progress import Progress
from duygu.shared.vision.recorded_baseline import baseline_in
from duygu.shared.workbench.edits.file import EXTENSION, read_edit_file

logger = logging.getLogger(__name__)

EXIT_OK, EXIT_FAILED = 0, 1

NO_VIDEO = (NotAVideoError, NoVideoStreamError, EmptyFileError)
"""Errors of files in a folder that are not videos; such files are skipped."""


@dataclass(frozen=True, slots=True)
class BatchOptions:
    """How each video is analysed, and what is written of its result."""

    outputs: Outputs
    analysis: AnalysisOptions
    faces: int | None = None
    """Number of faces to keep, those visible longest; None keeps all."""
    every_s: float | None = None
    """Keep only the windows at multiples of this time, in seconds; None keeps all."""

    edits: Path | None = None
    """File of the edits of one video, or a folder with one file per video, `NAME.edits.json`; None without edits."""

    pictures: bool = False
    """Whether pictures in folders are analysed."""

    baseline: Path | None = None
    """A recording of the person at rest, or its result; None if the baseline is none or part of the video."""

    def edits_of(self, video: Path) -> Path | None:
        """File of the edits of a video; None without edits."""
        if self.edits is None or not self.edits.is_dir():
            return self.edits
        path = self.edits / f"{video.stem}{EXTENSION}"
        return path if path.exists() else None

    def select(self, result: Result) -> Result:
        """The selected faces and windows of a result."""
        if self.faces is not None:
            result = most_seen(result, self.faces)
        return result if self.every_s is None else once_every(result, self.every_s)


STDIN_ARGUMENT = Path("-")


@dataclass(frozen=True, slots=True)
class Source:
    """A file or pipe to analyse."""

    path: Path
    name: str
    """Name in the result: that of the file, or its path relative to the folder."""
    in_folder: bool = False
    """Whether it was found in a folder, so that it need not be a video."""
    link: str = field(default="", repr=False)
    """Where it has to be fetched from; `path` is then only the name of the file."""

    @property
    def shown(self) -> str:
        """The path or the link, without the secrets of the link."""
        return parse_link(self.link).shown if self.link else str(self.path)


def run(videos: Sequence[Path | str], options: BatchOptions, settings: Settings, *, quiet: bool = False) -> int:
    """Analyse files, folders and links; the exit status.

    Ends silently when the reader of stdout or stderr closes the pipe.

    Raises ModelError when the model cannot be loaded, ConfigurationError when results would overwrite each other.
    """
    sources = _with_unique_names(_sources(videos))
    options.outputs.prepare([source.path for source in sources])
    if options.edits and not options.edits.is_dir() and len(sources) > 1:
        raise ConfigurationError(f"{options.edits} has the edits of one video; name a folder for several videos")
    engine = load_engine(engine_options(settings), standby_decoder(keep=len(sources) > 1))
    result_converter(engine, options.analysis)  # raises for an unknown label before any video is analysed
    console = Console(stderr=True, quiet=quiet)
    batch = Batch(engine, settings, options, console, _recorded(engine, settings, options))
    try:
        with closing(options.outputs):
            outcomes = [batch.analyze(source) for source in sources]
    except (ClosedStdoutError, BrokenPipeError):  # of stdout, or of stderr
        discard_stdout()
        return EXIT_FAILED
    if not any(outcome is not None for outcome in outcomes):
        _print_error("no video found")
        return EXIT_FAILED
    return EXIT_FAILED if False in outcomes else EXIT_OK


def _recorded(engine: Engine, settings: Settings, options: BatchOptions) -> RecordedBaseline | None:
    """The baseline that is another recording, which is analysed first; None without one.

    Raises the error with the file and its code, so that it is not taken for one of the videos.
    """
    if options.baseline is None:
        return None
    path = printable(str(options.baseline))
    try:
        return baseline_in(options.baseline, engine, decode_limits(settings), options.analysis)
    except DuyguError as error:
        raise from_code(error.code, f"the baseline {path}: {error.code}: {error.detail}") from error
    except OSError as error:
        code = UnreadableFileError.code
        raise from_code(code, f"the baseline {path}: {code}: {error.strerror or error}") from error


def _sources(paths: Sequence[Path | str]) -> Iterator[Source]:
    """Files as given; of a folder, every file in it and below, sorted by name, except hidden ones.

    A dangling link in a folder is among them, so that it is reported as a file that cannot be read.
    """
    for given in paths:
        if is_link(given):
            yield Source(Path(link_name(str(given))), link_name(str(given)), link=str(given))
            continue
        path = Path(given)
        if path.is_dir():
            files = (file for file in sorted(path.rglob("*")) if file.is_file() or not file.exists())
            for file in files:
                inside = file.relative_to(path)
                if not _is_hidden(inside):
                    yield Source(file, printable(inside.as_posix()), in_folder=True)
        else:
            path = STDIN if path == STDIN_ARGUMENT else path
            yield Source(path, pipe_name(path) or printable(path.name))


def _with_unique_names(sources: Iterable[Source]) -> list[Source]:
    """Replace a name that several videos share by the whole path of each."""
    sources = list(sources)
    counts = Counter(source.name for source in sources)
    return [
        replace(source, name=printable(str(source.path))) if counts[source.name] > 1 else source for source in sources
    ]


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


@dataclass(frozen=True, slots=True)
class Batch:
    """Videos that are analysed one after the other with the same options."""

    engine: Engine
    settings: Settings
    options: BatchOptions
    console: Console
    recorded: RecordedBaseline | None = None

    def analyze(self, source: Source) -> bool | None:
        """Analyse one video and write its result; whether it succeeded, None for a file that is skipped.

        An error of one video does not affect the others.

        Raises ClosedStdoutError or BrokenPipeError when the reader closes the pipe.
        """
        try:
            if not source.link and not source.path.exists():
                _print_error(f"{source.path}: the file does not exist")
                return False
            with self._local(source) as video:
                result, written = self._one(replace(source, path=video))
        except ClosedStdoutError:
            raise
        except DuyguError as error:
            if source.in_folder and isinstance(error, NO_VIDEO):
                self.console.print(
                    printable(f"{source.path}: skipped: {error.detail}"), style="dim", markup=False, soft_wrap=True
                )
                return None
            _print_error(f"{source.shown}: {error.code}: {error.detail}")
            return False
        except OSError as error:
            _print_error(": ".join(map(str, filter(None, (source.shown, error.filename, error.strerror or error)))))
            return False
        except MemoryError:
            _print_error(f"{source.shown}: {OutOfMemoryError.code}: the machine has too little memory")
            return False
        except Exception as error:  # an unexpected error of one video must not stop the batch
            logger.debug("unexpected error in %s", source.shown, exc_info=True)
            _print_error(f"{source.shown}: {DuyguError.code}: {one_line(error)}")
            return False
        self.console.print(summary(source.name, result))
        if written:
            self.console.print(
                f"wrote {', '.join(printable(str(path)) for path in written)}",
                markup=False,
                highlight=False,
                soft_wrap=True,
            )
        return True

    @contextmanager
    def _local(self, source: Source) -> Iterator[Path]:
        """A file that can be sought in: that of the source, or a temporary copy of a pipe or a link."""
        if not source.link:
            with seekable(source.path, self.settings.max_upload_bytes) as video:
                yield video
            return
        with tempfile.TemporaryDirectory(prefix="duygu-") as folder:
            with show_progress(printable(source.name), self.console) as bar:
                copy = fetch_copy(source.link, Path(folder), self.settings, on_progress=bar.show_fetch)
            yield copy

    def _one(self, source: Source) -> tuple[Result, list[Path]]:
        """The result and the files to which it was written."""
        with show_progress(printable(source.path.name), self.console) as bar:
            found = self._picture(source) or self._video(source, bar.show_analysis)
            result = self.options.select(self._edited(with_sha256(found, sha256_of(source.path)), source))
            written = self.options.outputs.write(result, source.path, bar.show_annotation, found)
        return result, written

    def _video(self, source: Source, on_progress: Callable[[Progress], None]) -> Result:
        limits, options = decode_limits(self.settings), self.options.analysis
        result = analyze_video(source.path, self.engine, limits, options, name=source.name, on_progress=on_progress)
        return with_recorded_baseline(result, self.recorded) if self.recorded else result

    def _picture(self, source: Source) -> Result | None:
        """The result of a picture; None for a video, and for a picture in a folder unless these are requested."""
        if source.in_folder and not self.options.pictures:
            return None
        picture = read_still(source.path, int(self.settings.pictures_max_mb * MB))
        if picture is None:
            return None
        with picture_decoder(self.settings) as decoder:
            return analyze_picture_file(
                picture,
                decoder,
                self.engine,
                self.settings.picture_max_pixels,
                self.options.analysis,
                name=source.name,
            )

    def _edited(self, result: Result, source: Source) -> Result:
        """The result with the edits of the video, if there are any."""
        path = self.options.edits_of(source.path)
        return read_edit_file(path).apply(result) if path else result


def _print_error(message: str) -> None:
    sys.stderr.write(printable(f"duygu: {message}\n"))
