"""The values that flow through the engine, and the two parts of it that come in several kinds."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from shared.vision.recipe import Recipe

Image = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Frame:
    """One upright picture with its time.

    Faces are found on `rgb`, which may be smaller than the video; crops are cut from `grey`, which is full size.
    All boxes and landmarks anywhere in the engine are in pixels of `grey`.
    """

    index: int  # number of the decoded frame, from 0
    time_s: float  # presentation time, seconds from the first frame
    rgb: Image  # (h, w, 3) RGB
    grey: Image  # (H, W) full-range luma, 0..255

    @property
    def scale(self) -> float:
        """Pixels of `grey` for one pixel of `rgb`."""
        return float(self.grey.shape[1] / self.rgb.shape[1])


@dataclass(frozen=True, slots=True)
class Detections:
    """The faces of one frame."""

    boxes: Floats  # (N, 4) x1, y1, x2, y2 in pixels of Frame.grey
    scores: Floats  # (N,) 0..1
    landmarks: Floats  # (N, 5, 2) left eye, right eye, nose, left and right mouth corner (as seen), x then y

    def __len__(self) -> int:
        return len(self.scores)

    def take(self, chosen: npt.NDArray[np.intp] | npt.NDArray[np.bool_]) -> "Detections":
        """Some of them, by index or mask."""
        return Detections(self.boxes[chosen], self.scores[chosen], self.landmarks[chosen])

    @staticmethod
    def none() -> "Detections":
        """No face at all."""
        return Detections(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros((0, 5, 2), np.float32))


class Detector(Protocol):
    """Finds faces in a picture, and finds a face again near where it was."""

    def detect(self, frame: Frame) -> Detections:
        """All faces of the frame."""
        ...

    def refine(self, frame: Frame, boxes: Floats) -> Detections:
        """For each box (N, 4) where a face was a moment ago: where it is now; score 0 where it is gone."""
        ...


class Classifier(Protocol):
    """The 3D CNN, whichever runtime it runs in."""

    @property
    def recipe(self) -> Recipe:
        """How the clips it takes are made."""
        ...

    def logits(self, clips: Floats) -> Floats:
        """(N, frames, size, size, 1) normalised clips -> (N, labels) logits."""
        ...
