"""Result files of a study: one JSON file per video, with the edits beside it."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from pydantic import ValidationError

from duygu.shared.errors import ConfigurationError, UnreadableFileError
from duygu.shared.model.recipe import explain
from duygu.shared.schemas.result import Result
from duygu.shared.workbench.edits.file import EXTENSION, read_edit_file

JSON = ".json"

DIGITS = 8
"""Digits of the hash that distinguishes videos of the same name."""


@dataclass(frozen=True, slots=True)
class ResultFiles:
    """A folder of results, and the file of each video in it."""

    folder: Path
    names: Mapping[Path, str]
    """Names of the files without `.json`, by the path of the video."""

    def path(self, video: Path) -> Path:
        """The result file of a video."""
        return self.folder / f"{self.names[video]}{JSON}"

    def computed(self, video: Path) -> Result:
        """The result without edits. Raises UnreadableFileError and ConfigurationError."""
        path = self.path(video)
        try:
            return Result.read(path.read_bytes())
        except ValidationError as error:
            raise ConfigurationError(f"{path.name} is not a result of Duygu: {explain(error)[:200]}") from error
        except OSError as error:
            raise UnreadableFileError(f"{path}: {error.strerror}") from error

    def edited(self, video: Path) -> Result:
        """The result with the edits of `NAME.edits.json`, if there are any.

        Raises as `computed`, OtherVideoError for edits of another video, and InvalidEditError.
        """
        edits = self.folder / f"{self.names[video]}{EXTENSION}"
        result = self.computed(video)
        return read_edit_file(edits).apply(result) if edits.exists() else result


def files_of(folder: Path, videos: Iterable[Path]) -> ResultFiles:
    """Files that are named after their videos; a hash of the path distinguishes videos of the same name."""
    videos = list(dict.fromkeys(videos))
    counts = Counter(video.stem.casefold() for video in videos)
    return ResultFiles(folder, {video: _name(video, counts[video.stem.casefold()]) for video in videos})


def _name(video: Path, count: int) -> str:
    digest = sha256(str(video).encode("utf-8", "surrogateescape")).hexdigest()
    return video.stem if count == 1 else f"{video.stem}-{digest[:DIGITS]}"


def existing_files(folder: Path, base: Path, videos: Iterable[Path]) -> ResultFiles:
    """Results that exist: `FOLDER/NAME.json`, or in the same subfolder as the video has relative to `base`."""
    return ResultFiles(folder, {video: _existing(folder, base, video) for video in videos})


def _existing(folder: Path, base: Path, video: Path) -> str:
    if video.is_relative_to(base):
        name = video.relative_to(base).with_suffix("").as_posix()
        if (folder / f"{name}{JSON}").exists():
            return name
    return video.stem
