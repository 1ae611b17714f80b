"""The storage of job files, in a folder and in a bucket."""

import errno
import os
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from duygu.shared.config.settings import Settings
from duygu.shared.errors import ConfigurationError, EraseFailedError, StorageFullError, UnavailableError
from duygu.shared.jobs.record import new_job_id
from duygu.shared.storage.base import ANNOTATED_VIDEO, RESULT, UPLOAD, Storage
from duygu.shared.storage.folder import FolderStorage
from duygu.shared.storage.measured_writer import MeasuredWriter
from duygu.shared.storage.opening import open_storage

JOB = "a" * 32


@pytest.fixture
def folder(tmp_path: Path) -> Storage:
    """An empty folder storage."""
    return FolderStorage(tmp_path / "jobs")


@pytest.fixture(params=["folder", "bucket"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    """An empty storage of each kind."""
    if request.param == "folder":
        return FolderStorage(tmp_path / "jobs")
    return open_storage(Settings(data_dir=tmp_path, storage_url=request.getfixturevalue("bucket_url")))


def test_what_was_written_can_be_read(storage: Storage) -> None:
    """A stored file is read back as bytes and as a path."""
    with storage.writer(JOB, UPLOAD) as file:
        file.write(b"film")
    assert storage.read(JOB, UPLOAD) == b"film"
    with storage.local(JOB, UPLOAD) as path:
        assert path.read_bytes() == b"film"
    assert [job.job_id for job in storage.stored()] == [JOB]


def test_a_write_that_fails_leaves_nothing(storage: Storage, tmp_path: Path) -> None:
    """A failed write leaves no file."""
    with pytest.raises(RuntimeError), storage.writer(JOB, UPLOAD) as file:  # noqa: PT012 - fails within the block
        file.write(b"half")
        raise RuntimeError
    assert [path for path in tmp_path.rglob("*") if path.is_file() and path.suffix != ".lock"] == []
    assert not any(job.files for job in storage.stored())
    with pytest.raises(FileNotFoundError):
        storage.read(JOB, UPLOAD)


@pytest.mark.parametrize("job_id", ["..", "", "a/b", "A" * 32, "a" * 31, f"{JOB}/.."])
def test_only_job_ids_name_folders(storage: Storage, job_id: str) -> None:
    """An invalid job id raises FileNotFoundError and reaches no file outside the storage."""
    with pytest.raises(FileNotFoundError):
        storage.read(job_id, UPLOAD)


@pytest.fixture
def undeletable(storage: Storage, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Lets a number of deletions of files and objects fail, as on a read-only disk."""
    left = [0]

    def failing(delete: Callable[..., Any]) -> Callable[..., Any]:
        def attempt(*which: Any, **how: Any) -> Any:
            if left[0]:
                left[0] -= 1
                raise PermissionError(errno.EROFS, "Read-only file system")
            return delete(*which, **how)

        return attempt

    monkeypatch.setattr("os.unlink", failing(os.unlink))
    if bucket := getattr(storage, "_bucket", None):
        monkeypatch.setattr(bucket, "rm_file", failing(bucket.rm_file))
    return left


def test_a_failed_erasure_is_reported(storage: Storage, undeletable: list[int]) -> None:
    """An erasure is retried when it fails, and raises EraseFailedError when the retries fail as well."""
    for name in (UPLOAD, RESULT):
        with storage.writer(JOB, name) as file:
            file.write(b"film")
    undeletable[0] = 1_000_000
    with pytest.raises(EraseFailedError):
        storage.erase(JOB)
    with pytest.raises(EraseFailedError):
        storage.remove(JOB, UPLOAD)
    assert [job.files for job in storage.stored()] == [{UPLOAD, RESULT}]
    undeletable[0] = 2
    storage.erase(JOB)
    assert storage.stored() == []


def test_removing_and_erasing(storage: Storage) -> None:
    """A job disappears with its last file; removing and erasing may be repeated."""
    for name in (UPLOAD, "result.json"):
        with storage.writer(JOB, name) as file:
            file.write(b"x")
    storage.remove(JOB, UPLOAD)
    assert storage.read(JOB, "result.json") == b"x"
    storage.remove(JOB, "result.json")
    assert storage.stored() == []
    storage.remove(JOB, UPLOAD)
    storage.erase(JOB)
    assert storage.stored() == []


def test_job_ids_and_ages_for_sweepers(storage: Storage) -> None:
    """The storage lists jobs with their files and their age, reports free space, and checks write access."""
    storage.check()
    assert storage.stored() == []
    assert storage.free_bytes() > 0
    for name in (UPLOAD, RESULT):
        with storage.writer(JOB, name) as file:
            file.write(b"x")
    [job] = storage.stored()
    assert (job.job_id, sorted(job.files)) == (JOB, [RESULT, UPLOAD])
    assert abs(time.time() - job.written_at) < 60
    storage.erase(JOB)
    assert storage.stored() == []


def test_a_file_larger_than_a_piece_arrives_whole(storage: Storage) -> None:
    """A file that a bucket stores in several parts is read back whole."""
    content = secrets.token_bytes(1_000_000) * 18
    with storage.writer(JOB, UPLOAD) as file:
        file.write(content)
    with storage.local(JOB, UPLOAD) as path:
        assert path.read_bytes() == content


def test_parts_are_read_without_the_rest(storage: Storage) -> None:
    """Any range of a file is read in chunks; a missing file raises FileNotFoundError."""
    content = secrets.token_bytes(2_500_000)
    before = time.time()
    with storage.writer(JOB, ANNOTATED_VIDEO) as file:
        file.write(content)
    about = storage.stat(JOB, ANNOTATED_VIDEO)
    assert about.size == len(content)
    assert abs(about.written_at - before) < 60
    for start, stop in ((0, 0), (7, 9), (5, 2_400_000), (0, len(content))):
        pieces = list(storage.pieces(JOB, ANNOTATED_VIDEO, start, stop))
        assert b"".join(pieces) == content[start:stop]
        assert max(map(len, pieces), default=0) <= 1024 * 1024
    with pytest.raises(FileNotFoundError):
        storage.stat(JOB, UPLOAD)
    with pytest.raises(FileNotFoundError):
        list(storage.pieces(JOB, UPLOAD, 0, 1))


def test_a_full_disk_is_an_error(storage: Storage) -> None:
    """A full disk raises StorageFullError, and no file is kept."""
    with pytest.raises(StorageFullError), storage.place(JOB, UPLOAD):
        raise OSError(errno.ENOSPC, "no space left on device")
    assert not any(job.files for job in storage.stored())


def test_an_unreachable_bucket_is_an_error(bucket_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bucket that cannot be reached raises UnavailableError within seconds."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    storage = open_storage(Settings(data_dir=tmp_path, storage_url=bucket_url))
    started = time.monotonic()
    with pytest.raises(UnavailableError):
        storage.check()
    assert time.monotonic() - started < 20


def test_a_missing_bucket_is_an_error(bucket_url: str, tmp_path: Path) -> None:
    """A bucket that does not exist raises UnavailableError; it does not count as empty."""
    storage = open_storage(Settings(data_dir=tmp_path, storage_url="s3://no-such-bucket/jobs"))
    with pytest.raises(UnavailableError):
        storage.check()
    with pytest.raises(UnavailableError), storage.writer(JOB, UPLOAD) as file:
        file.write(b"x")


@pytest.mark.parametrize("url", ["ftp://host/folder", "s4://bucket"])
def test_unknown_schemes_are_errors(url: str) -> None:
    """An unknown scheme of the storage URL is refused at the start."""
    with pytest.raises(ConfigurationError, match="STORAGE_URL"):
        open_storage(Settings(storage_url=url))


@pytest.mark.parametrize("prefix", ["", "file://"])
def test_a_folder_can_be_named(tmp_path: Path, prefix: str) -> None:
    """A folder is configured by a path or by a URL."""
    storage = open_storage(Settings(storage_url=f"{prefix}{tmp_path}"))
    with storage.writer(JOB, UPLOAD) as file:
        file.write(b"x")
    assert (tmp_path / JOB / UPLOAD).read_bytes() == b"x"


def test_files_are_for_their_owner_alone(folder: Storage, tmp_path: Path) -> None:
    """The folder of a job is accessible to its owner only."""
    with folder.writer(JOB, UPLOAD) as file:
        MeasuredWriter(file, 10).write(b"x")
    assert (tmp_path / "jobs" / JOB).stat().st_mode & 0o077 == 0


def test_job_ids_sort_by_age() -> None:
    """Job ids are unique and sort by age."""
    ids = [new_job_id() for _ in range(100)]
    assert len(set(ids)) == 100
    assert [job_id[:12] for job_id in ids] == sorted(job_id[:12] for job_id in ids)
