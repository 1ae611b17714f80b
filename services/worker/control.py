"""Stopping a job from outside: somebody erased it, or its worker has to go."""

import math
import threading
import time


class HandedBackError(Exception):
    """The worker has to end before the job has; another worker shall do it. Nobody outside ever sees it."""


class PutOffError(Exception):
    """The job cannot be done now; it comes again after a while. Nobody outside ever sees it."""


class JobControl:
    """What the thread that runs a job looks at to learn whether it shall stop."""

    def __init__(self) -> None:
        self._cancelled = threading.Event()
        self._hand_back_at = math.inf
        self.put_off_s: int | None = None
        """Where the job was put off: seconds until it comes again."""

    def cancel(self) -> None:
        """Nobody wants the job any more."""
        self._cancelled.set()

    def hand_back_in(self, seconds: float) -> None:
        """The job may run on for so long, then it goes to another worker."""
        self._hand_back_at = time.monotonic() + seconds

    @property
    def cancelled(self) -> bool:
        """Whether nobody wants the job any more."""
        return self._cancelled.is_set()

    @property
    def handing_back(self) -> bool:
        """Whether the job goes to another worker now."""
        return not self.cancelled and time.monotonic() >= self._hand_back_at

    def should_stop(self) -> bool:
        """Asked by the engine between frames."""
        return self.cancelled or self.handing_back
