"""The landmarks of MediaPipe's face mesh that describe the lower face, and how faces are aligned by the others.

Source of the numbers: mediapipe/modules/face_geometry/data/canonical_face_model_uv_visualization.png.
"""

from dataclasses import dataclass

import numpy as np

from duygu.shared.vision.classify.movements import Doubles
from duygu.training.movements.landmarker import BLENDSHAPE_INPUTS, LEFT_EYE, RIGHT_EYE

INNER_LIPS = 78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308, 324, 318, 402, 317, 14, 87, 178, 88, 95
OUTER_LIPS = 61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291, 375, 321, 405, 314, 17, 84, 181, 91, 146
"""Outlines of the lips, in order."""

OUTLINE = (
    *(10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377, 152, 148, 176, 149),
    *(150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109),
)
"""Outline of the face."""

LOWER_FACE = (
    *(2, 98, 327, 164, 18, 200, 199, 175, 43, 273, 57, 287, 212, 432, 202, 422, 204, 424, 210, 430, 211, 431, 32, 262),
    *(140, 369, 170, 395, 192, 416, 214, 434, 207, 427, 205, 425, 50, 280, 36, 266, 142, 371, 129, 358, 216, 436, 186),
    *(410, 92, 322, 165, 391, 167, 393, 83, 313, 182, 406, 106, 335, 194, 418, 201, 421),
)
"""Further landmarks of chin, cheeks and the surroundings of the mouth."""

RIGID = 33, 133, 362, 263, 168, 6, 197, 195, 5, 4, 1, 10, 151, 9, 8, 127, 356, 234, 454, 70, 300, 107, 336, 98, 327
"""Landmarks that speech hardly moves: forehead, eyes, nose and temples."""

LANDMARKS = tuple(
    sorted({*INNER_LIPS, *OUTER_LIPS, *OUTLINE, *LOWER_FACE, *RIGID, *(at for at in BLENDSHAPE_INPUTS if at < 468)})
)
"""Landmarks that are kept, without the irises; arrays of landmarks have this order."""

UPPER_LIP, LOWER_LIP, UNDER_NOSE = 13, 14, 2


def places(numbers: tuple[int, ...]) -> list[int]:
    """Where landmarks are in the order of LANDMARKS."""
    return [LANDMARKS.index(number) for number in numbers]


_RIGID = places(RIGID)
_EYES = places((RIGHT_EYE, LEFT_EYE))
_LIPS = places((UPPER_LIP, LOWER_LIP))


@dataclass(frozen=True, slots=True)
class Similarity:
    """Scale, rotation and shift of points in space."""

    scale: float
    rotation: Doubles  # (3, 3)
    shift: Doubles  # (3,)

    def __call__(self, points: Doubles) -> Doubles:
        """(..., 3) -> (..., 3)."""
        return np.asarray(self.turned(points) + self.shift, np.float64)

    def turned(self, offsets: Doubles) -> Doubles:
        """(..., 3) differences of points -> (..., 3)."""
        return np.asarray(self.scale * offsets @ self.rotation.T, np.float64)


def aligning(face: Doubles, other: Doubles) -> Similarity:
    """The similarity that brings a face (L, 3) closest to another one by the landmarks of RIGID.

    Source: Umeyama 1991, "Least-squares estimation of transformation parameters between two point patterns".
    """
    of_face, of_other = face[_RIGID], other[_RIGID]
    centre, goal = of_face.mean(axis=0), of_other.mean(axis=0)
    left, sizes, right = np.linalg.svd((of_other - goal).T @ (of_face - centre))
    signs = np.array([1, 1, np.sign(np.linalg.det(left @ right))])
    rotation = (left * signs) @ right
    scale = float((sizes * signs).sum() / ((of_face - centre) ** 2).sum())
    return Similarity(scale, rotation, goal - scale * rotation @ centre)


def eye_distance(face: Doubles) -> float:
    """Distance of the outer corners of the eyes of a face (L, 3)."""
    return float(np.linalg.norm(face[_EYES[0]] - face[_EYES[1]]))


def mouth_opening(faces: Doubles) -> Doubles:
    """Distance of the inner lips: (..., L, 3) -> (...)."""
    return np.asarray(np.linalg.norm(faces[..., _LIPS[0], :] - faces[..., _LIPS[1], :], axis=-1), np.float64)
