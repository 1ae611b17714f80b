"""Where uploads and results lie: one folder a job, with our own file names in it.

A folder on a disk is here; a bucket is in shared/storage/s3.py, which needs more packages.
"""

import errno
import hashlib
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from duygu.shared.config import Settings
from duygu.shared.errors import ConfigurationError, EraseFailedError, StorageFullError, TooLargeError

UPLOAD = "upload"
RESULT = "result.json"
PLOT = "timeline.png"
FILM = "annotated.mp4"

PARTIAL = ".partial"
"""Ending of a file that is still being written."""

READ_BYTES = 256 * 1024
"""A file that is sent is read in pieces of this size."""

ERASE_PAUSES_S = (0.05, 0.2, 0.5)
"""Waits between the attempts to erase what cannot be erased at once."""

JOB_ID = re.compile("[0-9a-f]{32}")


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
        """A path on this machine to write to; its file appears whole when the block ends well, and else not at all."""
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
        """The bytes of a file from `start` to before `stop`, in pieces, each read when it is asked for."""
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


class FolderStorage:
    """The files of all jobs, below one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextmanager
    def place(self, job_id: str, name: str) -> Iterator[Path]:
        """A path on this machine to write to; its file appears whole when the block ends well, and else not at all."""
        path = self._path(job_id, name)
        partial = path.with_name(name + PARTIAL)
        try:
            with noticing_full_disk():
                path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                yield partial
                partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)

    @contextmanager
    def writer(self, job_id: str, name: str) -> Iterator[BinaryIO]:
        """Write a file that appears whole when the block ends well, and not at all otherwise."""
        with self.place(job_id, name) as path, path.open("wb") as file:
            yield file

    @contextmanager
    def local(self, job_id: str, name: str) -> Iterator[Path]:
        """A file as a path on this machine, for as long as the block runs."""
        path = self._path(job_id, name)
        if not path.exists():
            raise FileNotFoundError(path)
        yield path

    def read(self, job_id: str, name: str) -> bytes:
        """The whole of a small file."""
        return self._path(job_id, name).read_bytes()

    def look(self, job_id: str, name: str) -> StoredFile:
        """How large a file is, and how old."""
        about = self._path(job_id, name).stat()
        return StoredFile(about.st_size, about.st_mtime)

    def pieces(self, job_id: str, name: str, start: int, stop: int) -> Iterator[bytes]:
        """The bytes of a file from `start` to before `stop`, in pieces, each read when it is asked for."""
        with self._path(job_id, name).open("rb") as file:
            file.seek(start)
            for length in lengths(stop - start, READ_BYTES):
                yield file.read(length)

    def remove(self, job_id: str, name: str) -> None:
        """Delete one file, if it is there, and the job's folder when nothing else is in it.

        Raises EraseFailedError.
        """
        try:
            self._path(job_id, name).unlink(missing_ok=True)
        except OSError as error:
            raise EraseFailedError from error
        with suppress(OSError):
            self._job(job_id).rmdir()

    def erase(self, job_id: str) -> None:
        """Delete everything of one job, if there is anything. Raises EraseFailedError when something of it stays."""
        folder = self._job(job_id)

        def delete() -> None:
            failed: list[BaseException] = []
            shutil.rmtree(folder, onerror=lambda *at: failed.append(at[2][1]))  # goes on behind what it cannot delete
            if failed and os.path.lexists(folder):
                raise EraseFailedError from failed[0]

        persistently(delete)

    def stored(self) -> list[StoredJob]:
        """Every job that has a folder."""
        if not self._folder.is_dir():
            return []
        found = []
        for folder in self._folder.iterdir():
            with suppress(FileNotFoundError):  # somebody has just erased it
                if JOB_ID.fullmatch(folder.name):
                    found.append(_look_into(folder))
        return found

    def free_bytes(self) -> int:
        """Room left on the disk."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return shutil.disk_usage(self._folder).free

    def check(self) -> None:
        """Write a file and delete it. Raises OSError when that cannot be done."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        probe = self._folder / "probe"
        probe.write_bytes(b"")
        probe.unlink(missing_ok=True)

    def _job(self, job_id: str) -> Path:
        if not JOB_ID.fullmatch(job_id):
            raise FileNotFoundError(job_id)
        return self._folder / job_id

    def _path(self, job_id: str, name: str) -> Path:
        return self._job(job_id) / name


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


def _look_into(folder: Path) -> StoredJob:
    files = list(folder.iterdir())
    names = frozenset(path.name for path in files if path.suffix != PARTIAL)
    return StoredJob(folder.name, names, max(path.stat().st_mtime for path in (folder, *files)))


@contextmanager
def noticing_full_disk() -> Iterator[None]:
    """Raise StorageFullError where writing fails for want of room."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise StorageFullError from error


class MeasuredWriter:
    """Writes on to a file while counting and hashing; refuses more than `limit` bytes with TooLargeError."""

    def __init__(self, file: BinaryIO, limit: int) -> None:
        self._file = file
        self._limit = limit
        self._hash = hashlib.sha256()
        self.size = 0

    def write(self, piece: bytes) -> None:
        """Take the next piece."""
        self.size += len(piece)
        if self.size > self._limit:
            raise TooLargeError.of_upload(self._limit)
        self._hash.update(piece)
        self._file.write(piece)

    @property
    def sha256(self) -> str:
        """Of everything so far, in hexadecimal."""
        return self._hash.hexdigest()


def open_storage(settings: Settings) -> Storage:
    """The storage that the settings name. Raises ConfigurationError."""
    scheme, separator, rest = settings.storage_url.partition("://")
    if not separator or scheme == "file":
        folder = rest if separator else settings.storage_url
        return FolderStorage(Path(folder) if folder else settings.data_dir / "jobs")
    if scheme != "s3":
        raise ConfigurationError(f"DUYGU_STORAGE_URL: {scheme} is not known; name a folder, or s3://bucket/prefix")
    try:
        from duygu.shared.storage.s3 import ObjectStorage
    except ImportError as error:
        raise ConfigurationError("DUYGU_STORAGE_URL: the extra `s3` is not installed") from error
    return ObjectStorage(settings.storage_url, settings.data_dir / "passing")
