"""Which frames are analysed: those nearest to the ticks of a clock that runs in presentation time."""

from math import floor

EARLY = 0.25
"""A frame may stand for a tick that it precedes by up to this share of a period, so that jitter costs nothing."""

ROUNDING_S = 0.001
"""Containers such as Matroska keep whole milliseconds."""


class Sampler:
    """Hands out ticks: for 10 Hz, tick 7 is the moment 0.7 s.

    A video slower than the clock gives all its frames and skips ticks; no tick is given twice.
    """

    def __init__(self, rate_hz: float | None, interval_s: float | None = None, last: int = -1) -> None:
        """Start a clock.

        rate_hz     ticks a second; None makes every frame one tick
        interval_s  time from frame to frame where it is known; a frame is early by no more than half of it
        last        the tick that was given last, to go on from a saved state
        """
        self.rate_hz = rate_hz
        self.last = last
        self._early = EARLY
        if rate_hz and interval_s:
            self._early = min(EARLY, (interval_s / 2 + ROUNDING_S) * rate_hz)

    def tick(self, time_s: float) -> int | None:
        """The tick that a frame of this time stands for, or None when it is not needed."""
        tick = self.last + 1 if self.rate_hz is None else floor(time_s * self.rate_hz + self._early)
        if tick <= self.last:
            return None
        self.last = tick
        return tick
