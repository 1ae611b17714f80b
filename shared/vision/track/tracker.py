"""Who is who from frame to frame: faces are found rarely, followed between, and matched one to one.

Between two searches, O-Net and the movement of a face's own pixels follow it by turns.

A cut ends all tracks, and a gradual transition those whose face it replaced. A track that is not seen keeps moving as
it did for MEMORY_S and is found again by place, size and looks. When two tracks come to lie on one face, the one that
fits it less is taken to be hidden behind it.
"""

import numpy as np

from duygu.shared.vision.detect.mtcnn import MAX_FACES
from duygu.shared.vision.pace import Pace
from duygu.shared.vision.track.association import Pairs, boxes_of, expected_boxes, match, match_own, touching, uncovered
from duygu.shared.vision.track.optical_flow import Patch
from duygu.shared.vision.track.scene_change import Scene
from duygu.shared.vision.track.track import Sighting, Track, looks_of, side_of, sightings
from duygu.shared.vision.track.transitions import TransitionDetector
from duygu.shared.vision.types import Detector, Floats, Frame

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

MEMORY_INTERVALS, LONGEST_GAP_INTERVALS = 1.2, 2.4
"""The same in usual intervals of the source, where these are longer: a face may be missed in one frame, with jitter."""

LONGEST_FREEZE_S, SAME_LOOKS = 30.0, 0.9
"""After a gap of no more than this, whoever has so much the same looks (correlation) at exactly the same place of an
unchanged picture is still the same person: the stream stood still. Of two people whose faces fill the same box, fewer
than one pair in a hundred is so much alike."""

LONGEST_STEP_S = 0.5
"""Usual time between two frames up to which gradual transitions are looked for."""

SAME_PERSON = 0.7
"""Correlation with the track's first looks below which a face is somebody else once a gradual transition is over.
Without a transition it says nothing: a head that turns has 0.0 to 0.4."""

NEW_SCORE = 0.8
"""O-Net's score for a face that is not followed yet; a followed one goes on down to O-Net's own threshold."""

CROWD_FACES = 8
"""Faces beyond which a picture is searched no oftener than each CROWD_WAIT_S, whatever is lost or new in it."""

CROWD_WAIT_S = 0.5

CROWD_NEAR = 2
"""Lost faces that are looked for near where they were between two searches of a crowd; more wait for the next one."""

CROWD_UNCHECKED = 3
"""Most frames in a row for which a face of a crowd is followed without R-Net and O-Net: by its pixels in the first of
them, by its velocity in the others. Of more faces than CROWD_FACES, about so many are given to networks in a frame."""

TICK_ROUNDING_S = 0.03
"""Frames come at the ticks of a clock give or take this much."""


