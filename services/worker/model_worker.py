"""The rq worker that keeps its model loaded from one job to the next.

rq's SimpleWorker runs jobs in its own process, as a loaded model needs (a fork of a process with threads may deadlock).
But it sends no heartbeat during a job, ignores stop commands, and retries a killed worker's job only after its timeout.
ModelWorker sends heartbeats from a thread, gives them a short time to live, and forwards stop commands to the job.
"""

import logging
import threading
from contextlib import AbstractContextManager
from functools import partial
from types import TracebackType
from typing import Any

from redis.client import Pipeline
from redis.exceptions import RedisError
from rq import Queue, SimpleWorker
from rq.exceptions import AbandonedJobError
from rq.executions import Execution
from rq.intermediate_queue import IntermediateQueue
from rq.job import Job
from rq.registry import clean_registries
from rq.serializers import JSONSerializer
from rq.utils import now

from duygu.services.worker.context import JobContext, WorkerContext, running
from duygu.services.worker.control import DeferredError, JobControl, RequeuedError
from duygu.services.worker.sweeper import sweep
from duygu.services.worker.videos.tasks import tidy
from duygu.services.worker.webhooks.task import UndeliveredError
from duygu.shared.errors import CrashedError
from duygu.shared.jobs.heartbeat import HEARTBEAT_S, deregister, send_heartbeat
from duygu.shared.jobs.queues import (
    ANALYZE_VIDEO,
    QueueName,
    TaskJob,
    defer_task,
    enqueue_webhooks,
    open_queue,
    wake_deferred,
)
from duygu.shared.runtime.background import in_background

logger = logging.getLogger(__name__)

JOB_TTL_S = 20
"""A job whose worker sent no heartbeat for so long counts as abandoned."""

WORKER_TTL_S = 60
"""Time to live of rq's record of a worker, from its last heartbeat."""

MAINTENANCE_S = 15
"""Seconds from one search for abandoned jobs to the next: one is found within JOB_TTL_S + MAINTENANCE_S."""


SWEEP_S = 60
"""Seconds from one sweep to the next."""

STAND_IN_S = 300
"""A worker for live sessions sweeps when no other worker has done so for this long."""

SWEEPING, SWEPT = "duygu:sweeping", "duygu:swept"
"""Keys that exist for SWEEP_S, and for STAND_IN_S, after the start of a sweep."""


