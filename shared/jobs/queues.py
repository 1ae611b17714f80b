"""The queues between the API and the workers.

A task is stored by name with JSON arguments: the API imports no worker code, and write access to Redis does not allow
running other code.
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
from duygu.shared.jobs.order import PART, part_task
from duygu.shared.jobs.record import JobRecord


class QueueName(StrEnum):
    """A worker process serves one of these."""

    VIDEOS = "videos"
    LIVE = "streams"
    WEBHOOKS = "webhooks"


ANALYZE_VIDEO = "services.worker.tasks.analyze_video"

ANALYZE_PART = "services.worker.tasks.analyze_part"

DRAIN_LIVE = "services.worker.tasks.work_shift"

RENDER_EDITED = "services.worker.tasks.render_edited"

RENDER_BLURRED = "services.worker.tasks.render_blurred"

EXPORT_STUDY = "services.worker.studies.export_study"

SEND_WEBHOOK = "services.worker.webhook_task.send_webhook"

TASKS = {
    ANALYZE_VIDEO: "duygu.services.worker.videos.tasks.analyze_video",
    ANALYZE_PART: "duygu.services.worker.videos.parts.analyze_part",
    DRAIN_LIVE: "duygu.services.worker.videos.tasks.drain_live_sessions",
    RENDER_EDITED: "duygu.services.worker.videos.rendering.render_edited",
    RENDER_BLURRED: "duygu.services.worker.videos.rendering.render_blurred",
    EXPORT_STUDY: "duygu.services.worker.studies.task.export_study",
    SEND_WEBHOOK: "duygu.services.worker.webhooks.task.send_webhook",
}
"""Each task by its name in Redis, with the function that runs it. The names never change, so that API and workers of
different versions understand each other."""

DRAIN_TIMEOUT_S = 60
"""Timeout of a drain job, which ends by itself long before."""

WEBHOOK_TIMEOUT_S = 30
"""Timeout of one attempt to deliver a webhook."""

WEBHOOK_PAUSES_S = [5, 60, 300, 1800, 7200, 18000]
"""Delays between the attempts to deliver a webhook: seven attempts in seven and a half hours."""

STORAGE_PAUSES_S = [15, 30, 60, 120, 300, 600, 900, 1800]
"""Delays of a job that found the storage unavailable: nine attempts in a little more than an hour."""

CRASHES_FORGIVEN = 1
"""Retries of a job that has ended its worker; after that it fails."""


class TaskJob(Job):
    """An rq job that runs one of TASKS and nothing else, whatever its record in Redis names."""

    @property
    def func(self) -> Callable[..., Any] | None:
        """The task. Raises ValueError when the record names something else."""
        if self.func_name not in TASKS:
            raise ValueError(f"{self.func_name} is not a task of this service")
        task: Callable[..., Any] = import_attribute(TASKS[self.func_name])
        return task


def open_queue(redis: Redis, name: QueueName) -> Queue:
    """One of the queues, as the API and the workers open it."""
    return Queue(name.value, connection=redis, job_class=TaskJob, serializer=JSONSerializer)


def enqueue_video(queue: Queue, job_id: str, timeout_s: int, pipeline: Pipeline) -> None:
    """Queue a video's task as part of `pipeline`. rq deletes its record as soon as the task has ended."""
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


def enqueue_part(queue: Queue, record: JobRecord, number: int, timeout_s: int) -> str | None:
    """Queue a task that analyses a part of a job's video, any that waits; returns its id, None if it is queued already.

    number  of the task
    """
    task_id = part_task(record.job_id, record.priority, number)
    if holds(queue, task_id):
        return None
    queue.enqueue_call(
        ANALYZE_PART,
        args=(record.job_id,),
        job_id=task_id,
        timeout=timeout_s,
        result_ttl=0,
        failure_ttl=0,
        retry=Retry(max=CRASHES_FORGIVEN, enqueue_at_front=True),
        description=task_id,
    )
    return task_id


def _enqueue_once(
    queue: Queue, task_id: str, task: str, args: tuple[str | int, ...], timeout_s: int, *, at_front: bool = False
) -> None:
    """Queue a task unless it is queued or running already."""
    if not holds(queue, task_id):
        queue.enqueue_call(
            task,
            args=args,
            job_id=task_id,
            timeout=timeout_s,
            result_ttl=0,
            failure_ttl=0,
            description=task_id,
            at_front=at_front,
        )


