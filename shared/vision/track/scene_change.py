"""Detection of cuts between shots, and of changes since the last full-frame detection."""

import cv2
import numpy as np

from duygu.shared.vision.types import Floats, Frame

THUMBNAIL = (32, 18)
"""Width and height of the compared thumbnails, in pixels."""

SPARSE = 4
"""Subsampling step before the thumbnail is computed. The other rows and columns would not change it visibly."""

LEAST_CHANGE = 10.0
"""Minimum mean absolute difference of the thumbnails at a cut, in grey levels."""

SAME_SHOT = 0.35
"""Maximum correlation of the thumbnails at a cut. Frames of one shot 0.1 s apart had 0.5 and more, except when a head
that filled a third of the picture left it; cuts had 0.3 and less."""

UNCHANGED = 0.9
"""Minimum correlation of the thumbnails of an unchanged picture, whatever the time between them."""

CELL_CHANGE = 24.0
"""Minimum change of a changed thumbnail pixel, in grey levels."""

MOTION_CELLS = 4
"""Changed thumbnail pixels that trigger a full-frame detection. The smallest face covers one or two, and its person
covers more."""

REACH = np.array([-0.7, -0.6, 0.7, 1.0], np.float32)
"""Margin around a face that moves with it, in sides of its box (left, top, right, bottom): hair, hands, shoulders."""


class SceneChangeDetector:
    """Keeps the thumbnails of the last frame and of the last full-frame detection.

    The thumbnail of the detection is NaN in the regions of tracked faces, so that their motion is ignored.
    """

    def __init__(self) -> None:
        """Create the state before the first frame."""
        self.last: Floats | None = None
        self.searched: Floats | None = None
        self.is_unchanged = False  # whether the last two frames show the same

    def update(self, frame: Frame) -> bool:
        """Process the next frame. Returns True if it is the first of a new shot."""
        green = np.ascontiguousarray(frame.sparse_rgb(SPARSE)[..., 1])  # approximates luma
        before, self.last = self.last, cv2.resize(green, THUMBNAIL, interpolation=cv2.INTER_AREA).astype(np.float32)
        if before is None:
            return False
        likeness = correlation(before, self.last)
        self.is_unchanged = likeness > UNCHANGED
        return mean_difference(before, self.last) > LEAST_CHANGE and likeness < SAME_SHOT

    def motion_outside_tracks(self, faces: Floats) -> bool:
        """Whether the frame has changed since the last full-frame detection, outside the tracked faces.

        faces  (N, 4) boxes as shares of the frame's width and height
        """
        if self.last is None or self.searched is None:
            return self.last is not None
        change = np.abs(masked(self.last, faces) - self.searched)
        return int((change > CELL_CHANGE).sum()) >= MOTION_CELLS

    def record_detection(self, faces: Floats) -> None:
        """Record a full-frame detection on the last frame, with the tracked faces (N, 4)."""
        self.searched = None if self.last is None else masked(self.last, faces)


def masked(thumbnail: Floats, faces: Floats) -> Floats:
    """Copy a thumbnail with NaN at these faces, (N, 4) shares of width and height, and within REACH around them."""
    sides = np.tile(faces[:, 2:] - faces[:, :2], 2)
    scale = np.tile(np.array(THUMBNAIL, np.float32), 2)
    cells = np.clip(np.rint((faces + REACH * sides) * scale), 0, scale).astype(int)
    rest = thumbnail.copy()
    for left, top, right, bottom in cells:
        rest[top:bottom, left:right] = np.nan
    return rest


def mean_difference(one: Floats, other: Floats) -> float:
    """Mean absolute difference of two thumbnails."""
    return float(np.abs(one - other).mean())


def correlation(one: Floats, other: Floats) -> float:
    """Correlation of two pictures, -1..1; 0 for a flat picture."""
    one, other = one - one.mean(), other - other.mean()
    return float((one * other).sum() / max(float(np.linalg.norm(one) * np.linalg.norm(other)), 1e-6))
