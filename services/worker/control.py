"""Stopping a running job: it was cancelled, or its worker is shutting down."""

import math
import threading
import time


class RequeuedError(Exception):
    """The worker shuts down before the job has ended, and another worker runs it again. Internal to the worker."""


class DeferredError(Exception):
    """The job cannot run now and is scheduled again after a delay. Internal to the worker."""


class JobControl:
    """Signals to the thread that runs a job."""

    def __init__(self) -> None:
        self._cancelled = threading.Event()
        self._requeue_at = math.inf
        self.defer_s: int | None = None
        """Seconds until a deferred job runs again; None where the job was not deferred."""

    def cancel(self) -> None:
        """Request that the job stops for good."""
        self._cancelled.set()

    def requeue_in(self, seconds: float) -> None:
        """Request that the job stops after so many seconds and goes to another worker."""
        self._requeue_at = time.monotonic() + seconds

    @property
    def cancelled(self) -> bool:
        """Whether the job was cancelled."""
        return self._cancelled.is_set()

    @property
    def requeueing(self) -> bool:
        """Whether the job has to stop now and go to another worker."""
        return not self.cancelled and time.monotonic() >= self._requeue_at

    def should_stop(self) -> bool:
        """Whether the job has to stop; the engine calls this between frames."""
        return self.cancelled or self.requeueing
