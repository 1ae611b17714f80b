"""The interface of a storage for uploads and results, and what its implementations share.

A storage holds one folder for each job; the service chooses all file names. Implementations: `FolderStorage` for a
folder on a disk, `ObjectStorage` for a bucket.
"""

import errno
import re
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from duygu.shared.errors import EraseFailedError, StorageFullError

UPLOAD = "upload"
RESULT = "result.json"
PLOT = "timeline.png"
FILM = "annotated.mp4"

ERASE_PAUSES_S = (0.05, 0.2, 0.5)
"""Waits between the attempts to erase what cannot be erased at once."""

JOB_ID = re.compile("[0-9a-f]{32}")
"""The id of a job, which is also the name of its folder."""


@dataclass(frozen=True, slots=True)
class StoredJob:
    """What is stored of one job."""

    job_id: str
    files: frozenset[str]  # names, without those that are still being written
    written_at: float  # when anything was written last, in seconds since 1970


@dataclass(frozen=True, slots=True)
class StoredFile:
    """One file that is stored."""

    size: int  # bytes
    written_at: float  # in seconds since 1970


class Storage(Protocol):
    """The files of all jobs.

    Reading what is not there raises FileNotFoundError, a full disk StorageFullError, and a place that cannot be
    reached or that does not let us in UnavailableError or, where it is a folder, OSError.
    """

    def place(self, job_id: str, name: str) -> AbstractContextManager[Path]:
        """A path on this machine to write to; its file appears whole when the block ends well, else not at all."""
        ...

    def writer(self, job_id: str, name: str) -> AbstractContextManager[BinaryIO]:
        """Write a file that appears whole when the block ends well, and not at all otherwise."""
        ...

    def local(self, job_id: str, name: str) -> AbstractContextManager[Path]:
        """A file as a path on this machine, for as long as the block runs."""
        ...

    def read(self, job_id: str, name: str) -> bytes:
        """The whole of a small file."""
        ...

    def look(self, job_id: str, name: str) -> StoredFile:
        """How large a file is, and how old."""
        ...

    def pieces(self, job_id: str, name: str, start: int, stop: int) -> Iterator[bytes]:
        """The bytes of a file from `start` to before `stop`, in pieces, each read on demand."""
        ...

    def remove(self, job_id: str, name: str) -> None:
        """Delete one file, if it is there. Raises EraseFailedError."""
        ...

    def erase(self, job_id: str) -> None:
        """Delete everything of one job, if there is anything. Raises EraseFailedError when something of it stays."""
        ...

    def stored(self) -> list[StoredJob]:
        """Every job that has something here."""
        ...

    def free_bytes(self) -> int:
        """Room left for uploads."""
        ...

    def check(self) -> None:
        """Write a file and delete it."""
        ...


def persistently(erase: Callable[[], None]) -> None:
    """Try again what raises EraseFailedError, a few times within a second: somebody may just be writing there.

    Raises EraseFailedError when it fails each time.
    """
    for pause_s in ERASE_PAUSES_S:
        try:
            return erase()
        except EraseFailedError:
            time.sleep(pause_s)
    return erase()


def lengths(size: int, most: int) -> Iterator[int]:
    """`size` in parts of at most `most`."""
    for start in range(0, size, most):
        yield min(most, size - start)


@contextmanager
def noticing_full_disk() -> Iterator[None]:
    """Raise StorageFullError where writing fails for want of room."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise StorageFullError from error
