"""Matching of tracks at the seam of two parts, by the frames before it that both have tracked."""

from collections.abc import Mapping, Sequence

import numpy as np

from duygu.shared.vision.detect.boxes import overlaps
from duygu.shared.vision.types import Floats

Boxes = Mapping[float, Floats]
"""Boxes (4,) of one track by the times of their frames."""

MIN_OVERLAP = 0.4
"""Minimum mean IoU of two tracks of one face, over the frames that have both. Two trackers of one video differ by a few
pixels."""


def match_tracks(earlier: Sequence[Boxes], later: Sequence[Boxes]) -> dict[int, int]:
    """Match the tracks of two parts one to one: places in `earlier` by places in `later`.

    The pairs that agree over most frames come first.
    """
    scored = [
        (score, place, other)
        for place, boxes in enumerate(later)
        for other, others in enumerate(earlier)
        if (score := _agreement(others, boxes))
    ]
    pairs: dict[int, int] = {}
    for _, place, other in sorted(scored, key=lambda entry: -entry[0]):
        if place not in pairs and other not in pairs.values():
            pairs[place] = other
    return pairs


def _agreement(one: Boxes, other: Boxes) -> float:
    """Sum of the IoUs over the common frames; 0 for two faces."""
    common = [time_s for time_s in other if time_s in one]
    if not common:
        return 0.0
    boxes = (np.stack([track[time_s] for time_s in common]) for track in (one, other))
    shared = np.diagonal(overlaps(*boxes))
    return float(shared.sum()) if shared.mean() >= MIN_OVERLAP else 0.0
