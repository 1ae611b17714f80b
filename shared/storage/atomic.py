"""Atomic writes: a file is either complete or absent. Devices, pipes and links stay what they are."""

import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

MOST_LINKS = 40
"""Links that are followed from one to the next, as Linux does."""


@contextmanager
def atomically(path: Path) -> Iterator[Path]:
    """Yield an empty temporary file, which replaces `path` at the end of the block and is deleted on an error.

    Of a symbolic link, the target is replaced. The content is copied into anything that is no regular file (see
    `is_stream`), also at the end of the block. The permissions of a file are those of any new file under the umask of
    the process.
    """
    with _through(path) if is_stream(path) else _replacing(Path(os.path.realpath(path))) as temporary:
        yield temporary


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file so that readers never see a part of it."""
    with atomically(path) as temporary:
        temporary.write_bytes(content)


def folder_of(path: Path) -> Path:
    """The folder that has to exist: that of the target of a link, or that of a device, FIFO or descriptor itself."""
    return Path(os.path.realpath(path)).parent if path.is_symlink() and not is_stream(path) else path.parent


def is_stream(path: Path) -> bool:
    """Whether a path is written from front to back: a device, FIFO or socket, or an open descriptor (`/dev/stdout`)."""
    return path.exists() and (_descriptor(path) is not None or not (path.is_file() or path.is_dir()))


def open_stream(path: Path) -> BinaryIO:
    """Open a device, FIFO or descriptor for writing, without truncation. A FIFO waits for its reader. Raises OSError.

    A descriptor is duplicated, since a socket cannot be opened by its name, and a file keeps its position.
    """
    number = _descriptor(path)
    return os.fdopen(os.open(path, os.O_WRONLY) if number is None else os.dup(number), "wb")


@contextmanager
def _replacing(path: Path) -> Iterator[Path]:
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    os.close(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))  # reduced by the umask
    try:
        yield temporary
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


@contextmanager
def _through(path: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="duygu-") as folder:
        temporary = Path(folder) / "output"
        temporary.touch()
        yield temporary
        with temporary.open("rb") as source, open_stream(path) as target:
            shutil.copyfileobj(source, target)


def _descriptor(path: Path) -> int | None:
    """The open descriptor of this process that a path names, also by links such as `/dev/stdout`; None for others."""
    folders = {"/dev/fd", os.path.realpath("/proc/self/fd")}
    for _ in range(MOST_LINKS):
        if os.path.realpath(path.parent) in folders and path.name.isdecimal():
            return int(path.name)
        if not path.is_symlink():
            return None
        path = path.parent / path.readlink()
    return None
