"""Detection of gradual transitions between shots: cross-fades, dissolves and wipes.

A hard cut is visible between two successive frames (scene_change.py). In a gradual transition, each region of each
intermediate frame is between its state before and its state after: a mixture of both, or already the new one. A moving
person or camera reveals regions that neither end contains.
"""

from typing import Self

import cv2
import numpy as np
import numpy.typing as npt

from duygu.shared.vision.types import Floats

Thumbnail = npt.NDArray[np.uint8]

SPANS = (4, 8, 12, 20)
"""Lengths of the compared intervals, in analysed frames: 0.4 to 2 s at ten frames a second."""

LEAST_CHANGE = 15.0
"""Minimum mean absolute difference of the two ends, in grey levels."""

SAME_SHOT = 0.75
"""Correlation above which the two ends show the same shot, possibly with different brightness."""

MAX_OUTSIDE = 0.03
"""Maximum mean distance of the intermediate frames from the range between the ends, as a share of the ends' difference.
Cross-fades between two people who moved had 0.02 and less; 120 recordings without one had 0.036 and more where the two
ends were less similar than SAME_SHOT."""

MIDDLE = (0.2, 0.8)
"""Range of the completed share of the change at the middle frame; a hard cut has 0 or 1."""


class TransitionDetector:
    """Keeps the thumbnails of the last two seconds, at ten analysed frames a second."""

    def __init__(self) -> None:
        """Create a detector without frames."""
        self.history: list[Thumbnail] = []

    def update(self, thumbnail: Floats) -> bool:
        """Add the thumbnail of a frame, (h, w) whole grey levels. Returns True while a transition comes to its end."""
        self.history = [*self.history, thumbnail.astype(np.uint8)][-SPANS[-1] - 1 :]
        return any(is_gradual(self.history[-span - 1 :]) for span in SPANS if len(self.history) > span)

    def clear(self) -> None:
        """Clear the history, as after a cut."""
        self.history = []

    @classmethod
    def restored(cls, history: npt.NDArray[np.uint8]) -> Self:
        """Create a detector with a history of thumbnails (N, h, w)."""
        detector = cls()
        detector.history = list(history)
        return detector


def is_gradual(pictures: list[Thumbnail]) -> bool:
    """Whether the frames form a gradual transition from the first to the last."""
    change = cv2.norm(pictures[0], pictures[-1], cv2.NORM_L1) / pictures[0].size
    if change < LEAST_CHANGE:
        return False
    first, last = pictures[0].astype(np.float32), pictures[-1].astype(np.float32)
    if _correlation(first, last) >= SAME_SHOT:
        return False
    difference = np.abs(last - first)
    steps = len(pictures) - 1
    way = np.stack([pictures[steps * part // 4] for part in (1, 2, 3)]).astype(np.float32)  # (3, h, w)
    gone = np.abs(way - first)
    outside = (gone + np.abs(last - way) - difference).mean(axis=(1, 2)) / 2 / change
    middle = float(gone[1].mean()) / change
    return bool(outside.max() <= MAX_OUTSIDE and MIDDLE[0] < middle < MIDDLE[1])


def _correlation(one: Floats, other: Floats) -> float:
    one, other = one - one.mean(), other - other.mean()
    return float((one * other).sum() / max(float(np.linalg.norm(one) * np.linalg.norm(other)), 1e-6))
