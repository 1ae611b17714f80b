"""A face followed through time, and a sighting of one."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import cv2
import numpy as np

from duygu.shared.vision.detect.boxes import centres
from duygu.shared.vision.track.optical_flow import Patch
from duygu.shared.vision.types import Detections, Floats, Frame

MAX_REFINED_GROWTH = 0.15
"""Natural logarithm of the ratio of sides, since the whole cascade found the face last. Where a hand comes before it,
the box that O-Net alone follows can grow frame by frame to twice the face."""

LOOKS_SIDE = 12
"""Pixels of the grey thumbnail by which a face is told from another."""

VELOCITY_INERTIA = 0.6

VELOCITY_TRUST = 0.5
"""Share of its velocity by which a face in sight is expected to go on: the jitter of boxes is in it too, and O-Net,
given the box where the face was or where it would be, stays closer to the whole cascade for one between the two."""

LOOKS_INERTIA = 0.8


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
    first_looks: Floats  # the same, when the track began
    found_side: float  # of the box, when the whole cascade found it last
    velocity: Floats = field(default_factory=lambda: np.zeros(2, np.float32))  # of the centre, pixels a second
    sightings: int = 1
    best: float = 0.0
    missing: bool = False
    found: int = 1  # times by the whole cascade
    patch: Patch | None = None  # of the last frame, where it was a network that found the face there
    unchecked: int = 0  # frames in a row in which no network has looked at it

    def see(self, sighting: Sighting, time_s: float, patch: Patch | None) -> None:
        """Take a sighting as this face's own."""
        elapsed = max(time_s - self.seen_s, 1e-3)
        moved = (centres(sighting.box[np.newaxis]) - centres(self.box[np.newaxis]))[0] / elapsed
        inertia = VELOCITY_INERTIA if self.sightings > 1 else 0.0
        self.velocity = np.asarray(self.velocity * inertia + moved * (1 - inertia), np.float32)
        self.looks = unit(self.looks * LOOKS_INERTIA + sighting.looks * (1 - LOOKS_INERTIA))
        self.box, self.landmarks, self.score = sighting.box, sighting.landmarks, sighting.score
        self.best = max(self.best, sighting.score)
        self.seen_s, self.missing, self.patch = time_s, False, patch
        self.sightings += 1
        self.unchecked = 0

    def coast(self, time_s: float) -> None:
        """Go on as expected in a frame in which nothing looks for the face."""
        shifted = self.expected(time_s)
        self.landmarks = self.landmarks + (shifted - self.box)[:2]
        self.box, self.seen_s, self.patch = shifted, time_s, None
        self.sightings += 1
        self.unchecked += 1

    def carry(self, frame: Frame) -> Sighting | None:
        """Where the pixels of the face have gone since the last frame; None where that is not sure."""
        motion = self.patch.motion(frame, self.box) if self.patch else None
        if motion is None:
            return None
        return Sighting(motion.box(self.box), motion.points(self.landmarks), self.score, self.looks)

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


def sightings(frame: Frame, found: Detections) -> Iterator[Sighting]:
    """The detections of a frame one by one, with what each looks like."""
    for box, landmarks, score in zip(found.boxes, found.landmarks, found.scores, strict=True):
        yield Sighting(box, landmarks, float(score), looks_of(frame, box))


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
