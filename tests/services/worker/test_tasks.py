"""What becomes of a job whose analysis goes wrong."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from redis import Redis

from services.worker.control import JobControl
from services.worker.tasks import analyze_video
from services.worker.workplace import Turn, Workplace, taking
from shared.job_store import JobStore
from shared.jobs import JobRecord, new_job_id
from shared.schemas import JobStatus, Result
from shared.storage import UPLOAD, FolderStorage


@pytest.mark.parametrize(("erased", "outcome"), [(True, "cancelled"), (False, "internal")])
def test_files_that_are_erased_under_its_hands_are_no_fault(
    redis: Redis, tmp_path: Path, caplog: pytest.LogCaptureFixture, *, erased: bool, outcome: str
) -> None:
    """A job that nobody wants any more ends as cancelled; without that, a lost file is a fault of ours."""
    control, job_id = JobControl(), new_job_id()

    def analyze(path: Path, **wishes: object) -> Result:
        if erased:
            control.cancel()
        raise FileNotFoundError(path)

    place = Workplace(JobStore(redis, 60), FolderStorage(tmp_path), analyze)
    with redis.pipeline() as pipeline:
        place.jobs.create(JobRecord(job_id, JobStatus.QUEUED, datetime.now(UTC)), pipeline)
        pipeline.execute()
    with place.storage.writer(job_id, UPLOAD) as file:
        file.write(b"film")
    with taking(Turn(place, control)):
        analyze_video(job_id)
    record = place.jobs.read(job_id)
    assert record
    assert record.error
    assert record.error.code == outcome
    assert any("lies with us" in message for message in caplog.messages) == (not erased)
    assert place.storage.stored() == []
