"""Shows the frames of a stream that arrives in bursts, such as HLS, at the times of its own clock."""

import time
from collections.abc import Callable

BACKLOG_S = 30.0
"""Longest delay that late segments add. Frames that are later are not waited for, so the newest of them wins."""

MOST_STEP_S = 5.0
"""A larger step from one frame to the next, or one backwards, is a new clock."""


class Pacing:
    """When each frame of a stream is due. The first is due at once, and a late one delays those after it."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._offset: float | None = None
        self._last_s = 0.0
        self._delay_s = 0.0

    def wait_s(self, stream_s: float) -> float:
        """Seconds until a frame is due: 0 for one that is late."""
        now, step_s = self._now(), stream_s - self._last_s
        if self._offset is None or not 0 <= step_s <= MOST_STEP_S:
            self._offset = now - stream_s
        self._last_s = stream_s
        late_s = now - (stream_s + self._offset)
        if late_s > 0:
            added_s = min(late_s, BACKLOG_S - self._delay_s)
            self._delay_s += added_s
            self._offset += added_s
        return max(0.0, -late_s)
