"""Who is who from frame to frame: faces are found rarely, followed by O-Net between, and matched one to one.

A track that is not seen keeps moving as it did for MEMORY_S and is found again by place, size and looks. When two
tracks come to lie on one face, the one that fits it less is taken to be hidden behind it.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import cv2
import numpy as np

from shared.vision.boxes import centres, containments
from shared.vision.cuts import Scene
from shared.vision.types import Detections, Detector, Floats, Frame

SOONEST_S, LATEST_S = 0.1, 4.0
"""Between two looks at the whole frame. A look that brings news is followed by one soon."""

PATIENCE = 1.5
"""The wait grows by this factor with each look that brings no news."""

STIRRED_SHARE = 0.125
"""Share of that wait after which a change away from the followed faces is enough for the next look."""

EVERY_FRAME = 0.0
"""A longest wait with which each frame is searched."""

MEMORY_S = 1.0
"""A face that comes back within this time keeps its id."""

NEW_SCORE = 0.8
"""O-Net's score for a face that is not followed yet; a followed one goes on down to O-Net's own threshold."""

MAX_DISTANCE = 0.6
"""From where a face was expected to where it is, in sides of its box; grows by as much for each second unseen."""

MAX_GROWTH, MAX_REFINED_GROWTH = 0.5, 0.15
"""Natural logarithm of the ratio of sides: between two sightings, and since the whole cascade found the face last.
Where a hand comes before it, the box that O-Net alone follows can grow frame by frame to twice the face."""

SAME_FACE = 0.5
"""Boxes that cover more than this share of the smaller one cannot both be faces that are seen."""

LOOKS_WEIGHT = 0.5
"""Of unlikeness (1 - correlation) against distance in sides."""

LOOKS_SIDE = 12
"""Pixels of the grey thumbnail by which a face is told from another."""

VELOCITY_INERTIA = 0.6

VELOCITY_TRUST = 0.5
"""Share of its velocity by which a face in sight is expected to go on: the jitter of boxes is in it too, and O-Net,
given the box where the face was or where it would be, stays closer to the whole cascade for one between the two."""

LOOKS_INERTIA = 0.8

TICK_ROUNDING_S = 0.03
"""Frames come at the ticks of a clock give or take this much."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """A face found in a frame, not yet said to be anyone's."""

    box: Floats
    landmarks: Floats
    score: float
    looks: Floats


@dataclass(slots=True)
class Track:
    """One face, as far as it is known. Boxes are (4,) in pixels of the video, times in seconds."""

    key: int
    box: Floats
    landmarks: Floats
    score: float
    seen_s: float
    first_s: float
    looks: Floats  # (LOOKS_SIDE ** 2,) of unit length
    found_side: float  # of the box, when the whole cascade found it last
    velocity: Floats = field(default_factory=lambda: np.zeros(2, np.float32))  # of the centre, pixels a second
    sightings: int = 1
    best: float = 0.0
    missing: bool = False
    found: int = 1  # times by the whole cascade

    def see(self, sighting: Sighting, time_s: float) -> None:
        """Take a sighting as this face's own."""
        elapsed = max(time_s - self.seen_s, 1e-3)
        moved = (centres(sighting.box[np.newaxis]) - centres(self.box[np.newaxis]))[0] / elapsed
        inertia = VELOCITY_INERTIA if self.sightings > 1 else 0.0
        self.velocity = np.asarray(self.velocity * inertia + moved * (1 - inertia), np.float32)
        self.looks = unit(self.looks * LOOKS_INERTIA + sighting.looks * (1 - LOOKS_INERTIA))
        self.box, self.landmarks, self.score = sighting.box, sighting.landmarks, sighting.score
        self.best = max(self.best, sighting.score)
        self.seen_s, self.missing = time_s, False
        self.sightings += 1

    def cost(self, sighting: Sighting, time_s: float) -> float:
        """How unlikely it is that this face was sighted there; infinite when it cannot be."""
        expected = self.expected(time_s)
        side = side_of(expected)
        expected_centre, centre = centres(np.stack([expected, sighting.box]))
        distance = float(np.linalg.norm(centre - expected_centre))
        growth = abs(math.log(side_of(sighting.box) / side))
        allowed = 1 + (time_s - self.seen_s)
        if distance > MAX_DISTANCE * allowed * side or growth > MAX_GROWTH * allowed:
            return float("inf")
        return distance / side + growth + LOOKS_WEIGHT * (1 - float(self.looks @ sighting.looks))

    def find(self, sighting: Sighting) -> None:
        """The whole cascade says that this sighting is a face."""
        self.found, self.found_side = self.found + 1, side_of(sighting.box)

    def has_drifted(self, sighting: Sighting) -> bool:
        """Whether a box that O-Net alone has followed is too unlike what the cascade found."""
        return abs(math.log(side_of(sighting.box) / self.found_side)) > MAX_REFINED_GROWTH

    def expected(self, time_s: float) -> Floats:
        """Where the box is at that time, should it go on as it did."""
        trust = 1.0 if self.missing else VELOCITY_TRUST
        shift = self.velocity * (time_s - self.seen_s) * trust
        return np.asarray(self.box + np.concatenate([shift, shift]), np.float32)


