"""Who is who from frame to frame: faces are found rarely, followed between, and matched one to one.

Between two searches, O-Net and the movement of a face's own pixels follow it by turns.

A track that is not seen keeps moving as it did for MEMORY_S and is found again by place, size and looks. When two
tracks come to lie on one face, the one that fits it less is taken to be hidden behind it.
"""

import math

import numpy as np

from shared.vision.boxes import containments, intersections
from shared.vision.cuts import Scene
from shared.vision.flow import Patch
from shared.vision.tracks import Sighting, Track, match, side_of, sightings
from shared.vision.types import Detector, Floats, Frame

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

LONGEST_GAP_S = 3.0
"""Between two frames; who is there after a longer one may be somebody else. Slow videos have gaps beyond MEMORY_S."""

NEW_SCORE = 0.8
"""O-Net's score for a face that is not followed yet; a followed one goes on down to O-Net's own threshold."""

SAME_FACE = 0.5
"""Boxes that cover more than this share of the smaller one cannot both be faces that are seen."""

TICK_ROUNDING_S = 0.03
"""Frames come at the ticks of a clock give or take this much."""


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
        over = self._forget(frame.time_s, -math.inf if cut else LONGEST_GAP_S)
        before = self._seen_keys()
        due = cut or bool(over) or self._is_due(frame)
        lost = not due and not self._follow(frame)
        if due or lost:
            self._search(frame)
            news = cut or before != self._seen_keys()
            self.wait_s = min(SOONEST_S if news else self.wait_s * PATIENCE, self._latest_s)
        return over + self._forget(frame.time_s, MEMORY_S)

    def postpone(self, factor: float) -> None:
        """Let the next look at the whole frame wait so many times as long."""
        self.wait_s *= factor

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
        carried = self._carried(frame)
        others = _others(self.seen(), carried)
        refined = self._refined(frame, others, [sighting.box for _, sighting in carried])
        lost = _others(others, refined)
        if lost and any(track.missing for track in self.tracks):
            return False
        near = self._found_near(frame, lost, [sighting.box for _, sighting in carried + refined])
        if len(near) < len(lost):
            return False
        for track, sighting in near:
            track.find(sighting)
        for track, sighting in refined + near:
            track.see(sighting, frame.time_s, Patch.of(frame, sighting.box))
        for track, sighting in carried:
            track.see(sighting, frame.time_s, None)
        return True

    def _carried(self, frame: Frame) -> list[tuple[Track, Sighting]]:
        """Let the pixels of faces that touch no other say where they went; O-Net has seen each a moment ago."""
        pairs = []
        for track in self.seen():
            boxes = [other.expected(frame.time_s) for other in self.tracks if other is not track]
            sighting = None if _touches(track.box, boxes) else track.carry(frame)
            if sighting and not track.has_drifted(sighting):
                pairs.append((track, sighting))
        return pairs

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
        pairs += self._refined(frame, _others(self.seen(), pairs), [sighting.box for _, sighting in pairs])
        for track in self.tracks:
            track.missing = True
        for track, sighting in pairs:
            track.see(sighting, frame.time_s, Patch.of(frame, sighting.box))
        taken = [sighting.box for _, sighting in pairs]
        for sighting in found:
            if sighting.score >= NEW_SCORE and not _covered(sighting.box, taken):
                taken.append(sighting.box)
                self._start(sighting, frame)
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

    def _start(self, sighting: Sighting, frame: Frame) -> None:
        self.last_key += 1
        self.tracks.append(
            Track(
                self.last_key,
                sighting.box,
                sighting.landmarks,
                sighting.score,
                frame.time_s,
                frame.time_s,
                sighting.looks,
                side_of(sighting.box),
                best=sighting.score,
                patch=Patch.of(frame, sighting.box),
            )
        )

    def _forget(self, time_s: float, longest_s: float) -> list[Track]:
        """Let go of the tracks that have not been seen for longer than that, and return them."""
        over = [track for track in self.tracks if time_s - track.seen_s > longest_s]
        self.tracks = [track for track in self.tracks if time_s - track.seen_s <= longest_s]
        return over


def _covered(box: Floats, taken: list[Floats]) -> bool:
    return bool(taken) and bool((containments(box[np.newaxis], np.stack(taken)) > SAME_FACE).any())


def _touches(box: Floats, others: list[Floats]) -> bool:
    return bool(others) and bool((intersections(box[np.newaxis], np.stack(others)) > 0).any())


def _others(tracks: list[Track], pairs: list[tuple[Track, Sighting]]) -> list[Track]:
    """The tracks that are in none of the pairs."""
    keys = {track.key for track, _ in pairs}
    return [track for track in tracks if track.key not in keys]
