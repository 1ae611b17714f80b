"""Where `duygu analyze` writes what it has found."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from shared.atomic import atomically
from shared.config import Settings
from shared.errors import ConfigurationError
from shared.exports import EXPORTS, PICTURES, ExportName
from shared.film import timeline_png, write_film
from shared.schemas import Result

STDOUT = Path("-")

ENDINGS = {ExportName.MP4: "annotated.mp4"}
"""What stands behind a video's name in a folder, where the form alone could be the name of the video itself."""


class ClosedStdoutError(Exception):
    """Nobody reads stdout any more."""


@dataclass(frozen=True, slots=True)
class Outputs:
    """The forms that were asked for, and where each goes: a file, a folder that gets a file a video, or stdout."""

    places: dict[ExportName, Path]
    settings: Settings

    def check(self, videos: list[Path]) -> None:
        """Raises ConfigurationError when results have no place, or would overwrite each other or one of the videos."""
        if list(self.places.values()).count(STDOUT) > 1:
            raise ConfigurationError("only one form can go to stdout; name a file for the others")
        originals = {video.resolve() for video in videos}
        taken: dict[Path, ExportName] = {}
        for name, place in self.places.items():
            if place == STDOUT and name in PICTURES:
                raise ConfigurationError(f"{name} cannot be printed; name a file")
            paths = [self.path(name, video) for video in videos]
            missing = [path.parent for path in paths if not path.parent.is_dir()]
            if missing:
                raise ConfigurationError(f"there is no folder {missing[0]} to write {name} to")
            if lost := originals.intersection(path.resolve() for path in paths):
                raise ConfigurationError(f"the {name} would overwrite the video {lost.pop()}")
            if len(set(paths)) < len(paths) and STDOUT not in paths:
                raise ConfigurationError(
                    f"the {name} of several videos cannot go to one file; "
                    "name a folder that is there, and videos of other names"
                )
            for path in {path.resolve() for path in paths if path != STDOUT}:
                if other := taken.get(path):
                    raise ConfigurationError(f"{other} and {name} cannot both go to {path}")
                taken[path] = name

    def path(self, name: ExportName, video: Path) -> Path:
        """The file of one video."""
        place = self.places[name]
        return place / f"{video.stem}.{ENDINGS.get(name, name)}" if place.is_dir() else place

    def write(self, result: Result, video: Path, on_progress: Callable[[float], None]) -> list[Path]:
        """Write every form, each file whole or not at all; where none was asked for, print one line of JSON.

        Returns the files.

        on_progress  is called with the share of the annotated video that is written

        Raises the errors of shared.errors that say what is wrong with the video, OSError that names the file which
        cannot be written, and ClosedStdoutError.
        """
        written = []
        for name in self.places:
            path = self.path(name, video)
            if path == STDOUT:
                _print(EXPORTS[name].write(result).decode())
            else:
                with _named(path), atomically(path) as temporary:
                    self._make(name, result, video, temporary, on_progress)
                written.append(path)
        if not self.places:
            _print(result.model_dump_json() + "\n")
        return written

    def _make(
        self, name: ExportName, result: Result, video: Path, target: Path, on_progress: Callable[[float], None]
    ) -> None:
        if name == ExportName.MP4:
            write_film(video, result, target, self.settings, on_progress=on_progress)
        elif name == ExportName.PNG:
            target.write_bytes(timeline_png(result))
        else:
            target.write_bytes(EXPORTS[name].write(result))


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
