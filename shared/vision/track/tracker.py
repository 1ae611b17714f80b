"""Tracking of faces: occasional full-frame detection, cheap updates between, and one-to-one matching.

Between two full-frame detections, refinement by R-Net and O-Net and optical flow alternate, for all faces in the same
frames.

A cut ends all tracks; a gradual transition ends the tracks whose face it replaced. A lost track is extrapolated for
MEMORY_S and matched by position, size and appearance. When two tracks converge on one face, the track with the higher
cost is treated as occluded.
"""

import numpy as np

from duygu.shared.vision.options import MAX_FACES
from duygu.shared.vision.pace import Pace
from duygu.shared.vision.track.association import Pairs, boxes_of, expected_boxes, match, match_own, touching, uncovered
from duygu.shared.vision.track.optical_flow import Patch
from duygu.shared.vision.track.scene_change import SceneChangeDetector
from duygu.shared.vision.track.track import Sighting, Track, appearance_template, side_of, sightings
from duygu.shared.vision.track.transitions import TransitionDetector
from duygu.shared.vision.types import Detector, Floats, Frame

SOONEST_S, LATEST_S = 0.1, 4.0
"""Shortest and longest interval between full-frame detections. A detection that changes the set of tracks is followed
by the shortest interval."""

PATIENCE = 1.5
"""Factor by which the interval grows after each full-frame detection without a change."""

MOTION_SHARE = 0.125
"""Share of the interval after which motion outside the tracks triggers a full-frame detection."""

EVERY_FRAME = 0.0
"""Value of `latest_s` for a full-frame detection on every frame."""

MEMORY_S = 1.0
"""Time for which a lost track is kept, and can be recovered with the same id."""

LONGEST_GAP_S = 3.0
"""Longest gap between frames within which tracks are kept; after it, another person may be visible. Slow videos have
gaps beyond MEMORY_S."""

MEMORY_INTERVALS, LONGEST_GAP_INTERVALS = 1.2, 2.4
"""The same limits in frame intervals of the source, if these are longer. They allow one missed frame, with jitter."""

LONGEST_FREEZE_S, SAME_APPEARANCE = 30.0, 0.9
"""Longest gap of a frozen stream, and minimum correlation of the appearance templates across it. If the picture is
unchanged and the face at the same box is this similar, the track continues. Of pairs of people whose faces fill the
same box, fewer than 1% are this similar."""

LONGEST_STEP_S = 0.5
"""Longest frame interval for which gradual transitions are detected."""

SAME_PERSON = 0.7
"""Minimum correlation with the track's first appearance template after a gradual transition; a track below it has been
replaced by another person. Without a transition the value is meaningless: a turning head has 0.0 to 0.4."""

NEW_SCORE = 0.8
"""Minimum O-Net score of a new track. Existing tracks continue down to O-Net's own threshold."""

CROWD_FACES = 8
"""Number of faces above which full-frame detections are at least CROWD_WAIT_S apart, even if tracks are lost or faces
appear."""

CROWD_WAIT_S = 0.5

CROWD_NEAR = 2
"""Maximum number of lost tracks to detect locally between two full-frame detections of a crowd. If more are lost, all
wait for the next full-frame detection."""

CROWD_UNCHECKED = 3
"""Maximum number of consecutive frames without R-Net and O-Net for a face of a crowd: optical flow in the first, and
extrapolation in the others. In each frame, the networks process about CROWD_FACES faces of a larger number."""

TICK_ROUNDING_S = 0.03
"""Tolerance of frame times relative to the sampling times."""


