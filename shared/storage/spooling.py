"""Videos from a pipe. Decoding seeks, and an annotated video is read twice, so that pipes are copied to a file."""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from duygu.shared.errors import ConfigurationError, TooLargeError
from duygu.shared.errors.requests import MB

STDIN = Path("/dev/stdin")

STDIN_NAMES = frozenset(map(Path, ("/dev/stdin", "/dev/fd/0", "/proc/self/fd/0")))

DESCRIPTOR_FOLDERS = frozenset(map(Path, ("/dev/fd", "/proc/self/fd")))
"""Folders of the path of a process substitution, `<(command)`."""

PIECE_BYTES = 1 << 20


def is_pipe(path: Path) -> bool:
    """Return whether a path can only be read once and in order, such as a FIFO, a socket or `/dev/stdin`."""
    return path.exists() and not path.is_file() and not path.is_dir()


def pipe_name(path: Path) -> str | None:
    """Return `stdin` or `pipe` for the path of an open file descriptor, whose number is no name, and None otherwise."""
    if path in STDIN_NAMES:
        return "stdin"
    return "pipe" if path.parent in DESCRIPTOR_FOLDERS else None


@contextmanager
def seekable(path: Path, limit_bytes: int) -> Iterator[Path]:
    """Yield the path of a file or, for a pipe, of a temporary copy with the same name.

    Raises TooLargeError when the pipe has more than `limit_bytes`, ConfigurationError when stdin is a terminal, and
    OSError when the pipe cannot be read or there is no space for the copy.
    """
    if not is_pipe(path):
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="duygu-") as folder:
        copy = Path(folder) / path.name
        with _opened(path) as source, copy.open("wb") as target:
            _copy(source, target, limit_bytes)
        yield copy


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    if path not in STDIN_NAMES:
        with path.open("rb") as file:
            yield file
    elif sys.stdin is None or os.isatty(sys.stdin.fileno()):
        raise ConfigurationError("stdin is a terminal; pipe a video into it: cat film.mp4 | duygu analyze -")
    else:
        # A socket can be read through this descriptor, but cannot be opened by its name.
        with os.fdopen(os.dup(sys.stdin.fileno()), "rb") as file:
            yield file


def _copy(source: BinaryIO, target: BinaryIO, limit_bytes: int) -> None:
    received = 0
    while piece := source.read(PIECE_BYTES):
        received += len(piece)
        if received > limit_bytes:
            raise TooLargeError(
                f"more than {limit_bytes / MB:g} MB came through the pipe, the limit of DUYGU_MAX_UPLOAD_MB"
            )
        target.write(piece)
