"""The values that flow through the engine, and the two parts of it that come in several kinds."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from duygu.shared.model.recipe import Recipe

Image = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]


Area = tuple[int, int, int, int]
"""Left, top, right, bottom in whole pixels; right and bottom are the first that do not belong to it."""


class Frame(Protocol):
    """One upright picture with its time.

    Faces are found on `rgb`, which may be smaller than the video; crops are cut from `grey`, which is full size.
    All boxes and landmarks anywhere in the engine are in pixels of `grey`. To see a part can cost less than the whole.
    """

    @property
    def index(self) -> int:
        """Number of the decoded frame, from 0."""
        ...

    @property
    def time_s(self) -> float:
        """Presentation time, seconds from the first frame."""
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
        """Pixels of `grey` for one pixel of `rgb`."""
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
        """An area of `rgb`, which lies inside it."""
        ...

    def grey_part(self, area: Area, step: int = 1) -> Image:
        """Each `step`-th row and column of an area of `grey`, which lies inside it."""
        ...

    def sparse_rgb(self, step: int) -> Image:
        """About each `step`-th row and column of `rgb`."""
        ...


@dataclass(frozen=True, slots=True)
class PictureFrame:
    """A `Frame` whose pictures are at hand."""

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
        """Pixels of `grey` for one pixel of `rgb`."""
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
    def joined(parts: "list[Detections]") -> "Detections":
        """All of them, in order; `parts` is not empty."""
        boxes, scores, landmarks = zip(*((part.boxes, part.scores, part.landmarks) for part in parts), strict=True)
        return Detections(np.concatenate(boxes), np.concatenate(scores), np.concatenate(landmarks))

    @staticmethod
    def none() -> "Detections":
        """No face at all."""
        return Detections(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros((0, 5, 2), np.float32))


class Detector(Protocol):
    """Finds faces in a picture, and finds a face again near where it was."""

    def detect(self, frame: Frame) -> Detections:
        """All faces of the frame."""
        ...

    def detect_near(self, frame: Frame, boxes: Floats) -> Detections:
        """The faces about as large as one of these boxes (N, 4), and near it; perhaps others too."""
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
