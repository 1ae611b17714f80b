"""The queues between the API and the workers.

Tasks are named by text and their arguments are JSON, so the API imports no worker code, and whoever can write to
Redis can name a task but not bring code along.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import Any

from redis import Redis
from redis.client import Pipeline
from rq import Queue, Retry
from rq.command import send_stop_job_command
from rq.exceptions import InvalidJobOperation, NoSuchJobError
from rq.job import Job
from rq.job import JobStatus as TaskStatus
from rq.serializers import JSONSerializer


class QueueName(StrEnum):
    """One worker process serves one of these."""

    VIDEOS = "videos"
    STREAMS = "streams"


ANALYZE_VIDEO = "services.worker.tasks.analyze_video"

WORK_SHIFT = "services.worker.tasks.work_shift"

TASKS = frozenset({ANALYZE_VIDEO, WORK_SHIFT})

SHIFT_TIMEOUT_S = 60
"""A shift for live sessions ends by itself long before."""

CRASHES_FORGIVEN = 1
"""A job that ends its worker is run again this often; after that it fails."""


class TaskJob(Job):
    """A job of rq's that runs one of our own tasks and nothing else, whatever its record in Redis names."""

    @property
    def func(self) -> Callable[..., Any] | None:
        """The task. Raises ValueError when the record names something else."""
        if self.func_name not in TASKS:
            raise ValueError(f"{self.func_name} is not a task of this service")
        task: Callable[..., Any] | None = super().func
        return task


def open_queue(redis: Redis, name: QueueName) -> Queue:
    """One of the queues, as both sides see it."""
    return Queue(name.value, connection=redis, job_class=TaskJob, serializer=JSONSerializer)


def enqueue_video(queue: Queue, job_id: str, timeout_s: int, pipeline: Pipeline) -> None:
    """Put a video's job into the queue, as part of `pipeline`. rq forgets the job as soon as it has ended."""
    queue.enqueue_call(
        ANALYZE_VIDEO,
        args=(job_id,),
        job_id=job_id,
        timeout=timeout_s,
        result_ttl=0,
        failure_ttl=0,
        retry=Retry(max=CRASHES_FORGIVEN, enqueue_at_front=True),
        description=job_id,
        pipeline=pipeline,
    )


def enqueue_shift(queue: Queue) -> None:
    """Ask for a worker that answers live sessions until there is nothing to answer for a while."""
    queue.enqueue_call(WORK_SHIFT, timeout=SHIFT_TIMEOUT_S, result_ttl=0, failure_ttl=0, description="shift")


def withdraw(queue: Queue, job_id: str) -> None:
    """Take a job out of the queue or, when a worker has it already, ask that worker to stop."""
    queue.remove(job_id)
    try:
        job = queue.job_class.fetch(job_id, connection=queue.connection, serializer=queue.serializer)
        if job.get_status(refresh=False) == TaskStatus.STARTED:
            send_stop_job_command(queue.connection, job_id, serializer=queue.serializer)
        else:
            job.delete()
    except (NoSuchJobError, InvalidJobOperation):
        return  # it ended just now


def holds(queue: Queue, job_id: str) -> bool:
    """Whether a job's task is waiting or being worked on; it is, from the first moment until the job has ended."""
    return bool(queue.job_class.exists(job_id, connection=queue.connection))
