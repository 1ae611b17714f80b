"""Uploads and results in a bucket, so that the API and the workers can be on different machines.

Files are written and worked on on this machine's own disk and go to the bucket, or come from it, as a whole: one
appears there all at once or not at all. What is sent on to somebody is read from the bucket piece by piece. Address
and credentials of the service are read as every program for S3 reads them:
AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION, AWS_SHARED_CREDENTIALS_FILE.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import fsspec
from botocore.exceptions import BotoCoreError

from duygu.shared.errors import EraseFailedError, UnavailableError
from duygu.shared.storage.base import JOB_ID, StoredFile, StoredJob, lengths, noticing_full_disk, persistently
from duygu.shared.storage.scratch import Scratch

PIECE_BYTES, PIECES = 8 * 1024 * 1024, 2
"""A large file is sent in pieces of this size, so many at a time: each is held in memory."""

READ_BYTES = 1024 * 1024
"""A download is read from the bucket in pieces of this size, so that an aborted one does not fetch the whole file."""

CONNECTION = {
    "connect_timeout": 3,
    "read_timeout": 20,
    "retries": {"total_max_attempts": 3, "mode": "standard"},
}
"""For botocore: an unresponsive service is reported after seconds, not after ten minutes."""


class ObjectStorage:
    """The files of all jobs, below one prefix of a bucket: the interface is `Storage` in shared/storage/base.py.

    url      s3://bucket/prefix
    scratch  folder on this machine for files that are on their way
    """

    def __init__(self, url: str, scratch: Path) -> None:
        self._bucket = fsspec.filesystem(
            "s3", config_kwargs=CONNECTION, use_listings_cache=False, skip_instance_cache=True
        )
        self._root = url.removeprefix("s3://").strip("/")
        self._scratch = Scratch(scratch)

    @contextmanager
    def place(self, job_id: str, name: str) -> Iterator[Path]:
        """A path on this machine to write to; its file is in the bucket when the block ends well, and else is not."""
        key = self._key(job_id, name)
        with self._scratch.file() as path:
            with noticing_full_disk():
                yield path
            with _writing():
                self._bucket.put_file(str(path), key, chunksize=PIECE_BYTES, max_concurrency=PIECES)

    @contextmanager
    def writer(self, job_id: str, name: str) -> Iterator[BinaryIO]:
        """Write a file that appears whole when the block ends well, and not at all otherwise."""
        with self.place(job_id, name) as path, path.open("wb") as file:
            yield file

    @contextmanager
    def local(self, job_id: str, name: str) -> Iterator[Path]:
        """A copy of a file on this machine, for as long as the block runs."""
        key = self._key(job_id, name)
        with self._scratch.file() as path:
            with noticing_full_disk(), _reading():
                self._bucket.get_file(key, str(path))
            yield path

    def read(self, job_id: str, name: str) -> bytes:
        """The whole of a small file."""
        with _reading():
            return bytes(self._bucket.cat_file(self._key(job_id, name)))

    def look(self, job_id: str, name: str) -> StoredFile:
        """How large a file is, and how old."""
        with _reading():
            about = self._bucket.info(self._key(job_id, name))
        if about["type"] != "file":
            raise FileNotFoundError(name)
        return StoredFile(about["size"], about["LastModified"].timestamp())

    def pieces(self, job_id: str, name: str, start: int, stop: int) -> Iterator[bytes]:
        """The bytes of a file from `start` to before `stop`, in pieces, each fetched on demand."""
        key = self._key(job_id, name)
        for length in lengths(stop - start, READ_BYTES):
            with _reading():
                piece = bytes(self._bucket.cat_file(key, start=start, end=start + length))
            yield piece
            start += length

    def remove(self, job_id: str, name: str) -> None:
        """Delete one file, if it is there. Raises EraseFailedError."""
        with _erasing():
            self._bucket.rm_file(self._key(job_id, name))

    def erase(self, job_id: str) -> None:
        """Delete everything of one job, if there is anything. Raises EraseFailedError when something of it stays."""

        def delete() -> None:
            with _erasing():
                for key in self._bucket.find(self._folder(job_id)):
                    self._bucket.rm_file(key)

        persistently(delete)

    def stored(self) -> list[StoredJob]:
        """Every job that has a file."""
        with _writing():
            found = self._bucket.find(self._root, detail=True)
        jobs: dict[str, list[Mapping[str, Any]]] = {}
        for key, entry in found.items():
            job_id = key.removeprefix(f"{self._root}/").partition("/")[0]
            if JOB_ID.fullmatch(job_id):
                jobs.setdefault(job_id, []).append(entry)
        return [_stored_job(job_id, entries) for job_id, entries in jobs.items()]

    def free_bytes(self) -> int:
        """Room for files that are on their way; a bucket does not fill up."""
        return self._scratch.free_bytes()

    def check(self) -> None:
        """Write a file and delete it."""
        with _writing():
            self._bucket.pipe_file(f"{self._root}/probe", b"")
            self._bucket.rm_file(f"{self._root}/probe")

    def _folder(self, job_id: str) -> str:
        if not JOB_ID.fullmatch(job_id):
            raise FileNotFoundError(job_id)
        return f"{self._root}/{job_id}"

    def _key(self, job_id: str, name: str) -> str:
        return f"{self._folder(job_id)}/{name}"


def _stored_job(job_id: str, entries: list[Mapping[str, Any]]) -> StoredJob:
    names = frozenset(str(entry["name"]).rpartition("/")[2] for entry in entries)
    return StoredJob(job_id, names, max(entry["LastModified"].timestamp() for entry in entries))


@contextmanager
def _reading() -> Iterator[None]:
    """What is not there is FileNotFoundError; whatever else goes wrong in the bucket makes it unavailable."""
    try:
        yield
    except FileNotFoundError:
        raise
    except (BotoCoreError, OSError) as error:
        raise UnavailableError("The storage is unreachable or refuses the request") from error


@contextmanager
def _writing() -> Iterator[None]:
    """As reading; what is not there is the bucket itself."""
    try:
        with _reading():
            yield
    except FileNotFoundError as error:
        raise UnavailableError("The storage is unreachable or refuses the request") from error


@contextmanager
def _erasing() -> Iterator[None]:
    """As writing; whatever goes wrong means that something of the job stays."""
    try:
        with _writing():
            yield
    except UnavailableError as error:
        raise EraseFailedError from error
