"""Storage of uploads and results in a bucket, so that the API and the workers can run on different machines.

Files are written and processed on the local disk and transferred as a whole, so that an object is either complete or
absent. Files that are sent to a client are read from the bucket in chunks. Address and credentials come from the
variables that all S3 programs use: AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION,
AWS_SHARED_CREDENTIALS_FILE.
"""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import fsspec
from botocore.exceptions import BotoCoreError

from duygu.shared.errors import EraseFailedError, UnavailableError
from duygu.shared.schemas.base import JOB_ID
from duygu.shared.storage.base import (
    UPLOAD,
    Appender,
    Storage,
    StoredFile,
    StoredJob,
    checked_id,
    lengths,
    noticing_full_disk,
    persistently,
)
from duygu.shared.storage.multipart import MultipartAppender, MultipartUpload, Parts, unfinished, unless_completed
from duygu.shared.storage.scratch import Scratch

PIECE_BYTES, PIECES = 8 * 1024 * 1024, 2
"""Size of the parts of a large upload, and the number that is sent, and held in memory, at a time."""

READ_BYTES = 1024 * 1024
"""Chunk size of a download, so that an aborted one does not fetch the whole file."""

CONNECTION = {
    "connect_timeout": 3,
    "read_timeout": 20,
    "retries": {"total_max_attempts": 3, "mode": "standard"},
}
"""Options of botocore with which an unresponsive service is reported within seconds instead of ten minutes."""


class ObjectStorage(Storage):
    """The files of all jobs below one prefix of a bucket. Implements `Storage` in shared/storage/base.py.

    url      s3://bucket/prefix
    scratch  local folder for files in transfer
    """

    def __init__(self, url: str, scratch: Path) -> None:
        self._bucket = fsspec.filesystem(
            "s3", config_kwargs=CONNECTION, use_listings_cache=False, skip_instance_cache=True
        )
        self._root = url.removeprefix("s3://").strip("/")
        self._scratch = Scratch(scratch)

    @contextmanager
    def place(self, job_id: str, name: str) -> Iterator[Path]:
        """Yield a local path to write to; the file is uploaded if the block succeeds, and discarded otherwise."""
        key = self._key(job_id, name)
        with self._scratch.file() as path:
            with noticing_full_disk():
                yield path
            with _writing():
                self._bucket.put_file(str(path), key, chunksize=PIECE_BYTES, max_concurrency=PIECES)

    def begin(self, job_id: str) -> str:
        """Begin an upload in parts."""
        with _writing():
            return self._multipart(job_id).create().to_text()

    @contextmanager
    def append(self, job_id: str, state: str, offset: int) -> Iterator["_CheckedAppender"]:
        """Continue an upload in parts. The state has exactly `offset` bytes."""
        with _writing():
            appender = MultipartAppender(self._multipart(job_id), Parts.read(state))
        yield _CheckedAppender(appender)

    def complete(self, job_id: str, state: str) -> None:
        """Join the parts to UPLOAD."""
        with _reading():
            with unless_completed():
                self._multipart(job_id).complete(Parts.read(state))
            self.stat(job_id, UPLOAD)
        for key in self._bucket.find(self._folder(job_id)):
            if key.rpartition("/")[2].startswith("rest-"):
                self.remove(job_id, key.rpartition("/")[2])

    def abort(self, job_id: str, state: str) -> None:
        """Delete the parts and all files of the upload."""
        with _erasing(), unless_completed():
            if state:
                self._multipart(job_id).abort(Parts.read(state))
        self.erase(job_id)

    def abort_stale(self, before: float, keep: Collection[str]) -> list[str]:
        """Abort uploads in parts that began before a time, except those of some jobs; the ids of their jobs."""
        bucket, _, prefix = f"{self._root}/".partition("/")
        aborted = []
        with _erasing():
            for key, parts, began in unfinished(self._bucket, bucket, prefix):
                job_id = key.removeprefix(prefix).partition("/")[0]
                if began >= before or job_id in keep or not JOB_ID.fullmatch(job_id):
                    continue
                with unless_completed():
                    MultipartUpload(self._bucket, f"{bucket}/{key}").abort(parts)
                aborted.append(job_id)
        return aborted

    @contextmanager
    def local(self, job_id: str, name: str) -> Iterator[Path]:
        """Yield a local copy of a file, valid within the block."""
        key = self._key(job_id, name)
        with self._scratch.file() as path:
            with noticing_full_disk(), _reading():
                self._bucket.get_file(key, str(path))
            yield path

    def read(self, job_id: str, name: str) -> bytes:
        """Return the content of a small file."""
        with _reading():
            return bytes(self._bucket.cat_file(self._key(job_id, name)))

    def stat(self, job_id: str, name: str) -> StoredFile:
        """Return the size and the age of a file."""
        with _reading():
            about = self._bucket.info(self._key(job_id, name))
        if about["type"] != "file":
            raise FileNotFoundError(name)
        return StoredFile(about["size"], about["LastModified"].timestamp())

    def pieces(self, job_id: str, name: str, start: int, stop: int) -> Iterator[bytes]:
        """Yield the bytes of a file from `start` to before `stop`, in chunks that are fetched on demand."""
        key = self._key(job_id, name)
        for length in lengths(stop - start, READ_BYTES):
            with _reading():
                piece = bytes(self._bucket.cat_file(key, start=start, end=start + length))
            yield piece
            start += length

    def remove(self, job_id: str, name: str) -> None:
        """Delete a file if it exists. Raises EraseFailedError."""
        with _erasing():
            self._bucket.rm_file(self._key(job_id, name))

    def erase(self, job_id: str) -> None:
        """Delete all files of a job. Raises EraseFailedError when a file remains."""

        def delete() -> None:
            with _erasing():
                for key in self._bucket.find(self._folder(job_id)):
                    self._bucket.rm_file(key)

        persistently(delete)

    def stored(self) -> list[StoredJob]:
        """Return every job with a file."""
        with _writing():
            found = self._bucket.find(self._root, detail=True)
        jobs: dict[str, list[Mapping[str, Any]]] = {}
        for key, entry in found.items():
            job_id = key.removeprefix(f"{self._root}/").partition("/")[0]
            if JOB_ID.fullmatch(job_id):
                jobs.setdefault(job_id, []).append(entry)
        return [_stored_job(job_id, entries) for job_id, entries in jobs.items()]

    def free_bytes(self) -> int:
        """Return the free space for files in transfer; a bucket has no limit."""
        return self._scratch.free_bytes()

    def check(self) -> None:
        """Check access by writing and deleting an object."""
        with _writing():
            self._bucket.pipe_file(f"{self._root}/probe", b"")
            self._bucket.rm_file(f"{self._root}/probe")

    def _multipart(self, job_id: str) -> MultipartUpload:
        return MultipartUpload(self._bucket, self._key(job_id, UPLOAD))

    def _folder(self, job_id: str) -> str:
        return f"{self._root}/{checked_id(job_id)}"

    def _key(self, job_id: str, name: str) -> str:
        return f"{self._folder(job_id)}/{name}"


