"""The files that `duygu watch` writes, checked before a camera is opened."""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from duygu.shared.errors import ConfigurationError
from duygu.shared.storage.atomic import folder_of

STDOUT = Path("-")
"""The path that names stdout."""


def require_writable(outputs: Sequence[tuple[str, Path]], sources: Iterable[str]) -> None:
    """Check the outputs, each with the name of its option, before anything is written.

    sources  addresses of the cameras, which may be files

    Raises ConfigurationError for an output that cannot be written, that would overwrite a source, or that is the file
    of another output.
    """
    originals = {os.path.realpath(source) for source in sources}
    taken: dict[str, str] = {}
    for option, path in outputs:
        file = str(STDOUT) if path == STDOUT else os.path.realpath(path)
        if other := taken.get(file):
            raise ConfigurationError(f"{other} and {option} cannot both be written to {shown_name(path)}")
        taken[file] = option
        if path != STDOUT:
            if file in originals:
                raise ConfigurationError(f"{option} would overwrite the source {path}")
            _require_place(option, path)


def _require_place(option: str, path: Path) -> None:
    if path.is_dir():
        raise ConfigurationError(f"cannot write {option} to {path}: it is a folder")
    folder = folder_of(path)
    if not folder.is_dir():
        raise ConfigurationError(f"cannot write {option} to {path}: the folder {folder} does not exist")
    if not os.access(path if path.exists() else folder, os.W_OK):
        raise ConfigurationError(f"cannot write {option} to {path}: it is not writable")


def shown_name(path: Path) -> str:
    """How a message names an output."""
    return "stdout" if path == STDOUT else str(path)