class Tracker:
    """Tracks every face of a video or a live session."""

    def __init__(
        self,
        detector: Detector,
        latest_s: float = LATEST_S,
        *,
        max_faces: int = MAX_FACES,
        interval_s: float | None = None,
    ) -> None:
        """Create a tracker without tracks.

        latest_s    longest interval between full-frame detections
        max_faces   maximum number of tracks in sight; detections with the best scores are preferred
        interval_s  frame interval of the source, if known
        """
        self.tracks: list[Track] = []
        self.scene = SceneChangeDetector()
        self.transitions = TransitionDetector()
        self.searched_s: float | None = None
        self.wait_s = min(SOONEST_S, latest_s)
        self.usual_s = 0.0  # usual frame interval, before the last frame
        self.last_key = 0
        self.found = 0  # faces in the last full-frame detection, tracked or not
        self.overflowed = False  # whether more than max_faces faces were visible at the same time
        self._max_faces = max_faces
        self.pace = Pace(interval_s)
        self._detector = detector
        self._latest_s = latest_s

    def update(self, frame: Frame) -> list[Track]:
        """Process the next frame, and return the tracks that have ended. A cut ends all tracks."""
        cut = self.scene.update(frame)
        usual_s = self.pace.add(frame.time_s)
        ended = self._end_all() if cut else self._end_after_gap(frame, usual_s) + self._end_replaced(frame, usual_s)
        self.usual_s = usual_s
        before = self._visible_keys()
        due = self._is_due(frame, at_once=cut or bool(ended))
        lost = not due and not self._update_tracks(frame)
        if due or lost:
            self._detect(frame)
            news = cut or before != self._visible_keys()
            self.wait_s = min(self._soonest_s() if news else self.wait_s * PATIENCE, self._latest_s)
        ended += self._end_lost(frame.time_s, max(MEMORY_S, MEMORY_INTERVALS * usual_s))
        return ended + self._end_beyond(2 * self._max_faces)

    def limit_faces(self, detector: Detector, max_faces: int) -> None:
        """Use another detector and maximum number of tracks. Tracks beyond the maximum go on until they end."""
        self._detector, self._max_faces = detector, max_faces

    def postpone(self, factor: float) -> None:
        """Multiply the interval until the next full-frame detection by a factor."""
        self.wait_s *= factor

    def visible(self) -> list[Track]:
        """The tracks that are visible in the last frame."""
        return [track for track in self.tracks if not track.missing]

    def _is_due(self, frame: Frame, *, at_once: bool) -> bool:
        if self._has_waited(frame, 1):
            return True
        if self._has_recent_crowd_detection(frame):
            return False
        return at_once or (
            self._has_waited(frame, MOTION_SHARE) and self.scene.motion_outside_tracks(self._shares(frame))
        )

    def _has_recent_crowd_detection(self, frame: Frame) -> bool:
        """Whether a crowd had a full-frame detection within CROWD_WAIT_S; it costs several times as much in a crowd."""
        if self.searched_s is None or not self._is_crowd() or self._latest_s < CROWD_WAIT_S:
            return False
        return frame.time_s - self.searched_s + TICK_ROUNDING_S < CROWD_WAIT_S

    def _is_crowd(self) -> bool:
        return max(len(self.tracks), self.found) > CROWD_FACES

    def _soonest_s(self) -> float:
        return CROWD_WAIT_S if self._is_crowd() else SOONEST_S

    def _has_waited(self, frame: Frame, share: float) -> bool:
        """Whether this share of the interval until the next full-frame detection has elapsed."""
        return self.searched_s is None or frame.time_s - self.searched_s + TICK_ROUNDING_S >= self.wait_s * share

    def _shares(self, frame: Frame) -> Floats:
        """Boxes of the visible tracks, (N, 4) shares of the frame's width and height."""
        width, height = frame.size
        boxes = np.array([track.box for track in self.visible()], np.float32).reshape(-1, 4)
        return np.asarray(boxes / np.array([width, height, width, height], np.float32), np.float32)

    def _visible_keys(self) -> set[int]:
        return {track.key for track in self.visible()}

    def _update_tracks(self, frame: Frame) -> bool:
        """Update all visible tracks near their predicted boxes. Returns False, without any change, if a track is lost.

        In a crowd with a recent full-frame detection, lost tracks are marked as missing instead.
        """
        propagated = self._propagated_by_flow(frame)
        extrapolated = [track for track in _others(self.visible(), propagated) if self._may_extrapolate(track)]
        others = _without(_others(self.visible(), propagated), extrapolated)
        refined = self._refined(frame, others, _boxes(propagated))
        lost = _others(others, refined)
        patient = self._has_recent_crowd_detection(frame)
        if lost and not patient and any(track.missing for track in self.tracks):
            return False
        sought = [] if patient and len(lost) > CROWD_NEAR else lost
        near = self._detected_near(frame, sought, _boxes(propagated + refined))
        if len(near) < len(lost) and not patient:
            return False
        for track in _others(lost, near):
            track.missing = True
        for track, sighting in near:
            track.record_detection(sighting)
        for track, sighting in refined + near:
            track.update(sighting, frame.time_s, Patch.of(frame, sighting.box))
        for track, sighting in propagated:
            track.update(sighting, frame.time_s, None)
            track.unchecked = 1
        for track in extrapolated:
            track.extrapolate(frame.time_s)
        return True

    def crowding(self) -> int:
        """Number of visible tracks divided by CROWD_FACES, rounded up; 1 without a crowd."""
        return max(1, -(-len(self.visible()) // CROWD_FACES))

    def _may_extrapolate(self, track: Track) -> bool:
        """Whether a track of a crowd can be extrapolated: no network has checked it recently, but not for too long."""
        return 0 < track.unchecked < min(self.crowding() - 1, CROWD_UNCHECKED)

    def _propagated_by_flow(self, frame: Frame) -> Pairs:
        """Update tracks that touch no other by optical flow, if a network found their face in the previous frame."""
        if self._is_check_due():
            return []
        places = np.array([place for place, track in enumerate(self.tracks) if not track.missing], np.intp)
        boxes = boxes_of(self.tracks)[places]
        touched = touching(boxes, expected_boxes(self.tracks, frame.time_s), places)
        pairs = []
        for place, touches in zip(places.tolist(), touched.tolist(), strict=True):
            track = self.tracks[place]
            sighting = None if touches else track.propagate_by_flow(frame)
            if sighting and not track.has_drifted(sighting):
                pairs.append((track, sighting))
        return pairs

    def _is_check_due(self) -> bool:
        """Whether optical flow propagated a face in the previous frame. The networks then check all faces together.

        In a crowd, each face has its own turn, so that no frame takes long.
        """
        return self.crowding() == 1 and any(track.unchecked for track in self.visible())

    def _detected_near(self, frame: Frame, tracks: list[Track], taken: Floats) -> Pairs:
        """Run the full cascade near the predicted boxes of these tracks, excluding faces that are taken."""
        if not tracks:
            return []
        found = list(sightings(frame, self._detector.detect_near(frame, expected_boxes(tracks, frame.time_s))))
        return match(tracks, [found[place] for place in uncovered(found, taken, by_each_other=False)], frame.time_s)

    def _detect(self, frame: Frame) -> None:
        """Run a full-frame detection, match the detections with the tracks, and start tracks for the rest."""
        self.searched_s = frame.time_s
        found = list(sightings(frame, self._detector.detect(frame)))
        self.found = len(found)
        pairs = match(self.tracks, found, frame.time_s)
        for track, sighting in pairs:
            track.record_detection(sighting)
        pairs += self._refined(frame, _others(self.visible(), pairs), _boxes(pairs))
        pairs = sorted(pairs, key=lambda pair: pair[0].missing)[: self._max_faces]  # visible tracks first
        for track in self.tracks:
            track.missing = True
        for track, sighting in pairs:
            track.update(sighting, frame.time_s, Patch.of(frame, sighting.box))
        self._start_new([sighting for sighting in found if sighting.score >= NEW_SCORE], _boxes(pairs), frame)
        self.scene.record_detection(self._shares(frame))

    def _refined(self, frame: Frame, tracks: list[Track], taken: Floats) -> Pairs:
        """Refine the boxes of these tracks with R-Net and O-Net. Boxes on a face that is taken are dropped."""
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
        """Start a track for each detection that lies on no other face, best first, up to `max_faces`."""
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
                sighting.appearance,
                sighting.appearance,
                side_of(sighting.box),
                best=sighting.score,
                patch=Patch.of(frame, sighting.box),
            )
        )

    def _end_all(self) -> list[Track]:
        self.transitions.clear()
        ended, self.tracks = self.tracks, []
        return ended

    def _end_after_gap(self, frame: Frame, usual_s: float) -> list[Track]:
        """End the tracks that a long gap between frames interrupts, unless the stream was frozen."""
        longest_s = max(LONGEST_GAP_S, LONGEST_GAP_INTERVALS * usual_s)
        unseen = [track for track in self.tracks if frame.time_s - track.seen_s > longest_s]
        unchanged = [track for track in unseen if self._is_unchanged(track, frame)]
        for track in unchanged:
            track.velocity = np.zeros(2, np.float32)
        ended = _without(unseen, unchanged)
        self.tracks = _without(self.tracks, ended)
        return ended

    def _is_unchanged(self, track: Track, frame: Frame) -> bool:
        """Whether a track that was visible before a long gap is unchanged in position and appearance."""
        if track.missing or frame.time_s - track.seen_s > LONGEST_FREEZE_S or not self.scene.is_unchanged:
            return False
        return float(appearance_template(frame, track.box) @ track.appearance) >= SAME_APPEARANCE

    def _end_replaced(self, frame: Frame, usual_s: float) -> list[Track]:
        """End the tracks whose face was replaced in a cross-fade, a dissolve or a wipe."""
        if usual_s > LONGEST_STEP_S:  # in a slow video, hours of changing light resemble a transition
            return []
        if self.scene.last is None or not self.transitions.update(self.scene.last):
            return []
        ended = [
            track
            for track in self.tracks
            if float(appearance_template(frame, track.expected(frame.time_s)) @ track.first_appearance) < SAME_PERSON
        ]
        if ended:
            self.transitions.clear()
        self.tracks = _without(self.tracks, ended)
        return ended

    def _end_lost(self, time_s: float, longest_s: float) -> list[Track]:
        """End and return the tracks that were last visible more than `longest_s` ago."""
        ended = [track for track in self.tracks if time_s - track.seen_s > longest_s]
        self.tracks = [track for track in self.tracks if time_s - track.seen_s <= longest_s]
        return ended

    def _end_beyond(self, count: int) -> list[Track]:
        """End the tracks that have been missing longest, until `count` tracks remain."""
        ended = sorted(self.tracks, key=lambda track: track.seen_s)[: max(len(self.tracks) - count, 0)]
        self.tracks = _without(self.tracks, ended)
        return ended


def _boxes(pairs: Pairs) -> Floats:
    """Boxes of the sightings of pairs: (N, 4)."""
    return boxes_of([sighting for _, sighting in pairs])


def _others(tracks: list[Track], pairs: Pairs) -> list[Track]:
    """The tracks that are in no pair."""
    return _without(tracks, [track for track, _ in pairs])


def _without(tracks: list[Track], others: list[Track]) -> list[Track]:
    keys = {track.key for track in others}
    return [track for track in tracks if track.key not in keys]
