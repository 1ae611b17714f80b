"""The tasks in the queues."""

import pytest
from redis import Redis

from duygu.shared.jobs.queues import QueueName, enqueue_video, open_queue, withdraw

JOB = "a" * 32


def enqueue(redis: Redis) -> None:
    """Enqueue one job."""
    with redis.pipeline() as pipeline:
        enqueue_video(open_queue(redis, QueueName.VIDEOS), JOB, 60, pipeline)
        pipeline.execute()


def test_a_task_is_text(redis: Redis) -> None:
    """The arguments of a task are stored as JSON, not as a pickle."""
    enqueue(redis)
    job = open_queue(redis, QueueName.VIDEOS).fetch_job(JOB)
    assert job
    assert job.args == [JOB]
    assert job.timeout == 60


def test_only_our_tasks_are_run(redis: Redis) -> None:
    """A task with a function that is not a task of the service is refused."""
    queue = open_queue(redis, QueueName.VIDEOS)
    job = queue.enqueue_call("os.system", args=("true",))
    with pytest.raises(ValueError, match="is not a task"):
        _ = job.func


def test_withdrawing_a_waiting_job_leaves_nothing(redis: Redis) -> None:
    """Withdrawing a waiting job removes all its keys, and may be repeated."""
    enqueue(redis)
    queue = open_queue(redis, QueueName.VIDEOS)
    withdraw(queue, JOB)
    withdraw(queue, JOB)
    assert queue.count == 0
    assert [key for key in redis.keys("*") if JOB.encode() in key] == []
