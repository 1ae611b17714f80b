"""Tells of a running job: at most a few times a second, never backwards, and nothing twice."""

import time
from typing import Any

from services.worker.control import JobControl
from services.worker.workplace import Progress
from shared.job_store import Event, JobStore
from shared.jobs import JobRecord, progress_text

INTERVAL_S = 0.25
"""Shortest time from one report of progress to the next."""


class Reporter:
    """Writes one job's progress into its record. A job that is not wanted any more is cancelled on the way."""

    def __init__(self, jobs: JobStore, record: JobRecord, control: JobControl) -> None:
        self._jobs = jobs
        self._job_id = record.job_id
        self._control = control
        self._told = record.events
        self._furthest = record.progress or 0.0
        self._started = time.monotonic()
        self._last = -INTERVAL_S

    @property
    def next_number(self) -> int:
        """Number of the event that is told next."""
        return self._told + 1

    def progress(self, progress: Progress) -> None:
        """Report, unless there was a report a moment ago or, after a crash, this was reported before."""
        now = time.monotonic()
        if now - self._last < INTERVAL_S or (progress.fraction is not None and progress.fraction < self._furthest):
            return
        self._last = now
        self._furthest = progress.fraction or 0.0
        data = self._data(progress)
        fields = {"progress": progress_text(progress.fraction)}
        self._tell(Event(self.next_number, "progress", data), fields)

    def _data(self, progress: Progress) -> dict[str, Any]:
        elapsed = max(time.monotonic() - self._started, 1e-3)
        speed = progress.time_s / elapsed
        left = None
        if progress.duration_s is not None and speed > 0:
            left = round(max(progress.duration_s - progress.time_s, 0.0) / speed, 2)
        return {
            "progress": progress.fraction,
            "time_s": round(progress.time_s, 3),
            "frames_analysed": progress.frames_analysed,
            "speed": round(speed, 2),
            "time_left_s": left,
        }

    def _tell(self, event: Event, fields: dict[str, str]) -> None:
        if self._jobs.report(self._job_id, fields, event):
            self._told += 1
        else:
            self._control.cancel()
