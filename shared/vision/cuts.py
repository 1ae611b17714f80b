"""Where one shot ends and the next begins, and whether much has changed since one last looked."""

import cv2
import numpy as np

from shared.vision.types import Floats, Image

THUMBNAIL = (32, 18)
"""Width and height, in pixels, of what two frames are compared on."""

SPARSE = 4
"""Every fourth row and column goes into the thumbnail; the others would not change it visibly."""

LEAST_CHANGE = 10.0
"""Mean absolute difference of two thumbnails in grey levels, below which nothing is a cut."""

SAME_SHOT = 0.35
"""Correlation of two thumbnails below which they show different things. Frames a tenth of a second apart within a shot
had 0.5 and more but for a head that filled a third of the picture and left it; cuts had 0.3 and less."""

STIRRED = 14.0
"""Mean absolute difference in grey levels that is worth another look for faces."""


class Scene:
    """Remembers thumbnails of two frames: the last one, and the one that was last searched for faces."""

    def __init__(self) -> None:
        """Start before the first frame."""
        self.last: Floats | None = None
        self.searched: Floats | None = None

    def see(self, picture: Image) -> bool:
        """Take the next frame, (h, w, 3) RGB; True where it begins another shot."""
        green = np.ascontiguousarray(picture[::SPARSE, ::SPARSE, 1])  # nearly luma, and a quarter of the rows will do
        before, self.last = self.last, cv2.resize(green, THUMBNAIL, interpolation=cv2.INTER_AREA).astype(np.float32)
        return before is not None and differ(before, self.last) > LEAST_CHANGE and alike(before, self.last) < SAME_SHOT

    def is_stirred(self) -> bool:
        """Whether the last frame is unlike the one that was searched."""
        return self.last is not None and (self.searched is None or differ(self.searched, self.last) > STIRRED)

    def search(self) -> None:
        """The last frame is being searched for faces."""
        self.searched = self.last


def differ(one: Floats, other: Floats) -> float:
    """Mean absolute difference."""
    return float(np.abs(one - other).mean())


def alike(one: Floats, other: Floats) -> float:
    """Correlation, -1..1; a flat picture is like no other."""
    one, other = one - one.mean(), other - other.mean()
    return float((one * other).sum() / max(float(np.linalg.norm(one) * np.linalg.norm(other)), 1e-6))
