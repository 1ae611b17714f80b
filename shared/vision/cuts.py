"""Where one shot ends and the next begins."""

import cv2
import numpy as np

from shared.vision.types import Floats, Image

THUMBNAIL = (32, 18)
"""Width and height, in pixels, of what two frames are compared on."""

LEVELS = 16
"""Bins of the histogram of grey levels."""

MAX_CHANGE = 30.0
"""Mean absolute difference of the thumbnails in grey levels; a hand before the camera changes as much."""

MAX_SHIFT = 0.35
"""Share of the pixels that change their histogram bin; movement within a shot keeps its tones."""


class CutDetector:
    """Compares each frame with the one before it; a cut changes both the picture and its tones."""

    def __init__(self, thumbnail: Floats | None = None) -> None:
        """Start before the first frame, or after one whose thumbnail was kept."""
        self.thumbnail = thumbnail

    def is_cut(self, picture: Image) -> bool:
        """Whether this frame, (h, w, 3) RGB, begins another shot than the last one."""
        small = cv2.resize(picture, THUMBNAIL, interpolation=cv2.INTER_AREA)
        before, self.thumbnail = self.thumbnail, np.asarray(small.mean(axis=2), np.float32)
        if before is None:
            return False
        change = float(np.abs(self.thumbnail - before).mean())
        shift = float(np.abs(_tones(self.thumbnail) - _tones(before)).sum()) / 2
        return change > MAX_CHANGE and shift > MAX_SHIFT


def _tones(thumbnail: Floats) -> Floats:
    counts, _ = np.histogram(thumbnail, bins=LEVELS, range=(0, 256))
    return np.asarray(counts / thumbnail.size, np.float32)