class Tracker:
    """Follows every face of a video or a stream."""

    def __init__(self, detector: Detector, latest_s: float = LATEST_S) -> None:
        """Start with no face; `latest_s` is the longest wait between two looks at the whole frame."""
        self.tracks: list[Track] = []
        self.scene = Scene()
        self.searched_s: float | None = None
        self.wait_s = min(SOONEST_S, latest_s)
        self.last_key = 0
        self._detector = detector
        self._latest_s = latest_s

    def update(self, frame: Frame) -> list[Track]:
        """Take the next frame: the tracks that are over with it. After a cut, those are all there were."""
        cut = self.scene.see(frame)
        over, self.tracks = (self.tracks, []) if cut else ([], self.tracks)
        before = self._seen_keys()
        due = cut or self._is_due(frame)
        lost = not due and not self._follow(frame)
        if due or lost:
            self._search(frame)
            news = cut or before != self._seen_keys()
            self.wait_s = min(SOONEST_S if news else self.wait_s * PATIENCE, self._latest_s)
        return over + self._forget(frame.time_s)

    def seen(self) -> list[Track]:
        """The tracks that were found in the last frame."""
        return [track for track in self.tracks if not track.missing]

    def _is_due(self, frame: Frame) -> bool:
        if self._has_waited(frame, 1):
            return True
        return self._has_waited(frame, STIRRED_SHARE) and self.scene.is_stirred(self._shares(frame))

    def _has_waited(self, frame: Frame, share: float) -> bool:
        """Whether this share of the wait for the next search is over."""
        return self.searched_s is None or frame.time_s - self.searched_s + TICK_ROUNDING_S >= self.wait_s * share

    def _shares(self, frame: Frame) -> Floats:
        """Boxes of the faces that are followed, (N, 4) shares of the frame's width and height."""
        width, height = frame.size
        boxes = np.array([track.box for track in self.seen()], np.float32).reshape(-1, 4)
        return np.asarray(boxes / np.array([width, height, width, height], np.float32), np.float32)

    def _seen_keys(self) -> set[int]:
        return {track.key for track in self.seen()}

    def _follow(self, frame: Frame) -> bool:
        """Find each track again near where it should be. False, and nothing is changed, when one is lost."""
        pairs = self._refined(frame, self.seen(), [])
        followed = {track.key for track, _ in pairs}
        lost = [track for track in self.seen() if track.key not in followed]
        if lost and any(track.missing for track in self.tracks):
            return False
        near = self._found_near(frame, lost, [sighting.box for _, sighting in pairs])
        if len(near) < len(lost):
            return False
        for track, sighting in near:
            track.find(sighting)
        for track, sighting in pairs + near:
            track.see(sighting, frame.time_s)
        return True

    def _found_near(self, frame: Frame, tracks: list[Track], taken: list[Floats]) -> list[tuple[Track, Sighting]]:
        """Let the whole cascade look for these tracks near where they should be, on faces that are not taken."""
        if not tracks:
            return []
        expected = np.stack([track.expected(frame.time_s) for track in tracks])
        found = sightings(frame, self._detector.detect_near(frame, expected))
        return match(tracks, [sighting for sighting in found if not _covered(sighting.box, taken)], frame.time_s)

    def _search(self, frame: Frame) -> None:
        """Look for faces everywhere, give each to the track that it fits best, and start tracks for the others."""
        self.searched_s = frame.time_s
        found = list(sightings(frame, self._detector.detect(frame)))
        pairs = match(self.tracks, found, frame.time_s)
        for track, sighting in pairs:
            track.find(sighting)
        matched = {track.key for track, _ in pairs}
        others = [track for track in self.seen() if track.key not in matched]
        pairs += self._refined(frame, others, [sighting.box for _, sighting in pairs])
        for track in self.tracks:
            track.missing = True
        for track, sighting in pairs:
            track.see(sighting, frame.time_s)
        taken = [sighting.box for _, sighting in pairs]
        for sighting in found:
            if sighting.score >= NEW_SCORE and not _covered(sighting.box, taken):
                taken.append(sighting.box)
                self._start(sighting, frame.time_s)
        self.scene.search(self._shares(frame))

    def _refined(self, frame: Frame, tracks: list[Track], taken: list[Floats]) -> list[tuple[Track, Sighting]]:
        """Let O-Net find these tracks again, each on a face of its own and on none that is taken."""
        if not tracks:
            return []
        expected = np.stack([track.expected(frame.time_s) for track in tracks])
        found = sightings(frame, self._detector.refine(frame, expected))
        costs = [
            (track.cost(sighting, frame.time_s), track.key, track, sighting)
            for track, sighting in zip(tracks, found, strict=True)
            if sighting.score > 0 and not track.has_drifted(sighting)
        ]
        pairs: list[tuple[Track, Sighting]] = []
        for cost, _, track, sighting in sorted(costs, key=lambda entry: entry[:2]):
            boxes = taken + [other.box for _, other in pairs]
            if np.isfinite(cost) and not _covered(sighting.box, boxes):
                pairs.append((track, sighting))
        return pairs

    def _start(self, sighting: Sighting, time_s: float) -> None:
        self.last_key += 1
        self.tracks.append(
            Track(
                self.last_key,
                sighting.box,
                sighting.landmarks,
                sighting.score,
                time_s,
                time_s,
                sighting.looks,
                side_of(sighting.box),
                best=sighting.score,
            )
        )

    def _forget(self, time_s: float) -> list[Track]:
        """Let go of the tracks that have not been seen for too long, and return them."""
        over = [track for track in self.tracks if time_s - track.seen_s > MEMORY_S]
        self.tracks = [track for track in self.tracks if time_s - track.seen_s <= MEMORY_S]
        return over


