"""Tells of a running job: at most a few times a second, never backwards, and nothing twice."""

import json
import logging
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from duygu.services.worker.context import Progress
from duygu.services.worker.control import JobControl
from duygu.services.worker.videos.stages import Step
from duygu.shared.jobs.record import JobRecord, progress_text
from duygu.shared.jobs.store import Event, JobStore
from duygu.shared.schemas import Result, Window, Work

logger = logging.getLogger(__name__)

INTERVAL_S = 0.25
"""Shortest time from one report of progress to the next."""


@dataclass(frozen=True, slots=True)
class _News:
    event: str
    data: Mapping[str, Any]
    fields: Mapping[str, str] = field(default_factory=dict)


class Reporter:
    """Writes what happens in one job into its record. A job that is not wanted any more is cancelled on the way.

    While Redis cannot be reached the work goes on: windows are told later, progress is left out.
    """

    def __init__(self, jobs: JobStore, record: JobRecord, control: JobControl) -> None:
        self._jobs = jobs
        self._job_id = record.job_id
        self._control = control
        self._told = record.events
        self._windows_told = record.windows
        self._windows = 0
        self._furthest = record.progress or 0.0
        self._started = time.monotonic()
        self._last = -INTERVAL_S
        self.done: Work | None = None
        """The work of the whole job, once it is done."""
        self.faces: int | None = None
        """Number of faces in the result, once there is one."""
        self._waiting: deque[_News] = deque()

    @property
    def next_number(self) -> int:
        """Number of the event that is told next."""
        return self._told + 1

    def progress(self, progress: Progress) -> None:
        """Report, unless there was a report a moment ago or, after a crash, this was reported before."""
        now = time.monotonic()
        if now - self._last < INTERVAL_S or (progress.fraction is not None and progress.fraction < self._furthest):
            return
        self._furthest = progress.fraction or 0.0
        work = self._work(progress).model_dump()
        fields = {"progress": progress_text(progress.fraction), "work": json.dumps(work)}
        self._tell(_News("progress", {"progress": progress.fraction, **work}, fields))
        self._last = time.monotonic()

    def finish(self, result: Result) -> None:
        """Everything is done; it is told with the end of the job."""
        video = result.video
        self.faces = len(result.faces)
        self.done = self._work(Step(1.0, video.duration_s, video.duration_s, video.frames_analysed))

    def window(self, face_id: int, window: Window) -> None:
        """Tell of a window that was found, unless it was told before a crash."""
        self._windows += 1
        if self._windows > self._windows_told:
            data = {"face_id": face_id, **window.model_dump(mode="json")}
            self._tell(_News("window", data, {"windows": str(self._windows)}))

    def flush(self) -> None:
        """Tell what could not be told before. Raises redis-py's ConnectionError or TimeoutError."""
        while self._waiting:
            news = self._waiting[0]
            if not self._jobs.report(self._job_id, news.fields, Event(self.next_number, news.event, news.data)):
                self._control.cancel()
                self._waiting.clear()
                return
            self._told += 1
            self._waiting.popleft()

    def _tell(self, news: _News) -> None:
        self._waiting.append(news)
        try:
            self.flush()
        except (RedisConnectionError, RedisTimeoutError) as error:
            logger.warning("job %s goes on without telling: %s", self._job_id, error)
            self._waiting = deque(waiting for waiting in self._waiting if waiting.event != "progress")

    def _work(self, progress: Progress) -> Work:
        elapsed = max(time.monotonic() - self._started, 1e-3)
        speed = progress.time_s / elapsed
        left = None
        if progress.duration_s is not None and speed > 0:
            left = round(max(progress.duration_s - progress.time_s, 0.0) / speed, 2)
        return Work(
            time_s=round(progress.time_s, 3),
            duration_s=progress.duration_s,
            frames_analysed=progress.frames_analysed,
            speed=round(speed, 2),
            time_left_s=left,
        )