class _CheckedAppender:
    """Raises UnavailableError for errors of the bucket."""

    def __init__(self, appender: Appender) -> None:
        self._appender = appender

    def write(self, piece: bytes) -> None:
        """Append the next chunk."""
        with _writing():
            self._appender.write(piece)

    def checkpoint(self) -> tuple[int, str]:
        """The bytes of the uploaded parts."""
        return self._appender.checkpoint()

    def keep(self) -> tuple[int, str]:
        """Store the rest too."""
        with _writing():
            return self._appender.keep()

    def settle(self) -> None:
        """Delete earlier rests."""
        with _writing():
            self._appender.settle()


def _stored_job(job_id: str, entries: list[Mapping[str, Any]]) -> StoredJob:
    names = frozenset(str(entry["name"]).rpartition("/")[2] for entry in entries)
    written_at = max(entry["LastModified"].timestamp() for entry in entries)
    return StoredJob(job_id, names, written_at, sum(entry["size"] for entry in entries))


@contextmanager
def _reading() -> Iterator[None]:
    """Raise UnavailableError for errors of the bucket, except for FileNotFoundError."""
    try:
        yield
    except FileNotFoundError:
        raise
    except (BotoCoreError, OSError) as error:
        raise UnavailableError("The storage is unreachable or refuses the request") from error


@contextmanager
def _writing() -> Iterator[None]:
    """Like `_reading`; a missing object means that the bucket is missing."""
    try:
        with _reading():
            yield
    except FileNotFoundError as error:
        raise UnavailableError("The storage is unreachable or refuses the request") from error


@contextmanager
def _erasing() -> Iterator[None]:
    """Like `_writing`, but raise EraseFailedError: an object remains."""
    try:
        with _writing():
            yield
    except UnavailableError as error:
        raise EraseFailedError from error
