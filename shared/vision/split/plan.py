"""The parts of a long video: where it is cut, and whether cutting it is worth the cost."""

import math
from bisect import bisect_right
from dataclasses import dataclass
from itertools import pairwise

from duygu.shared.schemas.options import AnalysisOptions, part_length
from duygu.shared.vision.decode.file_index import FileIndex
from duygu.shared.vision.decode.part import SEEK_MARGIN_S

WARM_UP_S = 5.0
"""Seconds before its start from which a part is tracked. They exceed the longest interval of two detections, the memory
of a lost track and the longest transition, so that the tracks at the seam are those of the whole video."""

MAX_EXTRA = 0.08
"""Maximum cost of cutting, as a share of the cost of the video: what is tracked twice, and what is decoded only to
reach the start of a part."""

DECODING_SHARE = 0.5
"""Share of decoding in the cost of an analysis."""

MOST_PARTS = 100
"""Maximum number of parts of one video."""

SLOWEST_S = 0.25
"""Longest frame interval of a video that is cut. A slower one is cheap, and its tracks outlast longer gaps."""


@dataclass(frozen=True, slots=True)
class VideoPart:
    """A part of a video. It owns the sampling times from `start_s` to before `end_s`."""

    number: int  # from 0
    start_s: float
    end_s: float | None  # None for the end of the video
    length_s: float
    is_last: bool
    warm_up_s: float = WARM_UP_S

    @property
    def decoded_from_s(self) -> float:
        """Start of the frames that the part decodes."""
        return max(self.start_s - self.warm_up_s, 0.0) if self.number else self.start_s


def plan_parts(
    index: FileIndex,
    options: AnalysisOptions,
    longest_s: float,
    rate_hz: float | None,
    *,
    warm_up_s: float = WARM_UP_S,
    max_extra: float = MAX_EXTRA,
) -> list[VideoPart]:
    """Equal parts of at most `longest_s`, longer ones if these would cost too much; empty if one piece is better.

    A video stays in one piece if it is short, its length is unknown, it has few frames a second, or the decoder cannot
    reach the parts at little cost.
    """
    start_s = options.start_s or 0.0
    length_s = part_length(index.duration_s, options.start_s, options.end_s)
    slow = index.interval_s is None or index.interval_s > SLOWEST_S
    if not length_s or length_s <= longest_s or not index.key_frames_s or slow or rate_hz is None:
        return []
    most = min(math.ceil(length_s / longest_s), MOST_PARTS)
    for count in range(most, 1, -1):
        starts = [round((start_s + length_s * place / count) * rate_hz) / rate_hz for place in range(1, count)]
        if _extra_s(sorted(index.key_frames_s), starts, warm_up_s) <= max_extra * length_s:
            return _parts(start_s, starts, options.end_s, start_s + length_s, warm_up_s)
    return []


def _parts(
    start_s: float, starts: list[float], end_s: float | None, until_s: float, warm_up_s: float
) -> list[VideoPart]:
    """`end_s`: end of the last part, None for the end of the video; `until_s`: the same as the file states it."""
    ends = [*starts, end_s]
    return [
        VideoPart(number, start, ends[number], round(stop - start, 3), number == len(starts), warm_up_s)
        for number, (start, stop) in enumerate(pairwise([start_s, *starts, until_s]))
    ]


def _extra_s(key_frames_s: list[float], starts: list[float], warm_up_s: float) -> float:
    """The cost of these cuts, in seconds of analysed video."""
    return sum(warm_up_s + DECODING_SHARE * _run_up_s(key_frames_s, start_s - warm_up_s) for start_s in starts)


def _run_up_s(key_frames_s: list[float], from_s: float) -> float:
    """Seconds that are decoded before this time, from the key frame to which the decoder seeks."""
    place = bisect_right(key_frames_s, from_s - SEEK_MARGIN_S)
    return from_s - (key_frames_s[place - 1] if place else 0.0)