class Tracker:
    """Follows every face of a video or a stream."""

    def __init__(
        self,
        detector: Detector,
        latest_s: float = LATEST_S,
        *,
        max_faces: int = MAX_FACES,
        interval_s: float | None = None,
    ) -> None:
        """Start with no face.

        latest_s    the longest wait between two searches of the whole frame
        max_faces   faces that are followed at the same time; of more, those with the best scores
        interval_s  time between the frames of the source, where it is known
        """
        self.tracks: list[Track] = []
        self.scene = Scene()
        self.transitions = TransitionDetector()
        self.searched_s: float | None = None
        self.wait_s = min(SOONEST_S, latest_s)
        self.usual_s = 0.0  # between two frames before the last one
        self.last_key = 0
        self.found = 0  # faces in the picture that was last searched, whether they are followed or not
        self.overflowed = False  # more than max_faces faces were there at the same time
        self._max_faces = max_faces
        self.pace = Pace(interval_s)
        self._detector = detector
        self._latest_s = latest_s

    def update(self, frame: Frame) -> list[Track]:
        """Take the next frame: the tracks that are over with it. After a cut, those are all there were."""
        cut = self.scene.see(frame)
        usual_s = self.pace.take(frame.time_s)
        over = (
            self._forget_all()
            if cut
            else self._forget_after_gap(frame, usual_s) + self._forget_replaced(frame, usual_s)
        )
        self.usual_s = usual_s
        before = self._seen_keys()
        due = self._is_due(frame, at_once=cut or bool(over))
        lost = not due and not self._follow(frame)
        if due or lost:
            self._search(frame)
            news = cut or before != self._seen_keys()
            self.wait_s = min(self._soonest_s() if news else self.wait_s * PATIENCE, self._latest_s)
        over += self._forget(frame.time_s, max(MEMORY_S, MEMORY_INTERVALS * usual_s))
        return over + self._forget_beyond(2 * self._max_faces)

    def postpone(self, factor: float) -> None:
        """Let the next look at the whole frame wait so many times as long."""
        self.wait_s *= factor

    def seen(self) -> list[Track]:
        """The tracks that were found in the last frame."""
        return [track for track in self.tracks if not track.missing]

    def _is_due(self, frame: Frame, *, at_once: bool) -> bool:
        if self._has_waited(frame, 1):
            return True
        if self._is_crowd_searched(frame):
            return False
        return at_once or (self._has_waited(frame, STIRRED_SHARE) and self.scene.is_stirred(self._shares(frame)))

    def _is_crowd_searched(self, frame: Frame) -> bool:
        """Whether there are many faces, and the last search was a moment ago: each costs several times as much."""
        if self.searched_s is None or not self._is_crowd() or self._latest_s < CROWD_WAIT_S:
            return False
        return frame.time_s - self.searched_s + TICK_ROUNDING_S < CROWD_WAIT_S

    def _is_crowd(self) -> bool:
        return max(len(self.tracks), self.found) > CROWD_FACES

    def _soonest_s(self) -> float:
        return CROWD_WAIT_S if self._is_crowd() else SOONEST_S

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
        """Find each track again near where it should be. False, and nothing is changed, when one is lost.

        In a crowd that was searched a moment ago, those that are lost go missing instead.
        """
        carried = self._carried(frame)
        coasting = [track for track in _others(self.seen(), carried) if self._may_coast(track)]
        others = _without(_others(self.seen(), carried), coasting)
        refined = self._refined(frame, others, _boxes(carried))
        lost = _others(others, refined)
        patient = self._is_crowd_searched(frame)
        if lost and not patient and any(track.missing for track in self.tracks):
            return False
        sought = [] if patient and len(lost) > CROWD_NEAR else lost
        near = self._found_near(frame, sought, _boxes(carried + refined))
        if len(near) < len(lost) and not patient:
            return False
        for track in _others(lost, near):
            track.missing = True
        for track, sighting in near:
            track.find(sighting)
        for track, sighting in refined + near:
            track.see(sighting, frame.time_s, Patch.of(frame, sighting.box))
        for track, sighting in carried:
            track.see(sighting, frame.time_s, None)
            track.unchecked = 1
        for track in coasting:
            track.coast(frame.time_s)
        return True

    def crowding(self) -> int:
        """How many times as many faces are in sight as are followed in full, rounded up; 1 without a crowd."""
        return max(1, -(-len(self.seen()) // CROWD_FACES))

    def _may_coast(self, track: Track) -> bool:
        """Whether a face of a crowd was found by its pixels in the last frame, or coasts, and not too long."""
        return 0 < track.unchecked < min(self.crowding() - 1, CROWD_UNCHECKED)

    def _carried(self, frame: Frame) -> Pairs:
        """Let the pixels of faces that touch no other say where they went; O-Net has seen each a moment ago."""
        places = np.array([place for place, track in enumerate(self.tracks) if not track.missing], np.intp)
        boxes = boxes_of(self.tracks)[places]
        touched = touching(boxes, expected_boxes(self.tracks, frame.time_s), places)
        pairs = []
        for place, touches in zip(places.tolist(), touched.tolist(), strict=True):
            track = self.tracks[place]
            sighting = None if touches else track.carry(frame)
            if sighting and not track.has_drifted(sighting):
                pairs.append((track, sighting))
        return pairs

    def _found_near(self, frame: Frame, tracks: list[Track], taken: Floats) -> Pairs:
        """Let the whole cascade look for these tracks near where they should be, on faces that are not taken."""
        if not tracks:
            return []
        found = list(sightings(frame, self._detector.detect_near(frame, expected_boxes(tracks, frame.time_s))))
        return match(tracks, [found[place] for place in uncovered(found, taken, by_each_other=False)], frame.time_s)

    def _search(self, frame: Frame) -> None:
        """Look for faces everywhere, give each to the track that it fits best, and start tracks for the others."""
        self.searched_s = frame.time_s
        found = list(sightings(frame, self._detector.detect(frame)))
        self.found = len(found)
        pairs = match(self.tracks, found, frame.time_s)
        for track, sighting in pairs:
            track.find(sighting)
        pairs += self._refined(frame, _others(self.seen(), pairs), _boxes(pairs))
        pairs = sorted(pairs, key=lambda pair: pair[0].missing)[: self._max_faces]  # who was in sight goes first
        for track in self.tracks:
            track.missing = True
        for track, sighting in pairs:
            track.see(sighting, frame.time_s, Patch.of(frame, sighting.box))
        self._start_new([sighting for sighting in found if sighting.score >= NEW_SCORE], _boxes(pairs), frame)
        self.scene.search(self._shares(frame))

    def _refined(self, frame: Frame, tracks: list[Track], taken: Floats) -> Pairs:
        """Let O-Net find these tracks again, each on a face of its own and on none that is taken."""
        if not tracks:
            return []
        found = sightings(frame, self._detector.refine(frame, expected_boxes(tracks, frame.time_s)))
        pairs = [
            (track, sighting)
            for track, sighting in zip(tracks, found, strict=True)
            if sighting.score > 0 and not track.has_drifted(sighting)
        ]
        return match_own(pairs, frame.time_s, taken)

    def _start_new(self, found: list[Sighting], taken: Floats, frame: Frame) -> None:
        """Start a track for each sighting, best first, that lies on no face that is taken, as long as there is room."""
        new = uncovered(found, taken)
        room = max(self._max_faces - len(taken), 0)
        self.overflowed |= len(new) > room
        for place in new[:room]:
            self._start(found[place], frame)

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
                sighting.looks,
                side_of(sighting.box),
                best=sighting.score,
                patch=Patch.of(frame, sighting.box),
            )
        )

    def _forget_all(self) -> list[Track]:
        self.transitions.clear()
        over, self.tracks = self.tracks, []
        return over

    def _forget_after_gap(self, frame: Frame, usual_s: float) -> list[Track]:
        """Let go of those that were seen too long ago, unless the stream stood still meanwhile."""
        longest_s = max(LONGEST_GAP_S, LONGEST_GAP_INTERVALS * usual_s)
        unseen = [track for track in self.tracks if frame.time_s - track.seen_s > longest_s]
        stayed = [track for track in unseen if self._has_stayed(track, frame)]
        for track in stayed:
            track.velocity = np.zeros(2, np.float32)
        over = _without(unseen, stayed)
        self.tracks = _without(self.tracks, over)
        return over

    def _has_stayed(self, track: Track, frame: Frame) -> bool:
        """Whether a face that was seen in the frame before is, after a long gap, where and what it was."""
        if track.missing or frame.time_s - track.seen_s > LONGEST_FREEZE_S or not self.scene.is_unchanged:
            return False
        return float(looks_of(frame, track.box) @ track.looks) >= SAME_LOOKS

    def _forget_replaced(self, frame: Frame, usual_s: float) -> list[Track]:
        """Let go of those that somebody else took the place of in a cross-fade, a dissolve or a wipe."""
        if usual_s > LONGEST_STEP_S:  # in so slow a video, hours of changing light look like a transition
            return []
        if self.scene.last is None or not self.transitions.update(self.scene.last):
            return []
        over = [
            track
            for track in self.tracks
            if float(looks_of(frame, track.expected(frame.time_s)) @ track.first_looks) < SAME_PERSON
        ]
        if over:
            self.transitions.clear()
        self.tracks = _without(self.tracks, over)
        return over

    def _forget(self, time_s: float, longest_s: float) -> list[Track]:
        """Let go of the tracks that have not been seen for longer than that, and return them."""
        over = [track for track in self.tracks if time_s - track.seen_s > longest_s]
        self.tracks = [track for track in self.tracks if time_s - track.seen_s <= longest_s]
        return over

    def _forget_beyond(self, count: int) -> list[Track]:
        """Let go of those that have been missing longest, until so many tracks are left."""
        over = sorted(self.tracks, key=lambda track: track.seen_s)[: max(len(self.tracks) - count, 0)]
        self.tracks = _without(self.tracks, over)
        return over


def _boxes(pairs: Pairs) -> Floats:
    """Boxes of the sightings: (N, 4)."""
    return boxes_of([sighting for _, sighting in pairs])


def _others(tracks: list[Track], pairs: Pairs) -> list[Track]:
    """The tracks that are in none of the pairs."""
    return _without(tracks, [track for track, _ in pairs])


def _without(tracks: list[Track], others: list[Track]) -> list[Track]:
    keys = {track.key for track in others}
    return [track for track in tracks if track.key not in keys]
