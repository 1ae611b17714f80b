"""Reports a running job: at most a few times a second, never backwards, no event twice."""

import json
import logging
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from duygu.services.worker.control import JobControl
from duygu.services.worker.videos.stages import FETCH_SHARE
from duygu.shared.jobs.record import JobRecord, progress_text
from duygu.shared.jobs.store import Event, JobStore
from duygu.shared.schemas.job import Work
from duygu.shared.schemas.options import part_length
from duygu.shared.schemas.result import Result, Window
from duygu.shared.vision.progress import Progress

logger = logging.getLogger(__name__)

INTERVAL_S = 0.25
"""Shortest time from one report of progress to the next."""


@dataclass(frozen=True, slots=True)
class _Report:
    event: str
    data: Mapping[str, Any]
    fields: Mapping[str, str] = field(default_factory=dict)


class Reporter:
    """Writes the progress and the windows of one job into its record, and stops a job that was erased.

    While Redis is unavailable the job goes on: windows are reported later, progress is omitted.
    """

    def __init__(self, jobs: JobStore, record: JobRecord, control: JobControl) -> None:
        self._jobs = jobs
        self._job_id = record.job_id
        self._control = control
        self._reported = record.events
        self._windows_reported = record.windows
        self._windows = 0
        self._furthest = record.progress or 0.0
        self._started = time.monotonic()
        self._last = -INTERVAL_S
        self.done: Work | None = None
        """The work of the whole job, after its end."""
        self.faces: int | None = None
        """Number of faces in the result; None before."""
        self._waiting: deque[_Report] = deque()

    @property
    def next_number(self) -> int:
        """Number of the next event."""
        return self._reported + 1

    def progress(self, progress: Progress) -> None:
        """Report progress, at most every INTERVAL_S, and after a crash only what is new."""
        now = time.monotonic()
        if now - self._last < INTERVAL_S or (progress.fraction is not None and progress.fraction < self._furthest):
            return
        self._furthest = progress.fraction or 0.0
        work = self._work(progress).model_dump()
        fields = {"progress": progress_text(progress.fraction), "work": json.dumps(work)}
        self._send(_Report("progress", {"progress": progress.fraction, **work}, fields))
        self._last = time.monotonic()

    def fetching(self, received: int, size: int | None) -> None:
        """Report the progress of fetching a link, at most every INTERVAL_S.

        size  of the video in bytes; None while it is unknown
        """
        share = FETCH_SHARE * received / size if size else None
        if time.monotonic() - self._last < INTERVAL_S or (share is not None and share < self._furthest):
            return
        self._furthest = max(self._furthest, share or 0.0)
        counts = {"fetched_bytes": received, "size_bytes": size}
        fields = {"progress": progress_text(share), "fetched": json.dumps(counts)}
        self._send(_Report("fetching", {"progress": share, **counts}, fields))
        self._last = time.monotonic()

    def fetched(self, size: int, sha256: str) -> None:
        """Report the fetched video, whose link is not needed any more; the analysis begins."""
        counts = {"fetched_bytes": size, "size_bytes": size}
        fields = {"size": str(size), "sha256": sha256, "link": "", "fetched": json.dumps(counts)}
        self._send(_Report("fetched", {"size_bytes": size, "sha256": sha256}, fields))
        self._started = time.monotonic()

    def finish(self, result: Result) -> None:
        """Note the work and the faces of the result, which the end of the job reports."""
        self.faces = len(result.faces)
        self.done = self._work(_whole(result))

    def window(self, face_id: int, window: Window) -> None:
        """Report a window, unless it was reported before a crash."""
        self._windows += 1
        if self._windows > self._windows_reported:
            data = {"face_id": face_id, **window.model_dump(mode="json")}
            self._send(_Report("window", data, {"windows": str(self._windows)}))

    def flush(self) -> None:
        """Send the reports that could not be sent before. Raises redis-py's ConnectionError or TimeoutError."""
        while self._waiting:
            report = self._waiting[0]
            if not self._jobs.report(self._job_id, report.fields, Event(self.next_number, report.event, report.data)):
                self._control.cancel()
                self._waiting.clear()
                return
            self._reported += 1
            self._waiting.popleft()

    def _send(self, report: _Report) -> None:
        self._waiting.append(report)
        try:
            self.flush()
        except (RedisConnectionError, RedisTimeoutError) as error:
            logger.warning("job %s continues without reporting: %s", self._job_id, error)
            self._waiting = deque(waiting for waiting in self._waiting if waiting.event not in ("progress", "fetching"))

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


def _whole(result: Result) -> Progress:
    video, options = result.video, result.options
    part = (options.start_s, options.end_s) if options else (None, None)
    length_s = part_length(video.duration_s, *part) or 0.0
    return Progress(1.0, length_s, length_s, video.frames_decoded, video.frames_analysed)
