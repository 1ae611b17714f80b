"""Storage of uploads and results in a folder of a file system that the API and the workers share."""

import os
import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from duygu.shared.errors import EraseFailedError
from duygu.shared.schemas.base import JOB_ID
from duygu.shared.storage.base import (
    UPLOAD,
    Storage,
    StoredFile,
    StoredJob,
    checked_id,
    lengths,
    noticing_full_disk,
    persistently,
)

PARTIAL = ".partial"
"""Suffix of a file that is being written."""

PARTS = f"parts{PARTIAL}"
"""Name of an upload in parts until it is complete."""

READ_BYTES = 256 * 1024
"""Chunk size for reading a file that is sent."""


class FolderStorage(Storage):
    """The files of all jobs below one folder. Implements `Storage` in shared/storage/base.py."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextmanager
    def place(self, job_id: str, name: str) -> Iterator[Path]:
        """Yield a local path to write to; the file is stored if the block succeeds, and discarded otherwise."""
        path = self._path(job_id, name)
        partial = path.with_name(name + PARTIAL)
        try:
            with noticing_full_disk():
                path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                yield partial
                partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)

    def begin(self, job_id: str) -> str:
        """Begin an upload in parts."""
        path = self._path(job_id, PARTS)
        with noticing_full_disk():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.touch(mode=0o600)
        return ""

    @contextmanager
    def append(self, job_id: str, state: str, offset: int) -> Iterator["FolderAppender"]:
        """Continue an upload in parts behind its first `offset` bytes."""
        with noticing_full_disk(), self._path(job_id, PARTS).open("r+b") as file:
            if os.fstat(file.fileno()).st_size < offset:
                raise FileNotFoundError(PARTS)  # the disk was restored from an older state
            file.truncate(offset)
            file.seek(offset)
            yield FolderAppender(file)

    def complete(self, job_id: str, state: str) -> None:
        """Rename the parts to UPLOAD."""
        try:
            self._path(job_id, PARTS).replace(self._path(job_id, UPLOAD))
        except FileNotFoundError:
            self.stat(job_id, UPLOAD)  # completed before

    def abort(self, job_id: str, state: str) -> None:
        """Delete all files of the upload."""
        self.erase(job_id)

    def abort_stale(self, before: float, keep: Collection[str]) -> list[str]:
        """Nothing: the parts of an upload are a file, which `stored` lists."""
        return []

    @contextmanager
    def local(self, job_id: str, name: str) -> Iterator[Path]:
        """Yield a local path of a file, valid within the block."""
        path = self._path(job_id, name)
        if not path.exists():
            raise FileNotFoundError(path)
        yield path

    def read(self, job_id: str, name: str) -> bytes:
        """Return the content of a small file."""
        return self._path(job_id, name).read_bytes()

    def stat(self, job_id: str, name: str) -> StoredFile:
        """Return the size and the age of a file."""
        about = self._path(job_id, name).stat()
        return StoredFile(about.st_size, about.st_mtime)

    def pieces(self, job_id: str, name: str, start: int, stop: int) -> Iterator[bytes]:
        """Yield the bytes of a file from `start` to before `stop`, in chunks that are read on demand."""
        with self._path(job_id, name).open("rb") as file:
            file.seek(start)
            for length in lengths(stop - start, READ_BYTES):
                yield file.read(length)

    def remove(self, job_id: str, name: str) -> None:
        """Delete a file if it exists, and the job's folder when it is empty.

        Raises EraseFailedError.
        """
        try:
            self._path(job_id, name).unlink(missing_ok=True)
        except OSError as error:
            raise EraseFailedError from error
        with suppress(OSError):
            self._job(job_id).rmdir()

    def erase(self, job_id: str) -> None:
        """Delete all files of a job. Raises EraseFailedError when a file remains."""
        folder = self._job(job_id)

        def delete() -> None:
            failed: list[BaseException] = []
            shutil.rmtree(folder, onerror=lambda *at: failed.append(at[2][1]))  # continues after an error
            if failed and os.path.lexists(folder):
                raise EraseFailedError from failed[0]

        persistently(delete)

    def stored(self) -> list[StoredJob]:
        """Return every job with a folder."""
        if not self._folder.is_dir():
            return []
        found = []
        for folder in self._folder.iterdir():
            with suppress(FileNotFoundError):  # erased concurrently
                if JOB_ID.fullmatch(folder.name):
                    found.append(_look_into(folder))
        return found

    def free_bytes(self) -> int:
        """Return the free space of the disk."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return shutil.disk_usage(self._folder).free

    def check(self) -> None:
        """Check access by writing and deleting a file. Raises OSError when this fails."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        probe = self._folder / "probe"
        probe.write_bytes(b"")
        probe.unlink(missing_ok=True)

    def _job(self, job_id: str) -> Path:
        return self._folder / checked_id(job_id)

    def _path(self, job_id: str, name: str) -> Path:
        return self._job(job_id) / name


class FolderAppender:
    """Appends to a file. Implements `Appender` in shared/storage/base.py."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def write(self, piece: bytes) -> None:
        """Append the next chunk."""
        self._file.write(piece)

    def checkpoint(self) -> tuple[int, str]:
        """Flush; the whole length."""
        self._file.flush()
        return self._file.tell(), ""

    def keep(self) -> tuple[int, str]:
        """Flush; the whole length."""
        return self.checkpoint()

    def settle(self) -> None:
        """Do nothing: there is one file."""


def _look_into(folder: Path) -> StoredJob:
    files = list(folder.iterdir())
    names = frozenset(path.name for path in files if path.suffix != PARTIAL)
    written_at = max(path.stat().st_mtime for path in (folder, *files))
    return StoredJob(folder.name, names, written_at, sum(path.stat().st_size for path in files))
