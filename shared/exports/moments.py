"""Where a face is, and what it shows, at one moment of a result: the rule of the page's js/timeline/timebase.js."""

from bisect import bisect_right
from itertools import pairwise
from statistics import median

from duygu.shared.exports.spans import Span
from duygu.shared.schemas import Box, Position

HOLD_S = 0.45
"""Between two positions further apart than this a face counts as out of the picture."""

LINGER_S = 0.11
"""A window goes on speaking for this long after its end: the time from one analysed frame to the next."""


HOLD_GAPS = 1.2
"""The same in usual gaps between two positions, where these are longer, as in a video of a picture each ten seconds."""

FIRST_GAPS = 15
"""So many gaps say what is usual."""


def hold_s(positions: list[Position]) -> float:
    """How long a face stays where it was without another position, in seconds."""
    gaps = [after.time_s - before.time_s for before, after in pairwise(positions[: FIRST_GAPS + 1])]
    return max(HOLD_S, HOLD_GAPS * median(gaps)) if gaps else HOLD_S


def box_at(positions: list[Position], time_s: float, hold: float = HOLD_S) -> Box | None:
    """The box of a face, moved evenly between the analysed frames; None while the face is away.

    hold  `hold_s` of the positions; where they are further apart than HOLD_S, the picture and the box stand still
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
    """The span that a moment lies in, of spans in order of time."""
    index = bisect_right(spans, time_s, key=lambda span: span.start_s) - 1
    return spans[index] if index >= 0 and time_s <= spans[index].end_s + LINGER_S else None
