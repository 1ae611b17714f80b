"""Gradual transitions between two shots: cross-fades, dissolves and wipes.

A hard cut shows in two successive pictures (scene_change.py). In a gradual one, each part of each picture on the
way lies between what it was before and what it will be: mixed of both, or already the new one. Somebody who moves, and
a camera that turns, uncover what neither of the two pictures had.
"""

from typing import Self

import numpy as np
import numpy.typing as npt

from duygu.shared.vision.types import Floats

Thumbnail = npt.NDArray[np.uint8]

SPANS = (4, 8, 12, 20)
"""Analysed frames from before a transition, or from its first part, to its end: 0.4 to 2 s at ten a second."""

LEAST_CHANGE = 15.0
"""Mean absolute difference of the two ends, in grey levels."""

SAME_SHOT = 0.75
"""Correlation of the two ends from which on they show the same, perhaps brighter or darker."""

MAX_OUTSIDE = 0.03
"""Mean distance of the pictures on the way from what lies between the two ends, as a share of the ends' difference.
Cross-fades between two people who moved had 0.02 and less; 120 recordings without one had 0.036 and more where the two
ends were less alike than SAME_SHOT."""

MIDDLE = (0.2, 0.8)
"""How much of the way is over in the middle of the span; a hard cut has 0 or 1."""


class TransitionDetector:
    """Remembers a thumbnail of each analysed frame of the last two seconds."""

    def __init__(self) -> None:
        """Start before the first frame."""
        self.history: list[Thumbnail] = []

    def update(self, thumbnail: Floats) -> bool:
        """Take the next frame's thumbnail, (h, w) whole grey levels; True while a transition comes to its end."""
        self.history = [*self.history, thumbnail.astype(np.uint8)][-SPANS[-1] - 1 :]
        return any(is_gradual(self.history[-span - 1 :]) for span in SPANS if len(self.history) > span)

    def clear(self) -> None:
        """Begin anew, as after a cut."""
        self.history = []

    @classmethod
    def restored(cls, history: npt.NDArray[np.uint8]) -> Self:
        """One that has seen these thumbnails, (N, h, w)."""
        detector = cls()
        detector.history = list(history)
        return detector


def is_gradual(pictures: list[Thumbnail]) -> bool:
    """Whether the pictures lead from the first to the last as a transition between two shots does."""
    first, last = pictures[0].astype(np.float32), pictures[-1].astype(np.float32)
    difference = np.abs(last - first)
    change = float(difference.mean())
    if change < LEAST_CHANGE or _correlation(first, last) >= SAME_SHOT:
        return False
    steps = len(pictures) - 1
    way = np.stack([pictures[steps * part // 4] for part in (1, 2, 3)]).astype(np.float32)  # (3, h, w)
    gone = np.abs(way - first)
    outside = (gone + np.abs(last - way) - difference).mean(axis=(1, 2)) / 2 / change
    middle = float(gone[1].mean()) / change
    return bool(outside.max() <= MAX_OUTSIDE and MIDDLE[0] < middle < MIDDLE[1])


def _correlation(one: Floats, other: Floats) -> float:
    one, other = one - one.mean(), other - other.mean()
    return float((one * other).sum() / max(float(np.linalg.norm(one) * np.linalg.norm(other)), 1e-6))
