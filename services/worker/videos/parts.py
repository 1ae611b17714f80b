"""A long video in parts: the job's own worker cuts it, analyses parts as others do, and joins their results.

The job's task claims parts like any other worker, so that one worker finishes the job alone. Only this task joins, and
only this task ends the job.
"""

import logging
import secrets
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, TypeVar

from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from duygu.services.worker.context import JobContext, JoinedVideo, VideoParts, WorkerContext, current_job
from duygu.services.worker.control import RequeuedError
from duygu.services.worker.failures import FAILURES, error_of
from duygu.shared.errors import (
    CancelledError,
    DuyguError,
    UnavailableError,
    VideoError,
)
from duygu.shared.jobs.parts import PartsState
from duygu.shared.jobs.queues import enqueue_part, withdraw_parts
from duygu.shared.jobs.record import JobRecord
from duygu.shared.runtime.background import in_background
from duygu.shared.runtime.telemetry.logs import about
from duygu.shared.schemas.result import Result, Window
from duygu.shared.storage.base import UPLOAD, part_file
from duygu.shared.vision.progress import Progress
from duygu.shared.vision.split.unjoinable import UnjoinableError

logger = logging.getLogger(__name__)

RENEW_S = 1.0
"""Seconds between the renewals of a lease, which also report progress."""

LOOK_S = 0.2
"""Seconds after which a job that waits for other workers looks again."""

T = TypeVar("T")


def analyze_part(job_id: str) -> None:
    """Analyse one waiting part of a job's video, if there is one. Raises RequeuedError when the worker shuts down."""
    job = current_job()
    parts, record = job.worker.video_parts, job.worker.jobs.read(job_id)
    if parts is None or record is None or record.ended:
        return
    with about(job_id=job_id), job.worker.traces.span("part", record.trace, job_id=job_id):
        state, token = parts.store.read(job_id), secrets.token_hex(8)
        number = parts.store.claim(job_id, token) if state and state.plan else None
        if state is None or number is None:
            return
        claimed = ClaimedPart(job, parts, record, number, token, state.plan[number])
        error = _attempt(claimed, job.worker.storage.local(job_id, UPLOAD))
        if error:
            parts.store.fail(job_id, number, token, error)
        _discard_if_ended(job.worker, job_id, number)


class ClaimedPart:
    """A part that this worker has claimed."""

    def __init__(
        self, job: JobContext, parts: VideoParts, record: JobRecord, number: int, token: str, plan: dict[str, Any]
    ) -> None:
        self.job, self.parts, self.record = job, parts, record
        self.number, self._token, self._plan = number, token, plan
        self._progress = Progress(None, 0.0, None, 0, 0)
        self._lost = threading.Event()

    def analyze(
        self, upload: AbstractContextManager[Path], on_progress: Callable[[Progress], None] = lambda progress: None
    ) -> None:
        """Analyse the part and store its file. Raises CancelledError also where the lease is lost."""

        def advance(progress: Progress) -> None:
            self._progress = progress
            on_progress(progress)

        worker = self.job.worker
        name = part_file(self.number)
        with (
            in_background(self._renew, "part-lease"),
            worker.stage("part"),
            upload as path,
            worker.storage.place(self.record.job_id, name) as target,
        ):
            self.parts.splitter.analyze(
                path, target, self._plan, self.record.options, on_progress=advance, should_stop=self._should_stop
            )
        if not patiently(self.job, self._finish):
            raise CancelledError

    def release(self) -> None:
        """Return the part, which waits again."""
        try:
            self.parts.store.release(self.record.job_id, self.number, self._token)
        except RedisError as error:  # the lease expires
            logger.warning("part %s could not be returned: %s", self.number, error)

    def _finish(self) -> bool:
        return self.parts.store.finish(self.record.job_id, self.number, self._token, _counts(self._progress))

    def _should_stop(self) -> bool:
        return self._lost.is_set() or self.job.control.should_stop()

    def _renew(self, ended: threading.Event) -> None:
        job_id = self.record.job_id
        while not ended.wait(RENEW_S):
            try:
                record = self.job.worker.jobs.read(job_id)
                held = self.parts.store.renew(job_id, self.number, self._token, _counts(self._progress))
            except RedisError as error:
                logger.warning("the lease of part %s could not be renewed: %s", self.number, error)
                continue
            if not held or record is None or record.ended:
                self._lost.set()


def _attempt(claimed: ClaimedPart, upload: AbstractContextManager[Path]) -> DuyguError | None:
    """Analyse a part for another worker's job; the error that fails the job, or None."""
    try:
        claimed.analyze(upload)
    except (CancelledError, UnavailableError, OSError) as error:
        claimed.release()
        if claimed.job.control.requeueing:
            raise RequeuedError from error
        logger.info("part %s is returned: %s", claimed.number, error)
    except FAILURES as failure:
        return error_of(failure)
    except Exception:
        logger.exception("part %s failed with an internal error", claimed.number)
        return DuyguError()
    return None


def _discard_if_ended(worker: WorkerContext, job_id: str, number: int) -> None:
    """Delete the file of a part whose job has ended meanwhile."""
    record = worker.jobs.read(job_id)
    if record is None or record.ended_without_result:
        worker.storage.erase(job_id)
    elif record.ended:
        worker.storage.remove(job_id, part_file(number))


