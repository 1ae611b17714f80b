"""The choice of moments to label: stratified by the model's emotion and by its uncertainty.

A simple random sample of a video is mostly neutral and mostly certain, so recalls of rare emotions and the threshold of
`uncertain` would rest on a handful of labels. Equal allocation over strata gives each of them as many moments as it
has, up to an equal share (Cochran, Sampling Techniques, 1977, chapter 5). Moments are shuffled, and contain nothing of
the model.
"""

import math
from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Iterable, Iterator
from random import Random

from pydantic import Field

from duygu.shared.schemas.base import Schema, Seconds
from duygu.shared.schemas.result import Face, Result, Window

SECONDS_PER_MOMENT = 6.0
"""Time that a rater needs for a moment: to watch about a second of video, some of them twice, and to press a key."""

MAX_MINUTES = 240
"""Maximum length of a task, in minutes."""


class Moment(Schema):
    """A stretch of a face to label: one window of the model."""

    face_id: int = Field(ge=1)
    start_s: Seconds
    end_s: Seconds


def moments(result: Result, minutes: float, seed: int, rater: str = "") -> list[Moment]:
    """Moments of visible faces that take a rater about `minutes` to label, in random order.

    seed   equal seeds select the same moments of a result
    rater  each rater gets the same moments in another order

    Moments of the same face do not overlap.
    """
    count = math.floor(minutes * 60 / SECONDS_PER_MOMENT)
    chosen: list[Moment] = []
    taken: defaultdict[int, list[tuple[float, float]]] = defaultdict(list)
    for moment in _in_turn(result, Random(seed)):  # noqa: S311 - no secret
        if len(chosen) >= count:
            break
        if _is_free(taken[moment.face_id], moment):
            insort(taken[moment.face_id], (moment.start_s, moment.end_s))
            chosen.append(moment)
    Random(f"{seed} {rater}").shuffle(chosen)  # noqa: S311
    return chosen


def _is_free(taken: list[tuple[float, float]], moment: Moment) -> bool:
    """Whether a moment overlaps none of the taken ones, which are in order of time and do not overlap."""
    place = bisect_left(taken, (moment.start_s, moment.end_s))
    around = taken[max(place - 1, 0) : place + 1]
    return all(end_s <= moment.start_s or start_s >= moment.end_s for start_s, end_s in around)


def _in_turn(result: Result, random: Random) -> Iterator[Moment]:
    """All windows as moments, one stratum after the other, each in random order."""
    strata: defaultdict[tuple[str, bool], list[Moment]] = defaultdict(list)
    for face, window in _windows(result.faces):
        moment = Moment(face_id=face.face_id, start_s=window.start_s, end_s=window.end_s)
        strata[window.emotion, window.uncertain].append(moment)
    groups = [strata[stratum] for stratum in sorted(strata)]
    for group in groups:
        random.shuffle(group)
    while groups:
        yield from [group.pop() for group in groups]
        groups = [group for group in groups if group]


def _windows(faces: Iterable[Face]) -> Iterator[tuple[Face, Window]]:
    return ((face, window) for face in faces if not face.excluded for window in face.windows)
