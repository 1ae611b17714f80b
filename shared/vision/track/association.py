"""Association of detections with tracks: cost matrix, one-to-one matching and removal of covered detections."""

import numpy as np
import numpy.typing as npt

from duygu.shared.vision.detect.boxes import centres, containments, intersections
from duygu.shared.vision.track.track import Sighting, Track
from duygu.shared.vision.types import Floats

Pairs = list[tuple[Track, Sighting]]

MAX_DISTANCE = 0.6
"""Maximum distance between the expected and the detected centre, in sides of the box. The limit doubles within the
first second without a detection."""

MAX_GROWTH = 0.5
"""Maximum change of size between two sightings: natural logarithm of the ratio of sides."""

GROWS_S = 1.0
"""Time without a detection during which the limits grow. Beyond it, they would include the whole frame."""

APPEARANCE_WEIGHT = 0.5
"""Weight of the appearance distance (1 - correlation) relative to the distance in sides."""

SAME_FACE = 0.5
"""Two boxes whose intersection is more than this share of the smaller one belong to the same visible face."""


def boxes_of(found: list[Sighting] | list[Track]) -> Floats:
    """Boxes of sightings or tracks: (N, 4)."""
    return np.array([one.box for one in found], np.float32).reshape(-1, 4)


def expected_boxes(tracks: list[Track], time_s: float) -> Floats:
    """Boxes of the tracks at this time, predicted from their velocity: (T, 4)."""
    return np.array([track.expected(time_s) for track in tracks], np.float32).reshape(-1, 4)


def sides_of(boxes: Floats) -> Floats:
    """Longer side of each box (N, 4), in pixels, at least one: (N,)."""
    return np.asarray(np.maximum((boxes[:, 2:] - boxes[:, :2]).max(axis=1), 1.0), np.float32)


def cost_matrix(tracks: list[Track], found: list[Sighting], time_s: float) -> Floats:
    """Cost of each pair of track and sighting: (T, S); infinite for impossible pairs.

    The cost is the distance in sides of the box, plus the logarithm of the ratio of sides, plus APPEARANCE_WEIGHT times
    the appearance distance.
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
    likeness = (
        np.stack([track.appearance for track in tracks]) @ np.stack([sighting.appearance for sighting in found]).T
    )
    possible = (distance <= MAX_DISTANCE * allowed) & (growth <= MAX_GROWTH * allowed)
    return np.asarray(np.where(possible, distance + growth + APPEARANCE_WEIGHT * (1 - likeness), np.inf), np.float32)


def match(tracks: list[Track], found: list[Sighting], time_s: float) -> Pairs:
    """Match tracks and sightings one to one, greedily by increasing cost."""
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
    """Filter pairs of finite cost, in order of cost, whose sighting is not covered by an earlier one or a taken box.

    taken  (N, 4) boxes of other tracks
    """
    tracks, found = [track for track, _ in pairs], [sighting for _, sighting in pairs]
    costs = np.diagonal(cost_matrix(tracks, found, time_s))
    order = [place for place in np.argsort(costs, kind="stable").tolist() if np.isfinite(costs[place])]
    return [pairs[order[place]] for place in uncovered([found[place] for place in order], taken)]


def uncovered(found: list[Sighting], taken: Floats, *, by_each_other: bool = True) -> list[int]:
    """Indices of the sightings that no taken box (N, 4) covers and, by default, no earlier sighting."""
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
    """Mask of boxes (N, 4) that intersect the box of another track in (M, 4); `owners` (N,) are their own indices."""
    shared = intersections(boxes, others) > 0
    shared[np.arange(len(boxes)), owners] = False
    return np.asarray(shared.any(axis=1))
