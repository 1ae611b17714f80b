"""State of one track, and one sighting of a face."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import cv2
import numpy as np

from duygu.shared.vision.detect.boxes import centres
from duygu.shared.vision.track.optical_flow import Patch
from duygu.shared.vision.types import Detections, Floats, Frame

MAX_REFINED_GROWTH = 0.15
"""Maximum change of size since the last detection by the full cascade: natural logarithm of the ratio of sides. Behind
a hand, the box from O-Net alone can grow frame by frame to twice the face."""

APPEARANCE_SIDE = 12
"""Side of the appearance template, in pixels."""

VELOCITY_INERTIA = 0.6

VELOCITY_TRUST = 0.5
"""Share of the velocity used to predict the box of a visible face. The velocity includes jitter of the boxes. With a
prediction halfway, O-Net stays closer to the full cascade than with the old or the fully extrapolated box."""

APPEARANCE_INERTIA = 0.8


@dataclass(frozen=True, slots=True)
class Sighting:
    """A detected face that is not yet associated with a track."""

    box: Floats
    landmarks: Floats
    score: float
    appearance: Floats


@dataclass(slots=True)
class Track:
    """State of one track. Boxes are (4,) in pixels of the video, times in seconds."""

    key: int
    box: Floats
    landmarks: Floats
    score: float
    seen_s: float
    first_s: float
    appearance: Floats  # (APPEARANCE_SIDE ** 2,) of unit length
    first_appearance: Floats  # the same, at the start of the track
    found_side: float  # side of the box at the last detection by the full cascade
    velocity: Floats = field(default_factory=lambda: np.zeros(2, np.float32))  # of the centre, pixels a second
    sightings: int = 1
    best: float = 0.0
    missing: bool = False
    found: int = 1  # number of detections by the full cascade
    patch: Patch | None = None  # of the last frame, if a network found the face in it
    unchecked: int = 0  # consecutive frames without a check by a network

    def update(self, sighting: Sighting, time_s: float, patch: Patch | None) -> None:
        """Update the track with its sighting."""
        elapsed = max(time_s - self.seen_s, 1e-3)
        moved = (centres(sighting.box[np.newaxis]) - centres(self.box[np.newaxis]))[0] / elapsed
        inertia = VELOCITY_INERTIA if self.sightings > 1 else 0.0
        self.velocity = np.asarray(self.velocity * inertia + moved * (1 - inertia), np.float32)
        self.appearance = unit(self.appearance * APPEARANCE_INERTIA + sighting.appearance * (1 - APPEARANCE_INERTIA))
        self.box, self.landmarks, self.score = sighting.box, sighting.landmarks, sighting.score
        self.best = max(self.best, sighting.score)
        self.seen_s, self.missing, self.patch = time_s, False, patch
        self.sightings += 1
        self.unchecked = 0

    def extrapolate(self, time_s: float) -> None:
        """Move the box as predicted, in a frame without a detection for this track."""
        shifted = self.expected(time_s)
        self.landmarks = self.landmarks + (shifted - self.box)[:2]
        self.box, self.seen_s, self.patch = shifted, time_s, None
        self.sightings += 1
        self.unchecked += 1

    def propagate_by_flow(self, frame: Frame) -> Sighting | None:
        """Estimate the position in this frame by optical flow; None if it is not reliable."""
        motion = self.patch.motion(frame, self.box) if self.patch else None
        if motion is None:
            return None
        return Sighting(motion.box(self.box), motion.points(self.landmarks), self.score, self.appearance)

    def record_detection(self, sighting: Sighting) -> None:
        """Record that the full cascade detected this face."""
        self.found, self.found_side = self.found + 1, side_of(sighting.box)

    def has_drifted(self, sighting: Sighting) -> bool:
        """Whether the size has changed too much since the last detection by the full cascade."""
        return abs(math.log(side_of(sighting.box) / self.found_side)) > MAX_REFINED_GROWTH

    def expected(self, time_s: float) -> Floats:
        """Predict the box at this time from the velocity."""
        trust = 1.0 if self.missing else VELOCITY_TRUST
        shift = self.velocity * (time_s - self.seen_s) * trust
        return np.asarray(self.box + np.concatenate([shift, shift]), np.float32)


def sightings(frame: Frame, found: Detections) -> Iterator[Sighting]:
    """Iterate over the detections of a frame, each with its appearance template."""
    for box, landmarks, score in zip(found.boxes, found.landmarks, found.scores, strict=True):
        yield Sighting(box, landmarks, float(score), appearance_template(frame, box))


def appearance_template(frame: Frame, box: Floats) -> Floats:
    """Appearance template of a face as a unit vector; the dot product of two templates is their correlation."""
    left, top = np.maximum(box[:2], 0).astype(int).tolist()
    right, bottom = np.minimum(box[2:], frame.size).astype(int).tolist()
    if right <= left or bottom <= top:
        return np.zeros(APPEARANCE_SIDE**2, np.float32)
    sparse = max(1, min(right - left, bottom - top) // (APPEARANCE_SIDE * 4))
    face = np.ascontiguousarray(frame.grey_part((left, top, right, bottom), sparse))
    small = cv2.resize(face, (APPEARANCE_SIDE, APPEARANCE_SIDE), interpolation=cv2.INTER_AREA)
    return unit(small.astype(np.float32).ravel() - small.mean())


def unit(vector: Floats) -> Floats:
    """Scale a vector to unit length; a zero vector is unchanged."""
    return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-6), np.float32)


def side_of(box: Floats) -> float:
    """Longer side of a box in pixels, at least one."""
    return max(float((box[2:] - box[:2]).max()), 1.0)
