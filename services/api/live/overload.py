"""One rate for all live sessions of an overloaded service.

Once a second, the API compares the frames that it sent to the workers with those that newer frames displaced. If the
workers cannot keep up, all sessions get the same lower rate, and every reply says so. The rate rises again while no
frame is displaced, and is withdrawn once it exceeds what the sessions send.
"""

from collections.abc import Iterable
from dataclasses import dataclass

OVERLOADED_SHARE = 0.02
"""Share of displaced frames above which the workers count as overloaded."""

AFFECTED_SESSIONS = 2
"""Number of sessions with displaced frames from which on the workers count as overloaded. A single session that sends
more than a worker can analyse loses its own frames, which the others need not notice."""

ONSET_CHECKS = 2
"""Consecutive checks above OVERLOADED_SHARE before a rate is set. New sessions displace a few frames of a second."""

HEADROOM = 0.95
"""Share of the rate that the workers achieved which is left to the sessions."""

LARGEST_CUT = 0.5
"""A check leaves at least this share of the rate."""

LEAST_HZ = 1.0
"""Lowest rate."""

SETTLING_CHECKS = 1
"""Checks after a cut that lead to no other one: they still count frames that were sent at the higher rate."""

HOLD_CHECKS, RISE = 5, 1.1
"""Checks without displaced frames before the rate rises, and the factor of each rise."""

WITHDRAWN_ABOVE = 1.2
"""The rate is withdrawn when it exceeds the highest rate of a session by this factor."""


@dataclass(slots=True)
class Load:
    """Frames between two checks, of one session or of several."""

    received: int = 0  # within the session's own `rate_hz`
    offered: int = 0  # sent to the workers
    processed: int = 0
    displaced: int = 0  # sent to the workers, and dropped for newer ones

    @property
    def displaced_share(self) -> float:
        """Share of the frames sent to the workers that were dropped for newer ones."""
        return self.displaced / max(self.offered, self.displaced, 1)


class OverloadControl:
    """Determines the rate of all sessions of one API process."""

    def __init__(self) -> None:
        self.rate_hz: float | None = None  # frames per second of each session; None without overload
        self._highest_hz = 0.0  # of a session since the overload began
        self._overloaded = self._calm = 0  # consecutive checks
        self._settling = 0  # checks that are left of SETTLING_CHECKS

    def update(self, loads: Iterable[Load], elapsed_s: float) -> None:
        """Adapt the rate to the frames of each session since the previous check."""
        loads = list(loads)
        highest_hz = max((load.received for load in loads), default=0) / elapsed_s
        whole = Load(
            sum(load.received for load in loads),
            sum(load.offered for load in loads),
            sum(load.processed for load in loads),
            sum(load.displaced for load in loads),
        )
        if whole.displaced and not whole.processed:
            return  # no worker replies, which a lower rate does not change
        affected = sum(load.displaced > 0 for load in loads)
        is_overloaded = whole.displaced_share > OVERLOADED_SHARE and affected >= AFFECTED_SESSIONS
        self._overloaded = self._overloaded + 1 if is_overloaded else 0
        self._calm = 0 if is_overloaded else self._calm + 1
        settles, self._settling = self._settling > 0, max(self._settling - 1, 0)
        if is_overloaded and not settles:
            self._lower(highest_hz, 1 - whole.displaced_share)
        elif not is_overloaded and self.rate_hz is not None:
            self._raise(highest_hz)

    def _lower(self, highest_hz: float, achieved: float) -> None:
        if self.rate_hz is None and self._overloaded < ONSET_CHECKS:
            return
        self._settling = SETTLING_CHECKS
        self._highest_hz = max(self._highest_hz, highest_hz)
        rate_hz = highest_hz if self.rate_hz is None else min(self.rate_hz, highest_hz)
        self.rate_hz = max(LEAST_HZ, rate_hz * max(achieved * HEADROOM, LARGEST_CUT))

    def _raise(self, highest_hz: float) -> None:
        self._highest_hz = max(self._highest_hz, highest_hz)
        if self.rate_hz is None or self._calm <= HOLD_CHECKS:
            return
        self.rate_hz *= RISE
        if self.rate_hz > self._highest_hz * WITHDRAWN_ABOVE:
            self.rate_hz, self._highest_hz = None, 0.0