def patiently(job: JobContext, call: Callable[[], T]) -> T:
    """Call until Redis is available. Raises CancelledError when the job has to stop."""
    while True:
        try:
            return call()
        except (RedisConnectionError, RedisTimeoutError) as error:
            logger.warning("Redis is unavailable: %s", error)
            if job.control.should_stop():
                raise CancelledError from error
            time.sleep(RENEW_S)


class VideoInParts:
    """The job of a video that may be analysed in parts."""

    def __init__(
        self,
        job: JobContext,
        parts: VideoParts,
        record: JobRecord,
        on_progress: Callable[[Progress], None],
        on_window: Callable[[int, Window], None],
    ) -> None:
        self._job, self._parts, self._record = job, parts, record
        self._on_progress, self._on_window = on_progress, on_window
        self._reported_at = 0.0

    def analyze(self, path: Path) -> Result | None:
        """The result of the video; None for one that has to be analysed in one piece.

        Raises CancelledError when the job has to stop, and the error of a part.
        """
        plan = self._plan(path)
        if not plan:
            return None
        try:
            return self._analyze(path, plan)
        except (UnjoinableError, VideoError) as error:
            # A damaged file has a result with a warning in one piece, or the same error.
            logger.warning("the video is analysed in one piece: %s", error)
            patiently(self._job, lambda: self._parts.store.create(self._record.job_id, []))
            return None
        finally:
            if not self._job.control.requeueing:
                withdraw_parts(self._parts.queue, self._record, len(plan))

    def _plan(self, path: Path) -> list[dict[str, Any]]:
        """The plan of an earlier attempt, or a new one."""
        job_id, store = self._record.job_id, self._parts.store
        known = patiently(self._job, lambda: store.read(job_id))
        if known:
            return known.plan
        plan = list(self._parts.splitter.plan(path, self._record.options, self._job.control.should_stop))
        if plan:
            patiently(self._job, lambda: store.create(job_id, plan))
            logger.info("the video is analysed in %s parts", len(plan))
        return plan

    def _analyze(self, path: Path, plan: list[dict[str, Any]]) -> Result:
        whole = self._parts.splitter.joining(plan, self._record.options)
        self._enqueue(len(plan) - 1)
        joined = 0
        while joined < len(plan):
            if self._work(path, plan):
                continue
            state = self._state()
            if joined in state.done:
                self._join(whole, joined)
                joined += 1
            else:
                self._report(plan, state)
                time.sleep(LOOK_S)
        for face_id, window in whole.windows():
            self._on_window(face_id, window)
        return whole.result(self._record.job_id)

    def _enqueue(self, count: int) -> None:
        queue, jobs = self._parts.queue, self._job.worker.jobs
        for number in range(count):
            if task_id := enqueue_part(queue, self._record, number, self._parts.timeout_s):
                jobs.order_part(task_id, self._record, queue.key)

    def _work(self, path: Path, plan: list[dict[str, Any]]) -> bool:
        """Analyse a part that waits; False if there is none."""
        token, store, job_id = secrets.token_hex(8), self._parts.store, self._record.job_id
        number = patiently(self._job, lambda: store.claim(job_id, token))
        if number is None:
            return False
        claimed = ClaimedPart(self._job, self._parts, self._record, number, token, plan[number])
        try:
            claimed.analyze(nullcontext(path), lambda progress: self._advance(plan, number, progress))
        except CancelledError:
            claimed.release()
            if self._job.control.should_stop():
                raise
            logger.info("another worker has part %s", number)
        except BaseException:
            claimed.release()
            raise
        return True

    def _state(self) -> PartsState:
        """The parts as they are now. Raises the error of a part, and CancelledError where the job was erased."""
        state = patiently(self._job, lambda: self._parts.store.read(self._record.job_id))
        if state is None or self._job.control.should_stop():
            raise CancelledError
        if state.error:
            raise state.error
        return state

    def _join(self, whole: JoinedVideo, number: int) -> None:
        storage = self._job.worker.storage
        try:
            with self._job.worker.stage("join"), storage.local(self._record.job_id, part_file(number)) as path:
                whole.add(path)
        except FileNotFoundError as error:
            raise UnjoinableError(f"the file of part {number} is missing") from error

    def _advance(self, plan: list[dict[str, Any]], number: int, progress: Progress) -> None:
        """Report the progress of all parts now and then, with that of this worker's part."""
        if time.monotonic() - self._reported_at < RENEW_S:
            return
        try:
            state = self._parts.store.read(self._record.job_id)
        except RedisError:
            state = None
        if state:
            own = {number: _counts(progress)}
            self._report(plan, PartsState(state.plan, state.done, {**state.progress, **own}, None))

    def _report(self, plan: list[dict[str, Any]], state: PartsState) -> None:
        self._reported_at = time.monotonic()
        length_s = sum(part["length_s"] for part in plan)
        time_s, decoded, analysed = (sum(column) for column in zip(*state.progress.values(), (0, 0, 0), strict=True))
        self._on_progress(Progress(min(time_s / length_s, 1.0), min(time_s, length_s), length_s, decoded, analysed))


def _counts(progress: Progress) -> list[float]:
    """Progress as Redis stores it: seconds, decoded and analysed frames."""
    return [round(progress.time_s, 3), progress.frames_decoded, progress.frames_analysed]
