"""Output files of `duygu analyze`: which format goes to which file, folder or stdout."""

import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from duygu.services.commands.stdout import STDOUT as STDOUT_NAME
from duygu.shared.annotated import timeline_png, write_annotated_video, write_blurred_video
from duygu.shared.config.engine import decode_limits, detector_of
from duygu.shared.config.settings import Settings
from duygu.shared.errors import ConfigurationError
from duygu.shared.exports import EXPORTS, PICTURES, ExportName, extension_of
from duygu.shared.schemas.result import Result
from duygu.shared.storage.atomic import atomically, folder_of, is_stream, open_stream

STDOUT = Path("-")

BINARY = (ExportName.BIDS, ExportName.PARQUET)
"""Formats that are no text."""

SLASHES = tuple(filter(None, (os.sep, os.altsep)))

BY_EXTENSION = {
    ExportName.PNG: {".png": ExportName.PNG, ".svg": ExportName.SVG, ".pdf": ExportName.PDF},
    ExportName.MP4: {".mp4": ExportName.MP4, ".m4v": ExportName.MP4},
    ExportName.BLURRED: {".mp4": ExportName.BLURRED, ".m4v": ExportName.BLURRED},
}
"""Formats of plots and annotated videos by the extension of the file."""

EXTENSIONS = {ExportName.MP4: "annotated.mp4"}
"""Extensions in a folder where that of the format would give the name of the video itself."""


@dataclass(frozen=True, slots=True)
class Destination:
    """Where one format is written: a file, a folder with one file per video, or stdout."""

    path: Path
    is_folder: bool = False

    @classmethod
    def parse(cls, text: str) -> "Destination":
        """Parse an argument: a folder exists already, or its name ends with a slash."""
        path = Path(text)
        return cls(path, text.endswith(SLASHES) or path.is_dir())


def format_for(name: ExportName, destination: Destination) -> ExportName:
    """The format that the extension of a file selects, such as SVG for a plot.

    Raises ConfigurationError for an extension that the option does not support.
    """
    formats, extension = BY_EXTENSION.get(name, {}), destination.path.suffix
    if destination.is_folder or not formats or not extension:
        return name
    if extension.lower() not in formats:
        raise ConfigurationError(
            f"{destination.path}: unsupported extension {extension}; supported: {', '.join(formats)}"
        )
    return formats[extension.lower()]


class ClosedStdoutError(BrokenPipeError):
    """The reader of stdout has closed the pipe."""


