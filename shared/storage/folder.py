"""Uploads and results below one folder of a file system that the API and the workers share."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from duygu.shared.errors import EraseFailedError
from duygu.shared.storage.base import JOB_ID, StoredFile, StoredJob, lengths, noticing_full_disk, persistently

PARTIAL = ".partial"
"""Ending of a file that is still being written."""

READ_BYTES = 256 * 1024
"""A file that is sent is read in pieces of this size."""


class FolderStorage:
    """The files of all jobs, below one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextmanager
    def place(self, job_id: str, name: str) -> Iterator[Path]:
        """A path on this machine to write to; its file appears whole when the block ends well, else not at all."""
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
        """The bytes of a file from `start` to before `stop`, in pieces, each read on demand."""
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


def _look_into(folder: Path) -> StoredJob:
    files = list(folder.iterdir())
    names = frozenset(path.name for path in files if path.suffix != PARTIAL)
    return StoredJob(folder.name, names, max(path.stat().st_mtime for path in (folder, *files)))
