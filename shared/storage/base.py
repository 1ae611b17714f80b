"""The interface of a storage for uploads and results, and code that its implementations share.

A storage has one folder per job; the service chooses all file names. Implementations: `FolderStorage` for a folder on a
disk, `ObjectStorage` for a bucket.
"""

import errno
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from duygu.shared.errors import EraseFailedError, StorageFullError
from duygu.shared.schemas.base import JOB_ID

UPLOAD = "upload"
RESULT = "result.json"
PLOT = "timeline.png"
ANNOTATED_VIDEO = "annotated.mp4"
BLURRED_VIDEO = "blurred.mp4"
"""The video with every face covered. Edits do not change it."""
EDITED_RESULT, EDITED_PLOT, EDITED_ANNOTATED_VIDEO = "result-edited.json", "timeline-edited.png", "annotated-edited.mp4"
"""The result, the plot and the annotated video with edits; `versioned` adds their version to the name."""


def part_file(number: int) -> str:
    """Name of the file of a part of a video, which exists until the job has ended."""
    return f"part-{number:03}"


def versioned(name: str, version: int) -> str:
    """Name of a file for one version of the edits, so that no reader sees the content of another version."""
    stem, dot, extension = name.rpartition(".")
    return f"{stem}-{version}{dot}{extension}"


ERASE_PAUSES_S = (0.05, 0.2, 0.5)
"""Pauses between the attempts to erase files."""


@dataclass(frozen=True, slots=True)
class StoredJob:
    """The stored files of one job."""

    job_id: str
    files: frozenset[str]  # names, without files being written
    written_at: float  # time of the last write, in seconds since 1970
    size: int = 0  # bytes of all files


@dataclass(frozen=True, slots=True)
class StoredFile:
    """Size and age of a stored file."""

    size: int  # bytes
    written_at: float  # in seconds since 1970


class Appender(Protocol):
    """Appends bytes to a file that is not complete yet."""

    def write(self, piece: bytes) -> None:
        """Append the next chunk."""
        ...

    def checkpoint(self) -> tuple[int, str]:
        """Number of bytes that survive this process by now, and the state from which to continue."""
        ...

    def keep(self) -> tuple[int, str]:
        """Make every byte survive this process; their number, and the state from which to continue."""
        ...

    def settle(self) -> None:
        """Delete what the last state, which has been recorded, does not need any more."""
        ...


class Storage(Protocol):
    """The files of all jobs.

    Reading a missing file raises FileNotFoundError, and a full disk StorageFullError. A storage that cannot be reached
    or denies access raises UnavailableError or, in a folder, OSError.
    """

    def place(self, job_id: str, name: str) -> AbstractContextManager[Path]:
        """Yield a local path to write to; the file is stored if the block succeeds, and discarded otherwise."""
        ...

    @contextmanager
    def writer(self, job_id: str, name: str) -> Iterator[BinaryIO]:
        """Open a file for writing; it is stored if the block succeeds, and discarded otherwise."""
        with self.place(job_id, name) as path, path.open("wb") as file:
            yield file

    def begin(self, job_id: str) -> str:
        """Begin an upload in parts; the state from which to continue."""
        ...

    def append(self, job_id: str, state: str, offset: int) -> AbstractContextManager[Appender]:
        """Continue an upload in parts behind its first `offset` bytes; later ones, of a process that died, are lost."""
        ...

    def complete(self, job_id: str, state: str) -> None:
        """Make the parts the file UPLOAD. May be repeated. Raises FileNotFoundError for an unknown upload."""
        ...

    def abort(self, job_id: str, state: str) -> None:
        """Delete the parts of an upload, if they exist. Raises EraseFailedError."""
        ...

    def abort_stale(self, before: float, keep: Collection[str]) -> list[str]:
        """Delete the parts of uploads that began before a time, except those of some jobs; their ids.

        before  in seconds since 1970
        """
        ...

    def local(self, job_id: str, name: str) -> AbstractContextManager[Path]:
        """Yield a local path of a file, valid within the block."""
        ...

    def read(self, job_id: str, name: str) -> bytes:
        """Return the content of a small file."""
        ...

    def stat(self, job_id: str, name: str) -> StoredFile:
        """Return the size and the age of a file."""
        ...

    def pieces(self, job_id: str, name: str, start: int, stop: int) -> Iterator[bytes]:
        """Yield the bytes of a file from `start` to before `stop`, in chunks that are read on demand."""
        ...

    def remove(self, job_id: str, name: str) -> None:
        """Delete a file if it exists. Raises EraseFailedError."""
        ...

    def erase(self, job_id: str) -> None:
        """Delete all files of a job. Raises EraseFailedError when a file remains."""
        ...

    def stored(self) -> list[StoredJob]:
        """Return every job with stored files."""
        ...

    def free_bytes(self) -> int:
        """Return the free space for uploads."""
        ...

    def check(self) -> None:
        """Check access by writing and deleting a file."""
        ...


def checked_id(job_id: str) -> str:
    """Return the id of a job. Raises FileNotFoundError for any other text, as a path must not leave the storage."""
    if not JOB_ID.fullmatch(job_id):
        raise FileNotFoundError(job_id)
    return job_id


def persistently(erase: Callable[[], None]) -> None:
    """Retry an erasure that raises EraseFailedError a few times within a second, as a file may be being written.

    Raises EraseFailedError when the last attempt fails.
    """
    for pause_s in ERASE_PAUSES_S:
        try:
            return erase()
        except EraseFailedError:
            time.sleep(pause_s)
    return erase()


def lengths(size: int, most: int) -> Iterator[int]:
    """Split `size` into parts of at most `most`."""
    for start in range(0, size, most):
        yield min(most, size - start)


@contextmanager
def noticing_full_disk() -> Iterator[None]:
    """Raise StorageFullError where writing fails for lack of space."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise StorageFullError from error
