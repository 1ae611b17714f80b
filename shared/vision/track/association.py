"""Which detection is which track's: costs, matching one to one, and detections that lie on a face already taken."""

import numpy as np
import numpy.typing as npt

from duygu.shared.vision.detect.boxes import centres, containments, intersections
from duygu.shared.vision.track.track import Sighting, Track
from duygu.shared.vision.types import Floats

Pairs = list[tuple[Track, Sighting]]

MAX_DISTANCE = 0.6
"""From where a face was expected to where it is, in sides of its box; grows by as much with the time unseen."""

MAX_GROWTH = 0.5
"""Natural logarithm of the ratio of sides, between two sightings."""

GROWS_S = 1.0
"""For so long, what is allowed grows with the time unseen; beyond it everywhere would be near."""

LOOKS_WEIGHT = 0.5
"""Of unlikeness (1 - correlation) against distance in sides."""

SAME_FACE = 0.5
"""Boxes that cover more than this share of the smaller one cannot both be faces that are seen."""


def boxes_of(found: list[Sighting] | list[Track]) -> Floats:
    """(N, 4)."""
    return np.array([one.box for one in found], np.float32).reshape(-1, 4)


def expected_boxes(tracks: list[Track], time_s: float) -> Floats:
    """Where the box of each track is at that time, should it go on as it did: (T, 4)."""
    return np.array([track.expected(time_s) for track in tracks], np.float32).reshape(-1, 4)


def sides_of(boxes: Floats) -> Floats:
    """The longer side of each box (N, 4), in pixels, and at least one: (N,)."""
    return np.asarray(np.maximum((boxes[:, 2:] - boxes[:, :2]).max(axis=1), 1.0), np.float32)


def cost_matrix(tracks: list[Track], found: list[Sighting], time_s: float) -> Floats:
    """How unlikely it is that each track was sighted at each place: (T, S); infinite where it cannot be.

    Distance in sides of the box, logarithm of the ratio of sides, and LOOKS_WEIGHT of unlikeness.
    """
    if not tracks or not found:
        return np.zeros((len(tracks), len(found)), np.float32)
    expected, boxes = expected_boxes(tracks, time_s), boxes_of(found)
    side = sides_of(expected)[:, np.newaxis]  # (T, 1)
    offsets = centres(boxes)[np.newaxis] - centres(expected)[:, np.newaxis]  # (T, S, 2)
    distance = np.hypot(offsets[..., 0], offsets[..., 1]) / side
    growth = np.abs(np.log(sides_of(boxes)[np.newaxis] / side))
    unseen_s = np.array([time_s - track.seen_s for track in tracks])
    allowed = (1 + np.minimum(unseen_s, GROWS_S))[:, np.newaxis]  # (T, 1)
    likeness = np.stack([track.looks for track in tracks]) @ np.stack([sighting.looks for sighting in found]).T
    possible = (distance <= MAX_DISTANCE * allowed) & (growth <= MAX_GROWTH * allowed)
    return np.asarray(np.where(possible, distance + growth + LOOKS_WEIGHT * (1 - likeness), np.inf), np.float32)


def match(tracks: list[Track], found: list[Sighting], time_s: float) -> Pairs:
    """One to one, the surest pairs first."""
    costs = cost_matrix(tracks, found, time_s)
    rows, columns = np.nonzero(np.isfinite(costs))
    order = np.argsort(costs[rows, columns], kind="stable")
    pairs: dict[int, int] = {}
    taken: set[int] = set()
    for t, s in zip(rows[order].tolist(), columns[order].tolist(), strict=True):
        if t not in pairs and s not in taken:
            pairs[t] = s
            taken.add(s)
    return [(tracks[t], found[s]) for t, s in pairs.items()]


def match_own(pairs: Pairs, time_s: float, taken: Floats) -> Pairs:
    """Of the pairs, the surest first, those that are possible and whose sighting no face before them covers.

    taken  (N, 4) boxes of faces that others have
    """
    tracks, found = [track for track, _ in pairs], [sighting for _, sighting in pairs]
    costs = np.diagonal(cost_matrix(tracks, found, time_s))
    order = [place for place in np.argsort(costs, kind="stable").tolist() if np.isfinite(costs[place])]
    return [pairs[order[place]] for place in uncovered([found[place] for place in order], taken)]


def uncovered(found: list[Sighting], taken: Floats, *, by_each_other: bool = True) -> list[int]:
    """Places in the list of the sightings that lie on no taken box (N, 4) and, by default, on no earlier one."""
    boxes = boxes_of(found)
    hidden: npt.NDArray[np.bool_] = np.any(containments(boxes, taken) > SAME_FACE, axis=1)
    covers = containments(boxes, boxes) > SAME_FACE
    left = []
    for place in range(len(found)):
        if not hidden[place]:
            left.append(place)
            if by_each_other:
                hidden |= covers[place]
    return left


def touching(boxes: Floats, others: Floats, owners: npt.NDArray[np.intp]) -> npt.NDArray[np.bool_]:
    """Which boxes (N, 4) share a pixel with another's box of (M, 4); `owners` (N,) are the places of their own."""
    shared = intersections(boxes, others) > 0
    shared[np.arange(len(boxes)), owners] = False
    return np.asarray(shared.any(axis=1))
