"""The reference of movements: the networks of MediaPipe's face_landmarker.task (Apache-2.0), on faces of MTCNN.

Sources: mediapipe/tasks/cc/vision/face_landmarker (face_landmarks_detector_graph.cc, face_blendshapes_graph.cc).
"""

import zipfile
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from duygu.shared.errors import TrainingDataError
from duygu.shared.vision.classify.movements import Doubles
from duygu.shared.vision.types import Floats, Image
from duygu.training.movements.canonical_face import CanonicalFace

SIDE = 256
"""Side of the input of the landmark network in pixels."""

LANDMARKS, DETECTOR, BLENDSHAPES = 478, "face_landmarks_detector.tflite", "face_blendshapes.tflite"
GEOMETRY = "geometry_pipeline_metadata_landmarks.binarypb"

AROUND = 1.5
"""Side of the picture that the network sees, in longer sides of the box of the face or of its landmarks."""

RIGHT_EYE, LEFT_EYE = 33, 263
"""Landmarks of the outer corners of the eyes, of the left and of the right one in the picture."""

LIP_PAIRS = (13, 14), (78, 308), (0, 17), (61, 291), (1, 152)
"""Landmarks whose distances, relative to that of the eyes, describe the mouth: inner and outer height and width, and
from the nose to the chin."""

BLENDSHAPE_INPUTS = (
    *(0, 1, 4, 5, 6, 7, 8, 10, 13, 14, 17, 21, 33, 37, 39, 40, 46, 52, 53, 54, 55, 58, 61, 63, 65, 66, 67, 70, 78, 80),
    *(81, 82, 84, 87, 88, 91, 93, 95, 103, 105, 107, 109, 127, 132, 133, 136, 144, 145, 146, 148, 149, 150, 152, 153),
    *(154, 155, 157, 158, 159, 160, 161, 162, 163, 168, 172, 173, 176, 178, 181, 185, 191, 195, 197, 234, 246, 249),
    *(251, 263, 267, 269, 270, 276, 282, 283, 284, 285, 288, 291, 293, 295, 296, 297, 300, 308, 310, 311, 312, 314),
    *(317, 318, 321, 323, 324, 332, 334, 336, 338, 356, 361, 362, 365, 373, 374, 375, 377, 378, 379, 380, 381, 382),
    *(384, 385, 386, 387, 388, 389, 390, 397, 398, 400, 402, 405, 409, 415, 454, 466),
    *(468, 469, 470, 471, 472, 473, 474, 475, 476, 477),
)
"""The 146 landmarks that the blendshape network reads."""

NAMES = (
    *("_neutral", "browDownLeft", "browDownRight", "browInnerUp", "browOuterUpLeft", "browOuterUpRight", "cheekPuff"),
    *("cheekSquintLeft", "cheekSquintRight", "eyeBlinkLeft", "eyeBlinkRight", "eyeLookDownLeft", "eyeLookDownRight"),
    *("eyeLookInLeft", "eyeLookInRight", "eyeLookOutLeft", "eyeLookOutRight", "eyeLookUpLeft", "eyeLookUpRight"),
    *("eyeSquintLeft", "eyeSquintRight", "eyeWideLeft", "eyeWideRight", "jawForward", "jawLeft", "jawOpen"),
    *("jawRight", "mouthClose", "mouthDimpleLeft", "mouthDimpleRight", "mouthFrownLeft", "mouthFrownRight"),
    *("mouthFunnel", "mouthLeft", "mouthLowerDownLeft", "mouthLowerDownRight", "mouthPressLeft", "mouthPressRight"),
    *("mouthPucker", "mouthRight", "mouthRollLower", "mouthRollUpper", "mouthShrugLower", "mouthShrugUpper"),
    *("mouthSmileLeft", "mouthSmileRight", "mouthStretchLeft", "mouthStretchRight", "mouthUpperUpLeft"),
    *("mouthUpperUpRight", "noseSneerLeft", "noseSneerRight"),
)
"""The 52 blendshapes in the order of the network's output."""


@dataclass(frozen=True, slots=True)
class Reference:
    """What the landmarker finds in a face."""

    points: Doubles  # (478, 3) in pixels of the picture
    score: float  # 0..1, whether there is a face
    targets: Floats  # (60,): blendshapes, yaw, pitch and roll in degrees, distances of the lips


