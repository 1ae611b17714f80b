"""Selection of the frames to analyse: those nearest to the sampling times."""

from math import floor

EARLY = 0.25
"""Tolerance for frames before their sampling time, as a share of the sampling period. It absorbs jitter."""

ROUNDING_S = 0.001
"""Rounding of times in containers such as Matroska, which store whole milliseconds."""


class Sampler:
    """Assigns sampling times to frames: at 10 Hz, tick 7 is the time 0.7 s.

    For a video slower than the sampling rate, every frame is selected and ticks are skipped. Each tick is assigned at
    most once.
    """

    def __init__(self, rate_hz: float | None, interval_s: float | None = None, last: int = -1) -> None:
        """Create a sampler.

        rate_hz     sampling rate; None selects every frame
        interval_s  frame interval, if known; limits the tolerance to half an interval
        last        last assigned tick of a saved state
        """
        self.rate_hz = rate_hz
        self.last = last
        self._early = EARLY
        if rate_hz and interval_s:
            self._early = min(EARLY, (interval_s / 2 + ROUNDING_S) * rate_hz)

    def candidate(self, time_s: float) -> int:
        """The tick that a frame with this time is assigned to, unless an earlier frame was."""
        return floor(time_s * (self.rate_hz or 0.0) + self._early)

    def tick(self, time_s: float) -> int | None:
        """Tick of a frame with this time, or None if the frame is not selected."""
        tick = self.last + 1 if self.rate_hz is None else self.candidate(time_s)
        if tick <= self.last:
            return None
        self.last = tick
        return tick
