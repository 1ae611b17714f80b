"""The order of jobs of two priorities in the queue."""

import random

import pytest
from redis import Redis
from rq import Queue

from duygu.shared.broker import keys
from duygu.shared.config.api_keys import Priority
from duygu.shared.errors import NoVideoStreamError
from duygu.shared.jobs.order import PER_BULK
from duygu.shared.jobs.queues import QueueName, open_queue
from duygu.shared.jobs.record import new_job_id
from duygu.shared.jobs.store import JobStore
from tests.shared.jobs.test_place import current, submit


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


@pytest.fixture
def queue(redis: Redis) -> Queue:
    """The queue of videos."""
    return open_queue(redis, QueueName.VIDEOS)


def add(queue: Queue, priority: str) -> str:
    """Submit a job of a key of this priority."""
    return submit(queue, new_job_id(), owner=priority, priority=Priority(priority)).job_id


def serve(queue: Queue) -> str:
    """Start and end the first waiting job, as a worker does; returns its id."""
    job_id = str(queue.pop_job_id())
    jobs = JobStore(queue.connection, 60)
    assert jobs.begin(job_id)
    queue.connection.delete(f"rq:job:{job_id}")
    jobs.fail(job_id, NoVideoStreamError())
    return job_id


def test_interactive_jobs_start_before_waiting_bulk_jobs(queue: Queue) -> None:
    """A job of an interactive key starts before a hundred bulk jobs; jobs of one priority keep their order."""
    bulk = [add(queue, "bulk") for _ in range(100)]
    first, second = add(queue, "interactive"), add(queue, "interactive")
    assert [serve(queue) for _ in range(4)] == [first, second, *bulk[:2]]
    third = add(queue, "interactive")
    assert [serve(queue), serve(queue)] == [third, bulk[2]]


def test_a_bulk_job_starts_under_constant_load(queue: Queue) -> None:
    """However many interactive jobs are submitted, each bulk job is overtaken by at most PER_BULK for each bulk job."""
    for _ in range(10):
        add(queue, "interactive")
    bulk = [add(queue, "bulk") for _ in range(5)]
    served: list[str] = []
    while not set(bulk) <= set(served):
        for _ in range(2):  # more than are served
            add(queue, "interactive")
        served.append(serve(queue))
        assert len(served) <= 10 + len(bulk) * (PER_BULK + 1)
    for number, job_id in enumerate(bulk):
        assert served.index(job_id) <= 10 + number + PER_BULK * (number + 1)


def test_a_single_bulk_job_is_served_at_once_when_nothing_else_waits(queue: Queue) -> None:
    """Priority costs nothing while there is no load."""
    bulk = add(queue, "bulk")
    assert serve(queue) == bulk


@pytest.mark.parametrize("seed", range(8))
def test_ahead_is_an_upper_bound_and_never_grows(queue: Queue, seed: int) -> None:
    """Whatever is submitted, served and erased: `ahead` never grows, and is at least the jobs that start before.

    For interactive jobs it is their exact number; the queue of rq is in the order of the places.
    """
    dice = random.Random(seed)  # noqa: S311 - no secret
    waiting: dict[str, str] = {}
    reported: dict[str, int] = {}
    for _ in range(150):
        action = dice.choice(["interactive", "bulk", "serve", "serve", "erase"])
        if action in ("interactive", "bulk"):
            waiting[add(queue, action)] = action
        elif waiting and action == "serve":
            del waiting[serve(queue)]
        elif waiting:
            erased = dice.choice(list(waiting))
            queue.remove(erased)
            JobStore(queue.connection, 60).erase(erased)
            del waiting[erased]
        found = current(queue, list(waiting))
        order = [_text(job_id) for job_id in queue.connection.lrange(queue.key, 0, -1)]
        places = [_text(listing).split()[0] for listing in queue.connection.zrange(keys.UNFINISHED, 0, -1)]
        assert order == places
        for job_id, ahead in found.items():
            assert ahead is not None
            assert ahead >= order.index(job_id)
            assert ahead <= reported.get(job_id, ahead)
            if waiting[job_id] == "interactive":
                assert ahead == order.index(job_id)
        reported |= {job_id: ahead for job_id, ahead in found.items() if ahead is not None}


def test_jobs_of_an_earlier_version_are_not_overtaken(queue: Queue) -> None:
    """A job without a place that the index adds is behind all others, and no later job is placed before it."""
    bulk = add(queue, "bulk")
    old = add(queue, "interactive")
    queue.remove(old)
    queue.push_job_id(old)
    queue.connection.zrem(keys.UNFINISHED, keys.listing(old, "interactive"))
    JobStore(queue.connection, 60).refresh_index()
    add(queue, "interactive")
    assert [serve(queue), serve(queue)] == [bulk, old]
