"""Data types of the engine, and the interfaces of detector and classifier."""

from dataclasses import dataclass
from typing import Protocol, Self, runtime_checkable

import numpy as np
import numpy.typing as npt

from duygu.shared.model.recipe import Recipe

Image = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]


Area = tuple[int, int, int, int]
"""Left, top, right, bottom in whole pixels; right and bottom are exclusive."""


class Frame(Protocol):
    """An upright picture with its time.

    Faces are detected on `rgb`, which can be smaller than the video. Crops are taken from `grey`, which has full size.
    All boxes and landmarks of the engine are in pixels of `grey`. Reading a part can be cheaper than reading the whole
    picture.
    """

    @property
    def index(self) -> int:
        """Index of the decoded frame, from 0."""
        ...

    @property
    def time_s(self) -> float:
        """Presentation time in seconds from the first frame."""
        ...

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of `grey`."""
        ...

    @property
    def small_size(self) -> tuple[int, int]:
        """Width and height of `rgb`."""
        ...

    @property
    def scale(self) -> float:
        """Pixels of `grey` per pixel of `rgb`."""
        ...

    @property
    def rgb(self) -> Image:
        """(h, w, 3) RGB."""
        ...

    @property
    def grey(self) -> Image:
        """(H, W) full-range luma, 0..255."""
        ...

    def rgb_part(self, area: Area) -> Image:
        """An area of `rgb`. The area must lie inside the picture."""
        ...

    def grey_part(self, area: Area, step: int = 1) -> Image:
        """Every `step`-th row and column of an area of `grey`. The area must lie inside the picture."""
        ...

    def sparse_rgb(self, step: int) -> Image:
        """Approximately every `step`-th row and column of `rgb`."""
        ...


@dataclass(frozen=True, slots=True)
class PictureFrame:
    """`Frame` of two arrays in memory."""

    index: int
    time_s: float
    rgb: Image
    grey: Image

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of `grey`."""
        return self.grey.shape[1], self.grey.shape[0]

    @property
    def small_size(self) -> tuple[int, int]:
        """Width and height of `rgb`."""
        return self.rgb.shape[1], self.rgb.shape[0]

    @property
    def scale(self) -> float:
        """Pixels of `grey` per pixel of `rgb`."""
        return float(self.grey.shape[1] / self.rgb.shape[1])

    def rgb_part(self, area: Area) -> Image:
        """A view of `rgb`."""
        left, top, right, bottom = area
        return self.rgb[top:bottom, left:right]

    def grey_part(self, area: Area, step: int = 1) -> Image:
        """A view of `grey`."""
        left, top, right, bottom = area
        return self.grey[top:bottom:step, left:right:step]

    def sparse_rgb(self, step: int) -> Image:
        """A view of `rgb`."""
        return self.rgb[::step, ::step]


@dataclass(frozen=True, slots=True)
class Detections:
    """Detected faces of one frame."""

    boxes: Floats  # (N, 4) x1, y1, x2, y2 in pixels of Frame.grey
    scores: Floats  # (N,) 0..1
    landmarks: Floats  # (N, 5, 2) left eye, right eye, nose, left and right mouth corner (as seen), x then y

    def __len__(self) -> int:
        return len(self.scores)

    def take(self, chosen: npt.NDArray[np.intp] | npt.NDArray[np.bool_]) -> "Detections":
        """Select detections by index or mask."""
        return Detections(self.boxes[chosen], self.scores[chosen], self.landmarks[chosen])

    @staticmethod
    def joined(parts: "list[Detections]") -> "Detections":
        """Concatenate detections in order. `parts` must not be empty."""
        boxes, scores, landmarks = zip(*((part.boxes, part.scores, part.landmarks) for part in parts), strict=True)
        return Detections(np.concatenate(boxes), np.concatenate(scores), np.concatenate(landmarks))

    @staticmethod
    def none() -> "Detections":
        """Detections without a face."""
        return Detections(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros((0, 5, 2), np.float32))


class Detector(Protocol):
    """Detects faces in a frame, and refines the boxes of known faces."""

    def detect(self, frame: Frame) -> Detections:
        """Detect all faces of the frame."""
        ...

    def detect_near(self, frame: Frame, boxes: Floats) -> Detections:
        """Detect faces near these boxes (N, 4) and of similar size. Other faces can be included."""
        ...

    def refine(self, frame: Frame, boxes: Floats) -> Detections:
        """Update each box (N, 4) of the previous frame to this frame. The score is 0 if the face is lost."""
        ...

    def with_limits(self, *, min_face: float, max_faces: int) -> Self:
        """The same detector for another smallest face, as a share of the shorter side, and number of faces."""
        ...


class Classifier(Protocol):
    """The 3D CNN, independent of the runtime."""

    @property
    def recipe(self) -> Recipe:
        """The recipe of the clips that the model expects."""
        ...

    def logits(self, clips: Floats) -> Floats:
        """(N, frames, size, size, 1) normalised clips -> (N, labels) logits."""
        ...


@runtime_checkable
class CropClassifier(Classifier, Protocol):
    """A classifier in two parts. Windows of a face overlap: the trunk can process each crop once."""

    def features(self, crops: Floats) -> Floats:
        """(N, size, size, 1) normalised crops -> (N, F) features."""
        ...

    def head(self, features: Floats) -> Floats:
        """(N, frames, F) features of clips -> (N, labels) logits."""
        ...

    def gated_head(self, features: Floats) -> tuple[Floats, Floats | None]:
        """The same, and the gates (N,) by which the output for moving faces is multiplied; None without a gate."""
        ...


@runtime_checkable
class GatedClassifier(Classifier, Protocol):
    """A classifier of clips that also returns what a second trunk needs to correct its logits."""

    def gated(self, clips: Floats) -> tuple[Floats, Floats, Floats]:
        """(N, frames, size, size, 1) normalised clips -> logits (N, labels), gates (N,) and mean features (N, F)."""
        ...
