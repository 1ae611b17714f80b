"""The queues between the API and the workers.

Tasks are named by text and their arguments are JSON, so the API imports no worker code, and whoever can write to
Redis can name a task but not bring code along.
"""

from collections.abc import Callable
from contextlib import suppress
from enum import StrEnum
from typing import Any, cast

from redis import Redis
from redis.client import Pipeline
from redis.exceptions import WatchError
from rq import Queue, Retry
from rq.command import send_stop_job_command
from rq.exceptions import InvalidJobOperation, NoSuchJobError
from rq.job import Job
from rq.job import JobStatus as TaskStatus
from rq.registry import ScheduledJobRegistry
from rq.serializers import JSONSerializer
from rq.utils import import_attribute

from duygu.shared.broker import keys


class QueueName(StrEnum):
    """One worker process serves one of these."""

    VIDEOS = "videos"
    STREAMS = "streams"
    WEBHOOKS = "webhooks"


ANALYZE_VIDEO = "services.worker.tasks.analyze_video"

WORK_SHIFT = "services.worker.tasks.work_shift"

SEND_WEBHOOK = "services.worker.webhook_task.send_webhook"

TASKS = {
    ANALYZE_VIDEO: "duygu.services.worker.videos.tasks.analyze_video",
    WORK_SHIFT: "duygu.services.worker.videos.tasks.work_shift",
    SEND_WEBHOOK: "duygu.services.worker.webhooks.task.send_webhook",
}
"""Each task by its name in Redis, which never changes, with the function that runs it: API and workers of different
versions understand each other wherever the function moves."""

SHIFT_TIMEOUT_S = 60
"""A shift for live sessions ends by itself long before."""

WEBHOOK_TIMEOUT_S = 30
"""One attempt takes no longer, however slowly the other side answers."""

WEBHOOK_PAUSES_S = [5, 60, 300, 1800, 7200, 18000]
"""Waits between the attempts to deliver a webhook: seven attempts in seven and a half hours."""

STORAGE_PAUSES_S = [15, 30, 60, 120, 300, 600, 900, 1800]
"""Waits of a job that found the storage away: nine attempts in a little more than an hour."""

CRASHES_FORGIVEN = 1
"""A job that ends its worker is run again this often; after that it fails."""


class TaskJob(Job):
    """A job of rq's that runs one of our own tasks and nothing else, whatever its record in Redis names."""

    @property
    def func(self) -> Callable[..., Any] | None:
        """The task. Raises ValueError when the record names something else."""
        if self.func_name not in TASKS:
            raise ValueError(f"{self.func_name} is not a task of this service")
        task: Callable[..., Any] = import_attribute(TASKS[self.func_name])
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


def webhook_task(job_id: str) -> str:
    """Id of the task that delivers a job's webhook: there is never more than one."""
    return f"webhook-{job_id}"


def enqueue_webhooks(queue: Queue) -> None:
    """Queue the webhooks of all jobs that have ended, each once, whoever ended them and whoever else calls this."""
    redis = queue.connection
    for job_id in cast(set[bytes], redis.smembers(keys.WEBHOOKS_DUE)):
        _enqueue_webhook(queue, job_id.decode())


def _enqueue_webhook(queue: Queue, job_id: str) -> None:
    with queue.connection.pipeline() as pipeline, suppress(WatchError):  # whoever changed it has done the same
        pipeline.watch(keys.WEBHOOKS_DUE)  # type: ignore[no-untyped-call]
        if not pipeline.sismember(keys.WEBHOOKS_DUE, job_id):
            return
        pipeline.multi()
        pipeline.srem(keys.WEBHOOKS_DUE, job_id)
        queue.enqueue_call(
            SEND_WEBHOOK,
            args=(job_id,),
            job_id=webhook_task(job_id),
            timeout=WEBHOOK_TIMEOUT_S,
            result_ttl=0,
            failure_ttl=0,
            retry=Retry(max=len(WEBHOOK_PAUSES_S), interval=WEBHOOK_PAUSES_S),
            description=job_id,
            pipeline=pipeline,
        )
        pipeline.execute()


def put_off(job: Job, seconds: int) -> None:
    """Let a task that now fails come again after a while, woken by `wake_sleepers`; this costs it no retry."""
    job.retries_left = (job.retries_left or 0) + 1
    job.retry_intervals = [seconds]


def waiting(queue: Queue) -> int:
    """How many tasks wait, those that were put off among them."""
    sleeping = ScheduledJobRegistry(queue=queue)  # type: ignore[no-untyped-call]
    return queue.count + queue.connection.zcard(sleeping.key)


def wake_sleepers(queue: Queue) -> None:
    """Queue the tasks that wait for another attempt and whose time has come. One process at a time may do it."""
    sleeping = ScheduledJobRegistry(queue=queue)  # type: ignore[no-untyped-call]
    for task_id in sleeping.get_jobs_to_schedule():
        task = queue.fetch_job(task_id)
        with queue.connection.pipeline() as pipeline:
            if task:
                if task.func_name == ANALYZE_VIDEO:
                    task.retry_intervals = [0]  # the pause was for the storage, none is due after a crash
                queue._enqueue_job(task, pipeline=pipeline)
            sleeping.remove(task_id, pipeline=pipeline)
            pipeline.execute()


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