class ModelWorker(SimpleWorker):
    """Serves one queue, one job at a time, with a context that is set up once."""

    max_connection_wait_time = 5.0
    log_result_lifespan = False

    def __init__(self, queue: Queue, context: WorkerContext, grace_s: float) -> None:
        super().__init__(
            [queue],
            connection=queue.connection,
            job_class=TaskJob,
            serializer=JSONSerializer,
            worker_ttl=HEARTBEAT_S + 15,  # rq waits for a job this long less 15 s before it sends a heartbeat
            maintenance_interval=MAINTENANCE_S,
            exception_handlers=[self._on_exception],
        )
        self._context = context
        self._grace_s = grace_s
        self._webhooks = open_queue(queue.connection, QueueName.WEBHOOKS)
        self._control = JobControl()

    @property
    def queue(self) -> Queue:
        """The one queue."""
        return self.queues[0]

    @property
    def stopping(self) -> bool:
        """Whether the worker ends because of a signal."""
        return self._shutdown_requested_date is not None

    def execute_job(self, job: Job, queue: Queue) -> None:
        """Run one job in this process, with heartbeats until its end."""
        self._control = JobControl()
        execution = self.prepare_execution(job)
        if self.stopping:
            self._control.requeue_in(self._grace_s)
        with running(JobContext(self._context, self._control)), self._heartbeats(job, execution):
            self.perform_job(job, queue, execution)
        enqueue_webhooks(self._webhooks)
        self.set_state("idle")

    def kill_horse(self, sig: Any = None) -> None:
        """Cancel the running job; rq calls this in a thread of its own when a stop command arrives."""
        self._control.cancel()

    def handle_warm_shutdown_request(self) -> None:
        """First SIGTERM: the running job may finish within the grace period, then goes to another worker."""
        super().handle_warm_shutdown_request()  # type: ignore[no-untyped-call]
        self._control.requeue_in(self._grace_s)

    def request_force_stop(self, signum: int, frame: Any) -> None:
        """Second SIGTERM: the running job goes to another worker at once."""
        self._control.requeue_in(0)

    def get_heartbeat_ttl(self, job: Job, working_time: float = 0.0) -> int:
        """Time to live of a running job's heartbeat in rq."""
        return JOB_TTL_S

    def heartbeat(self, timeout: int | None = None, pipeline: Pipeline | None = None) -> None:
        """Send a heartbeat to rq and to the API."""
        super().heartbeat(WORKER_TTL_S, pipeline)
        send_heartbeat(self.connection, self.queue.name, self.name)

    def register_death(self) -> None:
        """Deregister this worker from rq and the API."""
        super().register_death()  # type: ignore[no-untyped-call]
        deregister(self.connection, self.queue.name, self.name)

    def clean_registries(self) -> None:
        """Requeue abandoned jobs, wake deferred tasks, queue due webhooks, and sweep.

        Locks that expire keep two workers from doing it at the same time.
        """
        if self.connection.set(f"duygu:maintenance:{self.queue.name}", self.name, nx=True, ex=MAINTENANCE_S - 1):
            clean_registries(self.queue, self._exc_handlers)
            IntermediateQueue(self.queue.key, self.connection).cleanup(self, self.queue)
            wake_deferred(self.queue)
            enqueue_webhooks(self._webhooks)  # of jobs whose worker was killed, or that were given up
        if self._is_to_sweep():
            self.connection.set(SWEPT, self.name, ex=STAND_IN_S)
            sweep(self._context, self.queue)
        self.last_cleaned_at = now()  # type: ignore[assignment]

    def _is_to_sweep(self) -> bool:
        """Whether a sweep is due here. Workers for live sessions only stand in: their sessions wait meanwhile."""
        if self.queue.name == QueueName.LIVE and self.connection.exists(SWEPT):
            return False
        return bool(self.connection.set(SWEEPING, self.name, nx=True, ex=SWEEP_S))

    def handle_exception(self, job: Job, *exc_info: Any) -> None:
        """Log what a task raised; the exceptions of requeued and deferred tasks are no errors."""
        if exc_info[0] in (RequeuedError, DeferredError, UndeliveredError):
            logger.info("task %s is requeued", job.id)
        else:
            super().handle_exception(job, *exc_info)

    def handle_job_failure(self, job: Job, queue: Queue, *args: Any, **kwargs: Any) -> None:
        """Run the job again, or give it up when it has ended its worker too often; requeueing does not count."""
        if self._control.defer_s is not None:
            defer_task(job, self._control.defer_s)
        elif self._control.requeueing:
            job.retries_left = (job.retries_left or 0) + 1
        given_up = not job.should_retry
        super().handle_job_failure(job, queue, *args, **kwargs)
        if given_up:
            self._give_up(job)

    def _on_exception(self, job: Job, kind: type[BaseException], error: BaseException, at: TracebackType) -> None:
        if kind is AbandonedJobError:
            logger.warning("the worker of job %s crashed or was killed", job.id)
            # rq lists an abandoned execution for a minute longer than it stores it, and fails when it reads the gap.
            self.connection.delete(job.execution_registry.key)
            if not job.should_retry:
                self._give_up(job)

    def _give_up(self, job: Job) -> None:
        if job.func_name != ANALYZE_VIDEO:
            return  # it has no job record
        if self._context.jobs.fail(job.id, CrashedError()):
            self._context.metrics.jobs.labels(CrashedError.code).inc()
        tidy(self._context, job.id)

    def _heartbeats(self, job: Job, execution: Execution) -> AbstractContextManager[None]:
        return in_background(partial(self._beat, job, execution), "heartbeat")

    def _beat(self, job: Job, execution: Execution, ended: threading.Event) -> None:
        while not ended.wait(HEARTBEAT_S):
            try:
                self.maintain_heartbeats(job, execution)
            except RedisError as error:
                logger.warning("a heartbeat could not be sent: %s", error)
