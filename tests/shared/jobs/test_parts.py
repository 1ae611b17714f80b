"""Parts of a video in Redis: leases, errors and the order of their tasks."""

import time

import pytest
from redis import Redis
from rq import Queue

from duygu.shared.broker import keys
from duygu.shared.config.api_keys import Priority
from duygu.shared.errors import CancelledError, CrashedError, OutOfMemoryError
from duygu.shared.jobs import parts as parts_module
from duygu.shared.jobs.order import part_task
from duygu.shared.jobs.parts import PartStore
from duygu.shared.jobs.queues import QueueName, enqueue_part, open_queue, waiting, withdraw_parts
from duygu.shared.jobs.record import JobRecord, new_job_id
from duygu.shared.jobs.store import JobStore
from tests.shared.jobs.test_place import submit

PLAN = [{"part": number} for number in range(3)]


def add(queue: Queue, priority: Priority = Priority.INTERACTIVE) -> JobRecord:
    """Queue a job."""
    return submit(queue, new_job_id(), owner=priority, priority=priority)


def start(queue: Queue, record: JobRecord, parts: int = 0) -> JobRecord:
    """Start a job and queue tasks for parts of it."""
    jobs = JobStore(queue.connection, 60)
    queue.remove(record.job_id)
    assert jobs.begin(record.job_id)
    for number in range(parts):
        task_id = enqueue_part(queue, record, number, 60)
        assert task_id
        jobs.order_part(task_id, record, queue.key)
    return record


@pytest.fixture
def queue(redis: Redis) -> Queue:
    """The queue of videos."""
    return open_queue(redis, QueueName.VIDEOS)


@pytest.fixture
def job_id(queue: Queue) -> str:
    """A running job with three parts."""
    record = start(queue, add(queue))
    PartStore(queue.connection).create(record.job_id, PLAN)
    return record.job_id


def test_each_part_is_claimed_once(redis: Redis, job_id: str) -> None:
    """Parts are claimed in their order; a returned one is claimed again, a finished one is not."""
    store = PartStore(redis)
    assert [store.claim(job_id, name) for name in "abcd"] == [0, 1, 2, None]
    assert store.release(job_id, 1, "b")
    assert store.finish(job_id, 0, "a", [1.5, 30, 15])
    assert [store.claim(job_id, name) for name in "ef"] == [1, None]
    state = store.read(job_id)
    assert state
    assert (state.plan, state.done, dict(state.progress)) == (PLAN, frozenset({0}), {0: [1.5, 30, 15]})


def test_only_the_holder_of_a_lease_changes_a_part(redis: Redis, job_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """After its lease has expired and another worker has the part, a worker cannot end it."""
    monkeypatch.setattr(parts_module, "LEASE_S", 0.05)
    store = PartStore(redis)
    assert store.claim(job_id, "slow") == 0
    time.sleep(0.1)
    monkeypatch.undo()
    assert store.claim(job_id, "next") == 0
    assert not store.renew(job_id, 0, "slow", [9, 9, 9])
    assert not store.finish(job_id, 0, "slow", [9, 9, 9])
    assert not store.fail(job_id, 0, "slow", OutOfMemoryError())
    assert store.finish(job_id, 0, "next", [1, 1, 1])
    assert not store.release(job_id, 0, "next")
    state = store.read(job_id)
    assert state
    assert (state.done, state.error) == (frozenset({0}), None)


def test_a_part_that_loses_two_workers_fails(redis: Redis, job_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """One lost lease is forgiven, as one crash of a job is."""
    monkeypatch.setattr(parts_module, "LEASE_S", 0.02)
    store = PartStore(redis)
    assert store.claim(job_id, "a") == 0
    time.sleep(0.05)
    assert store.claim(job_id, "b") == 0
    time.sleep(0.05)
    assert store.claim(job_id, "c") is None
    state = store.read(job_id)
    assert state
    assert isinstance(state.error, CrashedError)


def test_the_first_error_counts(redis: Redis, job_id: str) -> None:
    """The job fails with the error that was reported first."""
    store = PartStore(redis)
    assert [store.claim(job_id, name) for name in "ab"] == [0, 1]
    assert store.fail(job_id, 1, "b", OutOfMemoryError("too much"))
    assert store.fail(job_id, 0, "a", CrashedError())
    state = store.read(job_id)
    assert state
    assert state.error
    assert (type(state.error), state.error.detail) == (OutOfMemoryError, "too much")


def test_an_ended_job_has_no_parts_to_claim(redis: Redis, job_id: str) -> None:
    """Nothing is claimed of a job that has ended; erasing it deletes its parts."""
    jobs, store = JobStore(redis, 60), PartStore(redis)
    assert jobs.fail(job_id, CancelledError())
    assert store.claim(job_id, "a") is None
    jobs.erase(job_id)
    assert not redis.exists(keys.parts(job_id))
    assert store.read(job_id) is None


def test_parts_are_forgotten(redis: Redis, job_id: str) -> None:
    """Their number is returned once."""
    store = PartStore(redis)
    assert (store.forget(job_id), store.forget(job_id)) == (3, 0)


def test_parts_take_the_priority_of_their_job(queue: Queue) -> None:
    """Parts of an interactive job are ahead of what is bulk, behind waiting interactive jobs."""
    bulk = start(queue, add(queue, Priority.BULK), 1)
    waits = add(queue, Priority.BULK)
    first, second = add(queue), add(queue)
    start(queue, first, 2)
    later = add(queue)
    assert queue.get_job_ids() == [
        second.job_id,
        part_task(first.job_id, Priority.INTERACTIVE, 0),
        part_task(first.job_id, Priority.INTERACTIVE, 1),
        later.job_id,
        part_task(bulk.job_id, Priority.BULK, 0),
        waits.job_id,
    ]


def test_interactive_jobs_overtake_parts_of_bulk_jobs(queue: Queue) -> None:
    """They do so without any other job in the queue; a bulk job does not."""
    running = start(queue, add(queue, Priority.BULK), 1)
    part = part_task(running.job_id, Priority.BULK, 0)
    interactive, bulk = add(queue), add(queue, Priority.BULK)
    assert queue.get_job_ids() == [interactive.job_id, part, bulk.job_id]


def test_parts_are_no_waiting_jobs(queue: Queue) -> None:
    """They count towards no limit, are queued once, and are withdrawn without a trace."""
    record = start(queue, add(queue), 3)
    assert enqueue_part(queue, record, 1, 60) is None
    assert (queue.count, waiting(queue)) == (3, 0)
    withdraw_parts(queue, record, 3)
    assert queue.count == 0
    assert not [key for key in queue.connection.keys("rq:job:*") if b"part" in key]
