"""The store of edits."""

from datetime import UTC, datetime

import pytest
from redis import Redis

from duygu.shared.errors import EditConflictError
from duygu.shared.jobs.edits import EditList, EditStore
from duygu.shared.jobs.record import JobRecord, new_job_id
from duygu.shared.jobs.store import JobStore
from duygu.shared.schemas.job import JobStatus
from duygu.shared.workbench.edits.operations import Rename

ANN, BOB = Rename(face_id=1, name="Ann"), Rename(face_id=1, name="Bob")


def test_a_repeated_command_writes_once(redis: Redis) -> None:
    """After a lost reply the same change succeeds without a second edit; another change is a conflict."""
    job_id, store = new_job_id(), EditStore(redis)
    with redis.pipeline() as pipeline:
        JobStore(redis, 60).create(JobRecord(job_id, JobStatus.QUEUED, datetime.now(UTC)), pipeline)
        pipeline.execute()
    written = store.replace(job_id, EditList(), [ANN])
    assert store.replace(job_id, EditList(), [ANN]) == written == EditList(1, (ANN,))
    with pytest.raises(EditConflictError):
        store.replace(job_id, EditList(), [BOB])
    assert store.read(job_id) == written