def enqueue_render(queue: Queue, job_id: str, file: str, version: int, timeout_s: int) -> None:
    """Queue the rendering of an edited result's plot or video ahead of waiting videos, unless it is queued already.

    file     name of the stored file
    version  of the edits
    """
    task_id = f"render-{job_id}-{version}-{file.replace('.', '-')}"
    _enqueue_once(queue, task_id, RENDER_EDITED, (job_id, file, version), timeout_s, at_front=True)


def enqueue_blurred(queue: Queue, job_id: str, timeout_s: int) -> None:
    """Queue the video of a finished job with every face covered, unless it is queued already. It takes its turn."""
    _enqueue_once(queue, f"blurred-{job_id}", RENDER_BLURRED, (job_id,), timeout_s)


def export_task(export_id: str) -> str:
    """Id of the task that computes the ZIP of a study; the id keeps it unique."""
    return f"study-{export_id}"


def enqueue_export(queue: Queue, export_id: str, timeout_s: int) -> None:
    """Queue the ZIP of a study ahead of waiting videos, unless it is queued already: a person waits for it."""
    _enqueue_once(queue, export_task(export_id), EXPORT_STUDY, (export_id,), timeout_s, at_front=True)


def enqueue_drain(queue: Queue) -> None:
    """Queue a drain job: a worker serves live sessions until none is ready."""
    queue.enqueue_call(DRAIN_LIVE, timeout=DRAIN_TIMEOUT_S, result_ttl=0, failure_ttl=0, description="shift")


def webhook_task(job_id: str) -> str:
    """Id of the task that delivers a job's webhook; the id keeps it unique."""
    return f"webhook-{job_id}"


def enqueue_webhooks(queue: Queue) -> None:
    """Queue the due webhooks, each once, also when several processes call this at the same time."""
    redis = queue.connection
    for job_id in cast(set[bytes], redis.smembers(keys.WEBHOOKS_DUE)):
        _enqueue_webhook(queue, job_id.decode())


def _enqueue_webhook(queue: Queue, job_id: str) -> None:
    with queue.connection.pipeline() as pipeline, suppress(WatchError):  # another process has queued it
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


def defer_task(job: Job, seconds: int) -> None:
    """Schedule a task that is about to fail for another run, without using up a retry; `wake_deferred` queues it."""
    job.retries_left = (job.retries_left or 0) + 1
    job.retry_intervals = [seconds]


def waiting(queue: Queue) -> int:
    """Number of waiting tasks, deferred ones included; parts of running jobs do not count."""
    deferred = ScheduledJobRegistry(queue=queue)  # type: ignore[no-untyped-call]
    tasks = sum(not task_id.startswith(PART) for task_id in queue.get_job_ids())
    return tasks + queue.connection.zcard(deferred.key)


def wake_deferred(queue: Queue) -> None:
    """Queue the deferred tasks that are due. Only one process at a time may call this."""
    deferred = ScheduledJobRegistry(queue=queue)  # type: ignore[no-untyped-call]
    for task_id in deferred.get_jobs_to_schedule():
        task = queue.fetch_job(task_id)
        with queue.connection.pipeline() as pipeline:
            if task:
                if task.func_name == ANALYZE_VIDEO:
                    task.retry_intervals = [0]  # the delay was for the storage; a retry after a crash needs none
                queue._enqueue_job(task, pipeline=pipeline)
            deferred.remove(task_id, pipeline=pipeline)
            pipeline.execute()


def withdraw(queue: Queue, job_id: str) -> None:
    """Remove a job from the queue; when a worker runs it already, send that worker a stop command."""
    queue.remove(job_id)
    try:
        job = queue.job_class.fetch(job_id, connection=queue.connection, serializer=queue.serializer)
        if job.get_status(refresh=False) == TaskStatus.STARTED:
            send_stop_job_command(queue.connection, job_id, serializer=queue.serializer)
        else:
            job.delete()
    except (NoSuchJobError, InvalidJobOperation):
        return  # it has just ended


def withdraw_parts(queue: Queue, record: JobRecord, count: int) -> None:
    """Remove the waiting tasks of a job's parts from the queue; running ones find no part that waits."""
    for number in range(count):
        task_id = part_task(record.job_id, record.priority, number)
        if queue.connection.lrem(queue.key, 1, task_id):
            with suppress(NoSuchJobError, InvalidJobOperation):
                queue.job_class.fetch(task_id, connection=queue.connection, serializer=queue.serializer).delete()


def holds(queue: Queue, job_id: str) -> bool:
    """Whether a job's task waits or runs; true from its creation until its end."""
    return bool(queue.job_class.exists(job_id, connection=queue.connection))
