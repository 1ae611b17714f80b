"""A plain face mesh whose mouth can open, and a landmarker that returns it."""

import numpy as np
import numpy.typing as npt

from duygu.shared.vision.types import Floats, Image
from duygu.training.mouth_motion.face_mesh import INNER_LIPS, LANDMARKS, OUTER_LIPS, OUTLINE
from duygu.training.movements.landmarker import LANDMARKS as ALL
from duygu.training.movements.landmarker import LEFT_EYE, RIGHT_EYE, Reference

Points = npt.NDArray[np.float64]


def ring(width: float, height: float, y: float, count: int) -> Points:
    """Points (count, 3) on an ellipse, clockwise from its left end."""
    angles = np.pi - np.linspace(0, 2 * np.pi, count, endpoint=False)
    return np.stack([width * np.cos(angles), y - height * np.sin(angles), np.zeros(count)], axis=1)


def face(opening: float = 0.0) -> Points:
    """All landmarks (478, 3) of a frontal face with a distance of the eyes of 1, and an opening of the mouth."""
    points = np.random.default_rng(0).uniform(-0.6, 0.6, (ALL, 3)) * [1, 1, 0.2]
    points[list(OUTLINE)] = np.roll(ring(0.9, 1.2, 0, len(OUTLINE)), len(OUTLINE) // 4, axis=0)
    points[:, 1] = np.where(np.isin(np.arange(ALL), OUTLINE), points[:, 1], np.minimum(points[:, 1], 0.1))
    points[[RIGHT_EYE, LEFT_EYE]] = [-0.5, -0.4, 0], [0.5, -0.4, 0]
    points[2] = 0, 0.2, 0
    points[list(OUTER_LIPS)] = ring(0.35, 0.1 + opening / 2, 0.6, len(OUTER_LIPS))
    points[list(INNER_LIPS)] = ring(0.3, 0.01 + opening / 2, 0.6, len(INNER_LIPS))
    return points


def kept(points: Points) -> Points:
    """Those of LANDMARKS."""
    return points[list(LANDMARKS)]


class Talker:
    """A landmarker that finds a mouth which opens and closes, in the middle of each box."""

    def __init__(self, amplitude: float = 0.2) -> None:
        self._amplitude, self._calls = amplitude, 0

    def __call__(self, rgb: Image, box: Floats, angle: float) -> Reference:
        """The mouth opens or closes with each call; a black picture has no face."""
        self._calls += 1
        centre, scale = (box[:2] + box[2:]) / 2, (box[2] - box[0]) / 2
        points = face(self._amplitude * (1 + np.sin(self._calls))) * scale + [*centre, 0]
        return Reference(points, 0.9 if rgb.any() else 0.1, np.zeros(60, np.float32))
