"""Where one shot ends and the next begins, and whether much has changed since one last looked."""

import cv2
import numpy as np

from duygu.shared.vision.types import Floats, Frame

THUMBNAIL = (32, 18)
"""Width and height, in pixels, of what two frames are compared on."""

SPARSE = 4
"""Every fourth row and column goes into the thumbnail; the others would not change it visibly."""

LEAST_CHANGE = 10.0
"""Mean absolute difference of two thumbnails in grey levels, below which nothing is a cut."""

SAME_SHOT = 0.35
"""Correlation of two thumbnails below which they show different things. Frames a tenth of a second apart within a shot
had 0.5 and more but for a head that filled a third of the picture and left it; cuts had 0.3 and less."""

UNCHANGED = 0.9
"""Correlation of two thumbnails above which they show the same, whatever time lies between them."""

CELL_CHANGE = 24.0
"""Grey levels by which a pixel of the thumbnail has to change to count."""

STIRRED_CELLS = 4
"""Pixels of the thumbnail that have to change for another look. The smallest face covers one or two, and whoever it
belongs to covers more."""

REACH = np.array([-0.7, -0.6, 0.7, 1.0], np.float32)
"""What moves with a face, in sides of its box to the left, above, to the right and below: hair, hands and shoulders."""


class Scene:
    """Remembers thumbnails of two frames: the last one, and the one that was last searched for faces.

    The searched one is not a number where a face was followed: what moves there is known already.
    """

    def __init__(self) -> None:
        """Start before the first frame."""
        self.last: Floats | None = None
        self.searched: Floats | None = None
        self.is_unchanged = False  # the last two frames show the same

    def see(self, frame: Frame) -> bool:
        """Take the next frame; True where it begins another shot."""
        green = np.ascontiguousarray(frame.sparse_rgb(SPARSE)[..., 1])  # nearly luma
        before, self.last = self.last, cv2.resize(green, THUMBNAIL, interpolation=cv2.INTER_AREA).astype(np.float32)
        if before is None:
            return False
        likeness = alike(before, self.last)
        self.is_unchanged = likeness > UNCHANGED
        return differ(before, self.last) > LEAST_CHANGE and likeness < SAME_SHOT

    def is_stirred(self, faces: Floats) -> bool:
        """Whether the last frame is unlike the one that was searched, away from the faces that are followed.

        faces  (N, 4) boxes as shares of the frame's width and height
        """
        if self.last is None or self.searched is None:
            return self.last is not None
        change = np.abs(without(self.last, faces) - self.searched)
        return int((change > CELL_CHANGE).sum()) >= STIRRED_CELLS

    def search(self, faces: Floats) -> None:
        """The last frame has been searched, and these faces (N, 4) are followed from it on."""
        self.searched = None if self.last is None else without(self.last, faces)


def without(thumbnail: Floats, faces: Floats) -> Floats:
    """A copy that is not a number where these faces, (N, 4) shares of width and height, and all of their REACH are."""
    sides = np.tile(faces[:, 2:] - faces[:, :2], 2)
    scale = np.tile(np.array(THUMBNAIL, np.float32), 2)
    cells = np.clip(np.rint((faces + REACH * sides) * scale), 0, scale).astype(int)
    rest = thumbnail.copy()
    for left, top, right, bottom in cells:
        rest[top:bottom, left:right] = np.nan
    return rest


def differ(one: Floats, other: Floats) -> float:
    """Mean absolute difference."""
    return float(np.abs(one - other).mean())


def alike(one: Floats, other: Floats) -> float:
    """Correlation, -1..1; a flat picture is like no other."""
    one, other = one - one.mean(), other - other.mean()
    return float((one * other).sum() / max(float(np.linalg.norm(one) * np.linalg.norm(other)), 1e-6))
