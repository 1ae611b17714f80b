"""Where `duygu analyze` writes what it has found."""

import sys
from dataclasses import dataclass
from pathlib import Path

from shared.atomic import write_atomically
from shared.errors import ConfigurationError
from shared.exports import EXPORTS, ExportName
from shared.schemas import Result

STDOUT = Path("-")


@dataclass(frozen=True, slots=True)
class Outputs:
    """The forms that were asked for, and where each goes: a file, a folder that gets a file a video, or stdout."""

    places: dict[ExportName, Path]

    def check(self, videos: list[Path]) -> None:
        """Raises ConfigurationError when the results of these videos have no place, or would overwrite each other."""
        for name in self.places:
            paths = [self.path(name, video) for video in videos]
            missing = [path.parent for path in paths if not path.parent.is_dir()]
            if missing:
                raise ConfigurationError(f"there is no folder {missing[0]} to write {name} to")
            if len(set(paths)) < len(paths) and STDOUT not in paths:
                raise ConfigurationError(
                    f"the {name} of several videos cannot go to one file; name a folder, and videos of other names"
                )

    def path(self, name: ExportName, video: Path) -> Path:
        """The file of one video."""
        place = self.places[name]
        return place / f"{video.stem}.{name}" if place.is_dir() else place

    def write(self, result: Result, video: Path) -> None:
        """Write every form, each file whole or not at all; where none was asked for, print one line of JSON."""
        for name in self.places:
            content, path = EXPORTS[name].write(result), self.path(name, video)
            if path == STDOUT:
                sys.stdout.write(content.decode())
            else:
                write_atomically(path, content)
        if not self.places:
            sys.stdout.write(result.model_dump_json() + "\n")
