"""Where `duygu analyze` writes what it has found."""

import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from duygu.shared.annotated import timeline_png, write_film
from duygu.shared.config import Settings
from duygu.shared.errors import ConfigurationError
from duygu.shared.exports import EXPORTS, PICTURES, ExportName
from duygu.shared.schemas import Result
from duygu.shared.storage.atomic import atomically

STDOUT = Path("-")

SLASHES = tuple(filter(None, (os.sep, os.altsep)))

BY_ENDING = {
    ExportName.PNG: {".png": ExportName.PNG, ".svg": ExportName.SVG, ".pdf": ExportName.PDF},
    ExportName.MP4: {".mp4": ExportName.MP4, ".m4v": ExportName.MP4},
}
"""Forms of pictures, which a file's ending chooses among: a program that opens it goes by that."""

ENDINGS = {ExportName.MP4: "annotated.mp4"}
"""What stands behind a video's name in a folder, where the form alone could be the name of the video itself."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where one form goes: a file, a folder that gets a file a video, or stdout."""

    path: Path
    is_folder: bool = False

    @classmethod
    def named(cls, text: str) -> "Place":
        """As somebody has named it: a folder exists, or ends with a slash and is made."""
        path = Path(text)
        return cls(path, text.endswith(SLASHES) or path.is_dir())


def form_of(name: ExportName, place: Place) -> ExportName:
    """The form that goes to a place.

    Raises ConfigurationError where the ending of a file stands for a form that this cannot be written in.
    """
    forms, ending = BY_ENDING.get(name, {}), place.path.suffix
    if place.is_folder or not forms or not ending:
        return name
    if ending.lower() not in forms:
        raise ConfigurationError(f"{place.path} cannot be written as {ending}; it can as {', '.join(forms)}")
    return forms[ending.lower()]


class ClosedStdoutError(Exception):
    """Nobody reads stdout any more."""


@dataclass(frozen=True, slots=True)
class Outputs:
    """The forms that were asked for, and where each goes."""

    places: dict[ExportName, Place]
    settings: Settings
    begun: set[Path] = field(default_factory=set)
    """Files, and stdout, that hold a result already; those of further videos follow in them."""

    def prepare(self, videos: list[Path]) -> None:
        """Make the folders that are missing.

        Raises ConfigurationError when results have no place, or would overwrite each other or one of the videos.
        """
        if [place.path for place in self.places.values()].count(STDOUT) > 1:
            raise ConfigurationError("only one form can go to stdout; name a file for the others")
        originals = {_real(video) for video in videos}
        taken: dict[Path, ExportName] = {}
        for name, place in self.places.items():
            paths = [self.path(name, video) for video in videos]
            self._check_place(name, place)
            if lost := originals.intersection(map(_real, paths)):
                raise ConfigurationError(f"the {name} would overwrite the video {lost.pop()}")
            self._check_sharing(name, paths)
            for path in {_real(path) for path in paths if path != STDOUT}:
                if other := taken.get(path):
                    raise ConfigurationError(f"{other} and {name} cannot both go to {path}")
                taken[path] = name
        self._make_folders()

    def _check_place(self, name: ExportName, place: Place) -> None:
        if place.path == STDOUT and name in PICTURES:
            raise ConfigurationError(f"{name} cannot be printed; name a file")
        if place.is_folder and place.path.exists() and not place.path.is_dir():
            raise ConfigurationError(f"{place.path} is a file and no folder to write {name} to")
        if not place.is_folder and not place.path.parent.is_dir():
            raise ConfigurationError(f"there is no folder {place.path.parent} to write {name} to")

    def _check_sharing(self, name: ExportName, paths: list[Path]) -> None:
        """Several videos go to one file only where it was named as that, and its form can hold several."""
        shared = [path for path, count in Counter(paths).items() if count > 1 and path != STDOUT]
        joined = not self.places[name].is_folder and name in EXPORTS and EXPORTS[name].more
        if shared and not joined:
            raise ConfigurationError(
                f"the {name} of several videos cannot go to one file, {shared[0]}; "
                "name a folder, as tables/, and videos of other names"
            )

    def _make_folders(self) -> None:
        for place in self.places.values():
            if place.is_folder:
                try:
                    place.path.mkdir(parents=True, exist_ok=True)
                except OSError as error:
                    raise ConfigurationError(f"the folder {place.path} cannot be made: {error.strerror}") from error

    def path(self, name: ExportName, video: Path) -> Path:
        """The file of one video."""
        place = self.places[name]
        return place.path / f"{video.stem}.{ENDINGS.get(name, name)}" if place.is_folder else place.path

    def write(self, result: Result, video: Path, on_progress: Callable[[float], None]) -> list[Path]:
        """Write every form, each file whole or not at all; where none was asked for, print one line of JSON.

        Returns the files.

        on_progress  is called with the share of the annotated video that is written

        Raises the errors of shared/errors.py that say what is wrong with the video, OSError that names the file which
        cannot be written, and ClosedStdoutError.
        """
        written = []
        for name in self.places:
            path = self.path(name, video)
            if path == STDOUT:
                _print(self._text(name, result, path).decode())
            else:
                with _named(path):
                    self._write(name, result, video, path, on_progress)
                written.append(path)
            self.begun.add(path)
        if not self.places:
            _print(result.model_dump_json() + "\n")
        return written

    def _write(
        self, name: ExportName, result: Result, video: Path, path: Path, on_progress: Callable[[float], None]
    ) -> None:
        if path in self.begun:
            _append(path, self._text(name, result, path))
            return
        with atomically(path) as temporary:
            self._make(name, result, video, temporary, on_progress)

    def _text(self, name: ExportName, result: Result, path: Path) -> bytes:
        export = EXPORTS[name]
        return export.continued(result) if path in self.begun else export.write(result)

    def _make(
        self, name: ExportName, result: Result, video: Path, target: Path, on_progress: Callable[[float], None]
    ) -> None:
        if name == ExportName.MP4:
            write_film(video, result, target, self.settings, on_progress=on_progress)
        elif name == ExportName.PNG:
            target.write_bytes(timeline_png(result))
        else:
            target.write_bytes(EXPORTS[name].write(result))


def _append(path: Path, content: bytes) -> None:
    """Add to a file all of it or nothing."""
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
    """Errors of the system name this file, and not a temporary one."""
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, error.strerror or str(error), str(path)) from error


def _print(text: str) -> None:
    """At once, so that it is seen here when nobody reads it. Raises ClosedStdoutError."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError as error:
        raise ClosedStdoutError from error