def sightings(frame: Frame, found: Detections) -> Iterator[Sighting]:
    """The detections of a frame one by one, with what each looks like."""
    for box, landmarks, score in zip(found.boxes, found.landmarks, found.scores, strict=True):
        yield Sighting(box, landmarks, float(score), looks_of(frame, box))


def match(tracks: list[Track], found: list[Sighting], time_s: float) -> list[tuple[Track, Sighting]]:
    """One to one, the surest pairs first."""
    costs = [(track.cost(sighting, time_s), t, s) for t, track in enumerate(tracks) for s, sighting in enumerate(found)]
    pairs: dict[int, int] = {}
    for cost, t, s in sorted(costs):
        if np.isfinite(cost) and t not in pairs and s not in pairs.values():
            pairs[t] = s
    return [(tracks[t], found[s]) for t, s in pairs.items()]


def looks_of(frame: Frame, box: Floats) -> Floats:
    """A thumbnail of a face as a vector of unit length, so that the product of two is their correlation."""
    left, top = np.maximum(box[:2], 0).astype(int).tolist()
    right, bottom = np.minimum(box[2:], frame.size).astype(int).tolist()
    if right <= left or bottom <= top:
        return np.zeros(LOOKS_SIDE**2, np.float32)
    sparse = max(1, min(right - left, bottom - top) // (LOOKS_SIDE * 4))
    face = np.ascontiguousarray(frame.grey_part((left, top, right, bottom), sparse))
    small = cv2.resize(face, (LOOKS_SIDE, LOOKS_SIDE), interpolation=cv2.INTER_AREA)
    return unit(small.astype(np.float32).ravel() - small.mean())


def unit(vector: Floats) -> Floats:
    """The same direction with length one; nothing stays nothing."""
    return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-6), np.float32)


def side_of(box: Floats) -> float:
    """The longer side, in pixels."""
    return max(float((box[2:] - box[:2]).max()), 1.0)


def _covered(box: Floats, taken: list[Floats]) -> bool:
    return bool(taken) and bool((containments(box[np.newaxis], np.stack(taken)) > SAME_FACE).any())
