"""The rq worker that keeps its model loaded from one job to the next.

rq's own SimpleWorker runs jobs in its own process, as a loaded model needs (a fork with threads in it may hang), but it
sends no sign of life during a job, ignores requests to stop one, and leaves a killed worker's job alone for as long as
a job may take. Here a thread sends the signs of life, they expire soon, and requests to stop are passed on to the job.
"""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
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

from duygu.services.worker.context import Turn, Workplace, taking
from duygu.services.worker.control import HandedBackError, JobControl, PutOffError
from duygu.services.worker.sweeper import sweep
from duygu.services.worker.videos.tasks import tidy
from duygu.services.worker.webhooks.task import UndeliveredError
from duygu.shared.errors import CrashedError
from duygu.shared.jobs.heartbeat import HEARTBEAT_S, farewell, sign_of_life
from duygu.shared.jobs.queues import (
    ANALYZE_VIDEO,
    QueueName,
    TaskJob,
    enqueue_webhooks,
    open_queue,
    put_off,
    wake_sleepers,
)

logger = logging.getLogger(__name__)

JOB_TTL_S = 20
"""A job whose worker gave no sign of life for so long is taken for abandoned."""

WORKER_TTL_S = 60
"""rq's own record of a worker is kept for so long after its last sign of life."""

MAINTENANCE_S = 15
"""Seconds from one search for abandoned jobs to the next: one is found within JOB_TTL_S + MAINTENANCE_S."""


SWEEP_S = 60
"""Seconds from one search for what is left behind to the next."""

STAND_IN_S = 300
"""When no other worker has swept for so long, as they are at work or there are none, one for live sessions does."""

SWEEPING, SWEPT = "duygu:sweeping", "duygu:swept"
"""Keys that are there for SWEEP_S, and for STAND_IN_S, after a sweep has begun."""


