"""Estimate of the frame interval, which scales time limits for slow videos and slow cameras."""

from collections import deque
from collections.abc import Iterable
from statistics import median

GAPS = 5
"""Number of intervals in the median. A single long gap does not make a source slow."""


class Pace:
    """Running median of the time between analysed frames."""

    def __init__(self, interval_s: float | None = None) -> None:
        """`interval_s`: frame interval of the source, if known."""
        self.gaps: deque[float] = deque([interval_s] if interval_s else [], maxlen=GAPS)
        self.last_s: float | None = None

    def add(self, time_s: float) -> float:
        """Add a frame and return the usual interval before it, in seconds.

        For a source of unknown interval, the first frame returns 0 and the second the time between the two.
        """
        gap_s = 0.0 if self.last_s is None else max(time_s - self.last_s, 0.0)
        usual_s = median(self.gaps) if self.gaps else gap_s
        if self.last_s is not None:
            self.gaps.append(gap_s)
        self.last_s = time_s
        return usual_s

    def is_slow(self, least_s: float) -> bool:
        """Whether more than half of the recorded intervals are at least `least_s`."""
        return 2 * sum(gap_s >= least_s for gap_s in self.gaps) > len(self.gaps)

    def restore(self, gaps: Iterable[float], last_s: float | None) -> None:
        """Restore a saved state."""
        self.gaps.extend(gaps)
        self.last_s = last_s
