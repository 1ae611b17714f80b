"""What goes through the queues."""

import pytest
from redis import Redis

from duygu.shared.jobs.queues import QueueName, enqueue_video, open_queue, withdraw

JOB = "a" * 32


def enqueue(redis: Redis) -> None:
    """Put one job into the queue."""
    with redis.pipeline() as pipeline:
        enqueue_video(open_queue(redis, QueueName.VIDEOS), JOB, 60, pipeline)
        pipeline.execute()


def test_a_task_is_text(redis: Redis) -> None:
    """Its arguments are JSON and nothing in it is a pickle."""
    enqueue(redis)
    job = open_queue(redis, QueueName.VIDEOS).fetch_job(JOB)
    assert job
    assert job.args == [JOB]
    assert job.timeout == 60


def test_only_our_tasks_are_run(redis: Redis) -> None:
    """A record that names anything else is refused when its function is looked up."""
    queue = open_queue(redis, QueueName.VIDEOS)
    job = queue.enqueue_call("os.system", args=("true",))
    with pytest.raises(ValueError, match="is not a task"):
        _ = job.func


def test_withdrawing_a_waiting_job_leaves_nothing(redis: Redis) -> None:
    """Neither in the queue nor beside it; and it may be done again."""
    enqueue(redis)
    queue = open_queue(redis, QueueName.VIDEOS)
    withdraw(queue, JOB)
    withdraw(queue, JOB)
    assert queue.count == 0
    assert [key for key in redis.keys("*") if JOB.encode() in key] == []
