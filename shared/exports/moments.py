"""Position and emotion of a face at one time of a result, by the rule of the page's js/timeline/timebase.js."""

from bisect import bisect_right
from itertools import pairwise
from statistics import median

from duygu.shared.exports.spans import Span
from duygu.shared.schemas.base import Box
from duygu.shared.schemas.result import Position

HOLD_S = 0.45
"""Maximum gap between two positions of a visible face."""

LINGER_S = 0.11
"""Time for which a window remains valid after its end: the interval between analysed frames."""


HOLD_GAPS = 1.2
"""The same limit in median gaps between positions, if these are longer, as in a video of one picture every ten
seconds."""

FIRST_GAPS = 15
"""Number of gaps in the median."""


def hold_s(positions: list[Position]) -> float:
    """Time for which a face keeps its position without another one, in seconds."""
    gaps = [after.time_s - before.time_s for before, after in pairwise(positions[: FIRST_GAPS + 1])]
    return max(HOLD_S, HOLD_GAPS * median(gaps)) if gaps else HOLD_S


def box_at(positions: list[Position], time_s: float, hold: float = HOLD_S) -> Box | None:
    """Box of a face, interpolated linearly between the analysed frames; None while the face is not visible.

    hold  `hold_s` of the positions; between positions further apart than HOLD_S, the box is not interpolated
    """
    index = bisect_right(positions, time_s, key=lambda position: position.time_s)
    if index == 0:
        return None
    before, after = positions[index - 1], positions[index] if index < len(positions) else None
    if after is None or after.time_s - before.time_s > HOLD_S:
        return before.box if time_s - before.time_s <= hold else None
    share = (time_s - before.time_s) / (after.time_s - before.time_s)
    x, y, width, height = (one + (other - one) * share for one, other in zip(before.box, after.box, strict=True))
    return x, y, width, height


def span_at(spans: list[Span], time_s: float) -> Span | None:
    """The span at a time, of spans in order of time."""
    index = bisect_right(spans, time_s, key=lambda span: span.start_s) - 1
    return spans[index] if index >= 0 and time_s <= spans[index].end_s + LINGER_S else None
