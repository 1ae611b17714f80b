"""Files of jobs: whole or not at all, and nowhere else than in their folder."""

from pathlib import Path

import pytest

from shared.jobs import new_job_id
from shared.storage import UPLOAD, MeasuredWriter, Storage

JOB = "a" * 32


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
    """An empty one."""
    return Storage(tmp_path / "jobs")


def test_what_was_written_can_be_read(storage: Storage) -> None:
    """As bytes and as a path."""
    with storage.writer(JOB, UPLOAD) as file:
        file.write(b"film")
    assert storage.read(JOB, UPLOAD) == b"film"
    with storage.local(JOB, UPLOAD) as path:
        assert path.read_bytes() == b"film"
    assert storage.job_ids() == [JOB]


def test_a_write_that_fails_leaves_nothing(storage: Storage, tmp_path: Path) -> None:
    """Neither a half file nor an older one that looks like it."""
    with pytest.raises(RuntimeError), storage.writer(JOB, UPLOAD) as file:  # noqa: PT012 - it fails in the middle
        file.write(b"half")
        raise RuntimeError
    assert [path for path in (tmp_path / "jobs").rglob("*") if path.is_file()] == []
    with pytest.raises(FileNotFoundError):
        storage.read(JOB, UPLOAD)


@pytest.mark.parametrize("job_id", ["..", "", "a/b", "A" * 32, "a" * 31, f"{JOB}/.."])
def test_only_job_ids_name_folders(storage: Storage, job_id: str) -> None:
    """No id reaches outside."""
    with pytest.raises(FileNotFoundError):
        storage.read(job_id, UPLOAD)


def test_removing_and_erasing(storage: Storage, tmp_path: Path) -> None:
    """Removing the last file removes the folder; both may be done again."""
    for name in (UPLOAD, "result.json"):
        with storage.writer(JOB, name) as file:
            file.write(b"x")
    storage.remove(JOB, UPLOAD)
    assert storage.read(JOB, "result.json") == b"x"
    storage.remove(JOB, "result.json")
    assert list((tmp_path / "jobs").iterdir()) == []
    storage.remove(JOB, UPLOAD)
    storage.erase(JOB)
    assert storage.job_ids() == []


def test_files_are_for_their_owner_alone(storage: Storage, tmp_path: Path) -> None:
    """Nobody else on the machine may look into a job's folder."""
    with storage.writer(JOB, UPLOAD) as file:
        MeasuredWriter(file, 10).write(b"x")
    assert (tmp_path / "jobs" / JOB).stat().st_mode & 0o077 == 0


def test_job_ids_sort_by_age() -> None:
    """And no two are the same."""
    ids = [new_job_id() for _ in range(100)]
    assert len(set(ids)) == 100
    assert [job_id[:12] for job_id in ids] == sorted(job_id[:12] for job_id in ids)
