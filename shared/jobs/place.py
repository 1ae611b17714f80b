"""The place of jobs in the queue: how many unfinished jobs are before each."""

from collections.abc import Sequence

from redis import Redis
from rq.job import Job

from duygu.shared.broker import keys
from duygu.shared.config.api_keys import Priority
from duygu.shared.jobs.order import may_overtake
from duygu.shared.jobs.record import JobRecord


def places(redis: Redis, records: Sequence[JobRecord]) -> dict[str, int | None]:
    """Number of jobs before each one, by job id; it never grows for a job.

    For a bulk job it includes the interactive jobs that may still be submitted and overtake it.

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
            pipeline.zscore(keys.UNFINISHED, keys.listing(record.job_id, record.owner))
            pipeline.exists(Job.key_for(record.job_id))
        pipeline.hmget(keys.QUEUE_CLOCK, "started", "interactive")
        *replies, clock = pipeline.execute()
    clock_places = float(clock[0] or 0), float(clock[1] or 0)
    found = zip(waiting, replies[::3], replies[1::3], replies[2::3], strict=True)
    return known | {
        record.job_id: _place(record, rank, place, clock_places) if has_task else None
        for record, rank, place, has_task in found
    }


def _place(record: JobRecord, rank: int | None, place: float | None, clock: tuple[float, float]) -> int | None:
    if rank is None or place is None or record.priority is not Priority.BULK:
        return rank
    return rank + may_overtake(place, *clock)


def _is_waiting(record: JobRecord) -> bool:
    return not record.ended and record.started_at is None
