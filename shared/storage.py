"""Where uploads and results lie: one folder a job, with our own file names in it."""

import hashlib
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from shared.config import Settings
from shared.errors import TooLargeError

UPLOAD = "upload"
RESULT = "result.json"
PLOT = "timeline.png"
FILM = "annotated.mp4"

PARTIAL = ".partial"
"""Ending of a file that is still being written."""

JOB_ID = re.compile("[0-9a-f]{32}")


class Storage:
    """The files of all jobs, below one folder. Reading what is not there raises FileNotFoundError."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextmanager
    def place(self, job_id: str, name: str) -> Iterator[Path]:
        """A path on this machine to write to; its file appears whole when the block ends well, and else not at all."""
        path = self._path(job_id, name)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        partial = path.with_name(name + PARTIAL)
        try:
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

    def remove(self, job_id: str, name: str) -> None:
        """Delete one file, if it is there, and the job's folder when nothing else is in it."""
        self._path(job_id, name).unlink(missing_ok=True)
        with suppress(OSError):
            self._job(job_id).rmdir()

    def erase(self, job_id: str) -> None:
        """Delete everything of one job, if there is anything."""
        shutil.rmtree(self._job(job_id), ignore_errors=True)

    def job_ids(self) -> list[str]:
        """Every job that has a folder."""
        if not self._folder.is_dir():
            return []
        return [path.name for path in self._folder.iterdir() if JOB_ID.fullmatch(path.name)]

    def has(self, job_id: str, name: str) -> bool:
        """Whether a file is there, whole."""
        return self._path(job_id, name).exists()

    def idle_s(self, job_id: str) -> float:
        """Seconds since anything of a job was written."""
        folder = self._job(job_id)
        return time.time() - max(path.stat().st_mtime for path in (folder, *folder.iterdir()))

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
            raise TooLargeError(f"The upload is larger than {self._limit / 1_000_000:g} MB")
        self._hash.update(piece)
        self._file.write(piece)

    @property
    def sha256(self) -> str:
        """Of everything so far, in hexadecimal."""
        return self._hash.hexdigest()


def open_storage(settings: Settings) -> Storage:
    """The storage that the settings name."""
    return Storage(settings.data_dir / "jobs")