@dataclass(frozen=True, slots=True)
class Outputs:
    """The requested formats and the destination of each."""

    destinations: dict[ExportName, Destination]
    settings: Settings
    mark_speaking: bool = False
    """Whether subtitles mark where a person speaks."""
    begun: set[Path] = field(default_factory=set)
    """Files, and stdout, that already hold a result; the results of further videos are appended."""
    kept_open: dict[Path, BinaryIO] = field(default_factory=dict)
    """Pipes and devices, so that the reader of a FIFO does not see its end between two videos."""

    def prepare(self, videos: list[Path]) -> None:
        """Create missing folders.

        Raises ConfigurationError when a folder is missing or results would overwrite each other or one of the videos.
        """
        if [destination.path for destination in self.destinations.values()].count(STDOUT) > 1:
            raise ConfigurationError("only one format can be written to stdout; name a file for the others")
        originals = {_real(video) for video in videos}
        taken: dict[Path, ExportName] = {}
        for name, destination in self.destinations.items():
            paths = [self.path(name, video) for video in videos]
            self._check_destination(name, destination)
            if lost := originals.intersection(map(_real, paths)):
                raise ConfigurationError(f"the {name} output would overwrite the video {lost.pop()}")
            self._check_sharing(name, paths)
            for path in {_real(path) for path in paths if path != STDOUT}:
                if other := taken.get(path):
                    raise ConfigurationError(f"{other} and {name} cannot both be written to {path}")
                taken[path] = name
        self._make_folders()

    def close(self) -> None:
        """Close the pipes and devices, after the last video."""
        while self.kept_open:
            self.kept_open.popitem()[1].close()

    def _check_destination(self, name: ExportName, destination: Destination) -> None:
        path = destination.path
        if path == STDOUT and name in (*PICTURES, *BINARY):
            raise ConfigurationError(f"{name} cannot be written to stdout; name a file")
        if destination.is_folder and path.exists() and not path.is_dir():
            raise ConfigurationError(f"cannot write {name} to the folder {path}: it is a file")
        folder = folder_of(path)
        if not destination.is_folder and not folder.is_dir():
            raise ConfigurationError(f"cannot write {name} to {path}: the folder {folder} does not exist")

    def _check_sharing(self, name: ExportName, paths: list[Path]) -> None:
        """Several videos may share a file only if it was named as a file and its format can be continued."""
        shared = [path for path, count in Counter(paths).items() if count > 1 and path != STDOUT]
        joined = not self.destinations[name].is_folder and name in EXPORTS and EXPORTS[name].more
        if shared and not joined:
            raise ConfigurationError(
                f"the {name} output of several videos cannot be written to the same file, {shared[0]}; "
                "name a folder, such as tables/, and give the videos different names"
            )

    def _make_folders(self) -> None:
        for destination in self.destinations.values():
            if destination.is_folder:
                path = destination.path
                try:
                    path.mkdir(parents=True, exist_ok=True)
                except OSError as error:
                    raise ConfigurationError(f"the folder {path} cannot be created: {error.strerror}") from error

    def path(self, name: ExportName, video: Path) -> Path:
        """The output file of one video."""
        destination = self.destinations[name]
        extension = EXTENSIONS.get(name, extension_of(name))
        return destination.path / f"{video.stem}.{extension}" if destination.is_folder else destination.path

    def write(
        self, result: Result, video: Path, on_progress: Callable[[float], None], computed: Result | None = None
    ) -> list[Path]:
        """Write every format, each file atomically; without a format, print one line of JSON. Returns the files.

        on_progress  receives the share of an annotated or blurred video that is written
        computed     the result without edits and selection, whose faces a blurred video covers; None: the same

        Raises the VideoErrors of shared/errors/, OSError with the name of the output file, and ClosedStdoutError.
        """
        written = []
        for name in self.destinations:
            path = self.path(name, video)
            if path == STDOUT:
                _print(self._text(name, result, path).decode())
            else:
                with _named(path):
                    self._write(
                        name, computed or result if name == ExportName.BLURRED else result, video, path, on_progress
                    )
                written.append(path)
            self.begun.add(path)
        if not self.destinations:
            _print(result.model_dump_json() + "\n")
        return written

    def _write(
        self, name: ExportName, result: Result, video: Path, path: Path, on_progress: Callable[[float], None]
    ) -> None:
        if is_stream(path):
            self._keep_open(path)
        elif path in self.begun:
            _append(path, self._text(name, result, path))
            return
        with atomically(path) as temporary:
            if path in self.begun:
                temporary.write_bytes(self._text(name, result, path))
            else:
                self._make(name, result, video, temporary, on_progress)

    def _keep_open(self, path: Path) -> None:
        if path not in self.kept_open:
            self.kept_open[path] = open_stream(path)

    def _text(self, name: ExportName, result: Result, path: Path) -> bytes:
        export = EXPORTS[name]
        return (
            export.continued(result) if path in self.begun else export.write(result, mark_speaking=self.mark_speaking)
        )

    def _make(
        self, name: ExportName, result: Result, video: Path, target: Path, on_progress: Callable[[float], None]
    ) -> None:
        if name == ExportName.MP4:
            write_annotated_video(video, result, target, decode_limits(self.settings), on_progress=on_progress)
        elif name == ExportName.BLURRED:
            detector, limits = detector_of(self.settings), decode_limits(self.settings)
            write_blurred_video(video, result, target, detector, limits, on_progress=on_progress)
        elif name == ExportName.PNG:
            target.write_bytes(timeline_png(result))
        else:
            target.write_bytes(EXPORTS[name].write(result, mark_speaking=self.mark_speaking))


def _append(path: Path, content: bytes) -> None:
    """Append to a file; on an error, truncate it to its previous size."""
    with path.open("r+b") as file:
        end = file.seek(0, os.SEEK_END)
        try:
            file.write(content)
            file.flush()
        except BaseException:
            os.ftruncate(file.fileno(), end)
            raise


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path))


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Make an OSError name this file rather than a temporary one."""
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, error.strerror or str(error), str(path)) from error


def _print(text: str) -> None:
    """Write and flush, so that a failure is noticed here. Raises ClosedStdoutError, and OSError that names stdout."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError as error:
        raise ClosedStdoutError(error.errno, error.strerror, STDOUT_NAME) from error
    except OSError as error:
        raise OSError(error.errno, error.strerror or str(error), STDOUT_NAME) from error