class ModelWorker(SimpleWorker):
    """Serves one queue, one job at a time, at a workplace that is set up once."""

    max_connection_wait_time = 5.0
    log_result_lifespan = False

    def __init__(self, queue: Queue, place: Workplace, grace_s: float) -> None:
        super().__init__(
            [queue],
            connection=queue.connection,
            job_class=TaskJob,
            serializer=JSONSerializer,
            worker_ttl=HEARTBEAT_S + 15,  # rq waits for a job this long less 15 s before it gives a sign of life
            maintenance_interval=MAINTENANCE_S,
            exception_handlers=[self._on_exception],
        )
        self._place = place
        self._grace_s = grace_s
        self._webhooks = open_queue(queue.connection, QueueName.WEBHOOKS)
        self._control = JobControl()

    @property
    def queue(self) -> Queue:
        """The one queue."""
        return self.queues[0]

    @property
    def stopping(self) -> bool:
        """Whether it was told to end, rather than ending for a reason of its own."""
        return self._shutdown_requested_date is not None

    def execute_job(self, job: Job, queue: Queue) -> None:
        """Run one job here and now, with signs of life for as long as it takes."""
        self._control = JobControl()
        execution = self.prepare_execution(job)
        if self.stopping:
            self._control.hand_back_in(self._grace_s)
        with taking(Turn(self._place, self._control)), self._heartbeats(job, execution):
            self.perform_job(job, queue, execution)
        enqueue_webhooks(self._webhooks)
        self.set_state("idle")

    def kill_horse(self, sig: Any = None) -> None:
        """Stop the running job: rq calls this when a command to stop arrives, in a thread of its own."""
        self._control.cancel()

    def handle_warm_shutdown_request(self) -> None:
        """SIGTERM: a running job gets a moment to finish, then goes to another worker."""
        super().handle_warm_shutdown_request()  # type: ignore[no-untyped-call]
        self._control.hand_back_in(self._grace_s)

    def request_force_stop(self, signum: int, frame: Any) -> None:
        """SIGTERM again: a running job goes to another worker at once."""
        self._control.hand_back_in(0)

    def get_heartbeat_ttl(self, job: Job, working_time: float = 0.0) -> int:
        """How long rq believes in a job without another sign of life."""
        return JOB_TTL_S

    def heartbeat(self, timeout: int | None = None, pipeline: Pipeline | None = None) -> None:
        """Tell rq and the API that this worker lives."""
        super().heartbeat(WORKER_TTL_S, pipeline)
        sign_of_life(self.connection, self.queue.name, self.name)

    def register_death(self) -> None:
        """Tell rq and the API that this worker has ended."""
        super().register_death()  # type: ignore[no-untyped-call]
        farewell(self.connection, self.queue.name, self.name)

    def clean_registries(self) -> None:
        """Give abandoned jobs to the next worker, and clear away what has expired.

        One worker at a time does it; locks that expire see to that.
        """
        if self.connection.set(f"duygu:maintenance:{self.queue.name}", self.name, nx=True, ex=MAINTENANCE_S - 1):
            clean_registries(self.queue, self._exc_handlers)
            IntermediateQueue(self.queue.key, self.connection).cleanup(self, self.queue)
            wake_sleepers(self.queue)
            enqueue_webhooks(self._webhooks)  # whose worker was killed just then, or which were given up
        if self._is_to_sweep():
            self.connection.set(SWEPT, self.name, ex=STAND_IN_S)
            sweep(self._place, self.queue)
        self.last_cleaned_at = now()  # type: ignore[assignment]

    def _is_to_sweep(self) -> bool:
        """Whether it is time, and nobody else does it. Live sessions would wait: their workers only stand in."""
        if self.queue.name == QueueName.STREAMS and self.connection.exists(SWEPT):
            return False
        return bool(self.connection.set(SWEEPING, self.name, nx=True, ex=SWEEP_S))

    def handle_exception(self, job: Job, *exc_info: Any) -> None:
        """Log what a task raised; that a job is handed back, or tried again later, is nothing to worry about."""
        if exc_info[0] in (HandedBackError, PutOffError, UndeliveredError):
            logger.info("job %s comes again", job.id)
        else:
            super().handle_exception(job, *exc_info)

    def handle_job_failure(self, job: Job, queue: Queue, *args: Any, **kwargs: Any) -> None:
        """Run the job again, or give it up when it has ended its worker too often; handing back does not count."""
        if self._control.put_off_s is not None:
            put_off(job, self._control.put_off_s)
        elif self._control.handing_back:
            job.retries_left = (job.retries_left or 0) + 1
        given_up = not job.should_retry
        super().handle_job_failure(job, queue, *args, **kwargs)
        if given_up:
            self._give_up(job)

    def _on_exception(self, job: Job, kind: type[BaseException], error: BaseException, at: TracebackType) -> None:
        if kind is AbandonedJobError:
            logger.warning("job %s ended its worker, or its worker was killed", job.id)
            # rq lists an abandoned execution for a minute longer than it keeps it, and fails where it meets the gap.
            self.connection.delete(job.execution_registry.key)
            if not job.should_retry:
                self._give_up(job)

    def _give_up(self, job: Job) -> None:
        if job.func_name != ANALYZE_VIDEO:
            return  # nobody waits for it
        if self._place.jobs.fail(job.id, CrashedError()):
            self._place.metrics.jobs.labels(CrashedError.code).inc()
        tidy(self._place, job.id)

    @contextmanager
    def _heartbeats(self, job: Job, execution: Execution) -> Iterator[None]:
        ended = threading.Event()
        thread = threading.Thread(target=self._beat, args=(job, execution, ended), name="heartbeat", daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    def _beat(self, job: Job, execution: Execution, ended: threading.Event) -> None:
        while not ended.wait(HEARTBEAT_S):
            try:
                self.maintain_heartbeats(job, execution)
            except RedisError as error:
                logger.warning("no sign of life could be sent: %s", error)
