"""The place of jobs in the queue: how many unfinished jobs were submitted before each."""

from collections.abc import Sequence

from redis import Redis
from rq.job import Job

from duygu.shared.broker import keys
from duygu.shared.jobs.record import JobRecord


def places(redis: Redis, records: Sequence[JobRecord]) -> dict[str, int | None]:
    """Number of jobs before each one, by job id; it never grows for a job.

    0 once a job has started, also if it is queued again. None for a job that has ended, and for one whose place is
    unknown: it has no task. Takes O(log n) per waiting job for n unfinished jobs.
    """
    known = {record.job_id: None if record.ended else 0 for record in records}
    waiting = [record for record in records if _is_waiting(record)]
    if not waiting:
        return known
    with redis.pipeline(transaction=False) as pipeline:
        for record in waiting:
            pipeline.zrank(keys.UNFINISHED, keys.listing(record.job_id, record.owner))
            pipeline.exists(Job.key_for(record.job_id))
        ranks, tasks = (replies[start::2] for replies in [pipeline.execute()] for start in (0, 1))
    found = zip(waiting, ranks, tasks, strict=True)
    return known | {record.job_id: rank if has_task else None for record, rank, has_task in found}


def _is_waiting(record: JobRecord) -> bool:
    return not record.ended and record.started_at is None
