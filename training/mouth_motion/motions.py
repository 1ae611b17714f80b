"""Motion of the lower face in recordings of people who talk, in units of the distance of their eyes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from duygu.shared.vision.classify.movements import Doubles
from duygu.shared.vision.types import Floats
from duygu.training.mouth_motion.face_mesh import UNDER_NOSE, UPPER_LIP, aligning, eye_distance, mouth_opening, places
from duygu.training.run.types import Integers

FRAMES, STRIDE = 10, 3
"""Samples of a window, and from one window to the next."""

LONGEST_S = 1.15
"""Longest window: in a longer one, samples are missing."""

LEAST_DEVIATION = 0.02
"""Smallest standard deviation of the opening of the mouth in a window in which somebody talks."""

WIDEST = 0.4
"""Widest opening of the mouth, beyond which the landmarks of photographs tear apart."""

CLOSED_SHARE = 0.3
"""Share of a recording's frames, those with the least open mouth, that show the mouth at rest."""

TRANSITION = 0.35
"""Part of the way from under the nose to the upper lip on which the motion grows from nothing to its full size."""


@dataclass(frozen=True, slots=True)
class RecordedFace:
    """The landmarks of one person at the sampling times of a recording."""

    time_s: Doubles  # (T,)
    points: Doubles  # (T, L, 3) in pixels


@dataclass(frozen=True, slots=True)
class Motions:
    """Windows of the offsets of landmarks from the mouth at rest, with those above the mouth at zero."""

    offsets: Floats  # (W, FRAMES, L, 3)
    recordings: Integers  # (W,)
    shape: Floats  # (L, 3) mean face, to which offsets belong


def motions_of(recordings: Sequence[RecordedFace]) -> Motions:
    """The windows in which somebody talks; none if nobody does."""
    shape = mean_shape(np.concatenate([recording.points for recording in recordings]))
    found = [
        (window, number) for number, recording in enumerate(recordings) for window in _talking_windows(recording, shape)
    ]
    offsets = np.array([window for window, _ in found], np.float32).reshape(-1, FRAMES, *shape.shape)
    return Motions(offsets, np.array([number for _, number in found], np.int64), shape.astype(np.float32))


def mean_shape(faces: Doubles) -> Doubles:
    """Mean of faces (N, L, 3) that are aligned to each other, with a distance of the eyes of 1."""
    shape = faces[0] / eye_distance(faces[0])
    for _ in range(2):
        shape = np.mean([aligning(face, shape)(face) for face in faces], axis=0)
        shape = (shape - shape.mean(axis=0)) / eye_distance(shape)
    return np.asarray(shape, np.float64)


def lower_face(shape: Doubles) -> Doubles:
    """(L,) share of the motion that each landmark has: 0 above the base of the nose, 1 from the upper lip downwards."""
    nose, lip = (shape[place, 1] for place in places((UNDER_NOSE, UPPER_LIP)))
    return np.asarray(np.clip((shape[:, 1] - nose) / (TRANSITION * (lip - nose)), 0, 1), np.float64)


def _talking_windows(recording: RecordedFace, shape: Doubles) -> Iterator[Doubles]:
    faces = np.stack([aligning(face, shape)(face) for face in recording.points])
    opening = mouth_opening(faces)
    rest = faces[opening <= np.quantile(opening, CLOSED_SHARE)].mean(axis=0)
    offsets = (faces - rest) * lower_face(shape)[:, np.newaxis]
    for start in range(0, len(faces) - FRAMES + 1, STRIDE):
        window = slice(start, start + FRAMES)
        lasts_s = recording.time_s[window][-1] - recording.time_s[start]
        talks = opening[window].std() >= LEAST_DEVIATION and mouth_opening(offsets[window]).max() < WIDEST
        if talks and lasts_s <= LONGEST_S:
            yield offsets[window]