class FaceLandmarker:
    """Both networks, which LiteRT executes."""

    def __init__(self, task: Path) -> None:
        """Read face_landmarker.task. Raises TrainingDataError when it is not such a file."""
        try:
            from ai_edge_litert.interpreter import Interpreter
        except ImportError as error:
            raise TrainingDataError("the face landmarker needs the package ai-edge-litert") from error
        try:
            with zipfile.ZipFile(task) as archive:
                detector, blendshapes, geometry = (archive.read(name) for name in (DETECTOR, BLENDSHAPES, GEOMETRY))
        except (OSError, KeyError, zipfile.BadZipFile) as error:
            raise TrainingDataError(f"{task} is not a face landmarker of MediaPipe") from error
        self._canonical = CanonicalFace(geometry)
        self._detector, self._blendshapes = (
            Interpreter(model_content=content, num_threads=1) for content in (detector, blendshapes)
        )
        for network in (self._detector, self._blendshapes):
            network.allocate_tensors()
        outputs = {output["name"]: output["index"] for output in self._detector.get_output_details()}
        self._points, self._score = outputs["Identity"], outputs["Identity_1"]

    def __call__(self, rgb: Image, box: Floats, angle: float) -> Reference:
        """Look at a face twice, as MediaPipe does from the second frame of a video on.

        rgb    (H, W, 3)
        box    (4,) x1, y1, x2, y2 in its pixels
        angle  of the line through the eyes, in radians
        """
        centre, side = (box[:2] + box[2:]) / 2, AROUND * float((box[2:] - box[:2]).max())
        points, _ = self._look(rgb, centre.astype(np.float64), side, angle)
        points, score = self._look(rgb, *_region(points))
        targets = np.concatenate([self._shapes(points), self._canonical.pose(points), lips(points)])
        return Reference(points, score, targets.astype(np.float32))

    def _look(self, rgb: Image, centre: Doubles, side: float, angle: float) -> tuple[Doubles, float]:
        step = side / SIDE
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) * step
        to_frame = np.column_stack([turn, centre - turn @ [SIDE / 2, SIDE / 2]])
        crop = _warp(rgb, to_frame, step).astype(np.float32) / 255
        self._detector.set_tensor(self._detector.get_input_details()[0]["index"], crop[np.newaxis])
        self._detector.invoke()
        found = self._detector.get_tensor(self._points).reshape(LANDMARKS, 3).astype(np.float64)
        score = float(self._detector.get_tensor(self._score).ravel()[0])
        flat = found[:, :2] @ to_frame[:, :2].T + to_frame[:, 2]
        return np.column_stack([flat, found[:, 2] * step]), float(1 / (1 + np.exp(-score)))

    def _shapes(self, points: Doubles) -> Floats:
        chosen = points[list(BLENDSHAPE_INPUTS), :2].astype(np.float32)
        self._blendshapes.set_tensor(self._blendshapes.get_input_details()[0]["index"], chosen[np.newaxis])
        self._blendshapes.invoke()
        return np.array(self._blendshapes.get_tensor(self._blendshapes.get_output_details()[0]["index"]))


def lips(points: Doubles) -> Doubles:
    """Distances of LIP_PAIRS relative to the distance of the eyes: (5,)."""
    eyes = np.linalg.norm(points[RIGHT_EYE, :2] - points[LEFT_EYE, :2])
    return np.array([np.linalg.norm(points[a, :2] - points[b, :2]) for a, b in LIP_PAIRS]) / max(float(eyes), 1e-6)


def _warp(rgb: Image, to_frame: Doubles, step: float) -> Image:
    """The picture that the network sees; a large face is reduced before, to avoid aliasing."""
    factor = int(step) if step > 2 else 1
    if factor > 1:
        size = rgb.shape[1] // factor, rgb.shape[0] // factor
        rgb = np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)
    return np.asarray(
        cv2.warpAffine(rgb, to_frame / factor, (SIDE, SIDE), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP), np.uint8
    )


def _region(points: Doubles) -> tuple[Doubles, float, float]:
    """Centre, side and angle of the picture for the second look."""
    across = points[LEFT_EYE] - points[RIGHT_EYE]
    angle = float(np.arctan2(across[1], across[0]))
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    upright = points[:, :2] @ turn.T
    low, high = upright.min(0), upright.max(0)
    return turn.T @ ((low + high) / 2), AROUND * float((high - low).max()), angle
