"""The place of jobs in the queue."""

import random
from datetime import UTC, datetime

import pytest
from redis import Redis
from rq import Queue

from duygu.shared.broker import keys
from duygu.shared.config.api_keys import Priority
from duygu.shared.errors import NoVideoStreamError
from duygu.shared.jobs.place import places
from duygu.shared.jobs.queues import QueueName, enqueue_video, open_queue
from duygu.shared.jobs.record import JobRecord, new_job_id
from duygu.shared.jobs.store import JobStore
from duygu.shared.schemas.job import JobStatus


@pytest.fixture
def queue(redis: Redis) -> Queue:
    """The queue of videos."""
    return open_queue(redis, QueueName.VIDEOS)


def submit(queue: Queue, job_id: str, owner: str = "", priority: Priority = Priority.INTERACTIVE) -> JobRecord:
    """Create and queue a job, as the API does."""
    record = JobRecord(job_id, JobStatus.QUEUED, datetime.now(UTC), owner=owner, priority=priority)
    jobs = JobStore(queue.connection, 60)
    with queue.connection.pipeline() as pipeline:
        pipeline.watch(keys.job(job_id))  # type: ignore[no-untyped-call]
        pipeline.multi()
        jobs.create(record, pipeline)
        enqueue_video(queue, job_id, 60, pipeline)
        jobs.order(record, queue.key, pipeline)
        pipeline.execute()
    return record


def current(queue: Queue, job_ids: list[str]) -> dict[str, int | None]:
    """The places of jobs by their current records."""
    records = JobStore(queue.connection, 60).read_all(job_ids)
    return places(queue.connection, [record for record in records.values() if record])


@pytest.mark.parametrize("seed", range(5))
def test_a_place_is_the_number_of_jobs_before_and_never_grows(queue: Queue, seed: int) -> None:
    """Whatever happens to jobs, in whatever order their ids are: the place counts the unfinished ones before."""
    dice, jobs = random.Random(seed), JobStore(queue.connection, 60)  # noqa: S311 - no secret
    ids = [new_job_id() for _ in range(12)]
    dice.shuffle(ids)  # an id is made at the start of an upload, and a job at its end
    submitted: list[str] = []
    started: set[str] = set()
    ended: set[str] = set()
    before: dict[str, int] = {}
    for _ in range(60):
        action = dice.choice(["submit", "submit", "begin", "end", "requeue", "index"])
        open_jobs = [job_id for job_id in submitted if job_id not in ended]
        if action == "submit" and ids:
            submitted.append(ids.pop())
            submit(queue, submitted[-1], owner=dice.choice(["", "ann"]))
        elif action == "begin" and open_jobs:
            started.add(dice.choice(open_jobs))
            for job_id in started:
                jobs.begin(job_id)
        elif action == "requeue" and open_jobs:
            jobs.requeue(dice.choice(open_jobs))
        elif action == "end" and open_jobs:
            ended.add(dice.choice(open_jobs))
            for job_id in ended:
                jobs.fail(job_id, NoVideoStreamError())
        else:
            queue.connection.delete(keys.INDEXED)
            jobs.refresh_index()
        found = current(queue, submitted)
        for index, job_id in enumerate(submitted):
            unfinished = [other for other in submitted[:index] if other not in ended]
            wanted = None if job_id in ended else 0 if job_id in started else len(unfinished)
            assert found[job_id] == wanted
            assert wanted is None or wanted <= before.get(job_id, wanted)
        before |= {job_id: place for job_id, place in found.items() if place is not None}


def test_a_job_without_a_task_has_no_place(queue: Queue) -> None:
    """A job that vanished from rq has an unknown place, and is no error; nor is one that is not listed."""
    first, second, third = (submit(queue, new_job_id()) for _ in range(3))
    queue.connection.delete(f"rq:job:{second.job_id}")
    queue.connection.zrem(keys.UNFINISHED, keys.listing(third.job_id, ""))
    found = current(queue, [first.job_id, second.job_id, third.job_id])
    assert found == {first.job_id: 0, second.job_id: None, third.job_id: None}
    assert places(queue.connection, []) == {}


def test_a_job_of_an_earlier_version_takes_the_last_place(queue: Queue) -> None:
    """A job that a version without the index has added moves no other job back."""
    first = submit(queue, "0" * 31 + "1")
    old = submit(queue, "0" * 32)
    queue.connection.zrem(keys.UNFINISHED, keys.listing(old.job_id, ""))
    JobStore(queue.connection, 60).refresh_index()
    assert current(queue, [first.job_id, old.job_id]) == {first.job_id: 0, old.job_id: 1}
