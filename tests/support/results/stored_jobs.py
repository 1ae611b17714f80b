"""Jobs that have ended with a given result, without an analysis."""

from datetime import UTC, datetime

from redis import Redis

from duygu.shared.config.settings import Settings
from duygu.shared.jobs.record import JobRecord, new_job_id
from duygu.shared.jobs.store import JobStore
from duygu.shared.schemas.job import JobStatus
from duygu.shared.schemas.result import Result
from duygu.shared.storage.base import PLOT, RESULT
from duygu.shared.storage.opening import open_storage


def store_result(redis: Redis, settings: Settings, result: Result, *, owner: str = "", annotate: bool = False) -> str:
    """Add a job that has succeeded with this result, and store the result as the worker does; the id of the job."""
    job_id, jobs = new_job_id(), JobStore(redis, settings.result_ttl)
    record = JobRecord(job_id, JobStatus.QUEUED, datetime.now(UTC), owner=owner, annotate=annotate)
    with redis.pipeline() as pipeline:
        jobs.create(record, pipeline)
        pipeline.execute()
    begun = jobs.begin(job_id)
    assert begun
    storage = open_storage(settings)
    with storage.writer(job_id, RESULT) as file:
        file.write(result.model_copy(update={"job_id": job_id}).model_dump_json().encode())
    with storage.writer(job_id, PLOT) as file:
        file.write(b"the plot of the computed result")
    assert jobs.succeed(job_id, begun.events + 1, faces=len(result.faces))
    return job_id
