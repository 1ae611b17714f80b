"""How fast frames come, so that limits in seconds do not cut a slow video or a slow camera apart."""

from collections import deque
from collections.abc import Iterable
from statistics import median

GAPS = 5
"""Times between frames that are remembered; one long gap among them does not make a source a slow one."""


class Pace:
    """The usual time between two analysed frames."""

    def __init__(self, interval_s: float | None = None) -> None:
        """`interval_s`: between the frames of the source, where it is known."""
        self.gaps: deque[float] = deque([interval_s] if interval_s else [], maxlen=GAPS)
        self.last_s: float | None = None

    def take(self, time_s: float) -> float:
        """Take the next frame: the usual time between those before it, in seconds.

        Of two frames of an unknown source the time between them is the usual one; one frame has 0.
        """
        gap_s = 0.0 if self.last_s is None else max(time_s - self.last_s, 0.0)
        usual_s = median(self.gaps) if self.gaps else gap_s
        if self.last_s is not None:
            self.gaps.append(gap_s)
        self.last_s = time_s
        return usual_s

    def is_slow(self, least_s: float) -> bool:
        """Whether most of the remembered times between frames are so long."""
        return 2 * sum(gap_s >= least_s for gap_s in self.gaps) > len(self.gaps)

    def restore(self, gaps: Iterable[float], last_s: float | None) -> None:
        """Go on from what was saved."""
        self.gaps.extend(gaps)
        self.last_s = last_s
