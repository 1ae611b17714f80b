"""Where a face has moved to, read off its own pixels: Lucas-Kanade (Bouguet 2000) on a small picture of it.

A tenth of a second after a face was found, that is closer to where MTCNN would find it than what O-Net alone makes of
the old box, and costs a quarter. It cannot tell that a face is none, and its errors add up; so O-Net looks again soon.
"""

from dataclasses import dataclass
from typing import Self

import cv2
import numpy as np
import numpy.typing as npt

from duygu.shared.vision.detect.boxes import centres
from duygu.shared.vision.track.scene_change import alike
from duygu.shared.vision.types import Area, Floats, Frame, Image

SIDE = 56
"""Pixels of the picture, along both sides."""

REACH = 0.75
"""Half of what it shows, in sides of the face's box: the face and a quarter of its side around."""

POINTS_ALONG, GRID_SHARE = 5, 0.8
"""Points that are followed lie on a square grid: so many along each side of it, which has this share of the box's."""

FACE = slice(SIDE // 5, SIDE - SIDE // 5)
"""Rows and columns of the picture that the face fills."""

GRID = np.stack(np.meshgrid(*[GRID_SHARE * np.linspace(-1, 1, POINTS_ALONG, dtype=np.float32)] * 2), -1).reshape(-1, 2)
"""(N, 2) in halves of the box's sides, from its middle."""

WINDOW, LEVELS = (11, 11), 1
"""What is compared of each point's surroundings, in pixels, and how often the picture is halved for it."""

FOUND = cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 8, 0.03
"""A point is found after so many steps, or when a step is so small."""

CLOSE = 1.0
"""Pixels of the picture by which a point may be off where the movement of all takes it. A mouth moves by itself."""

LEAST_CLOSE = 0.6
"""Share of the points that must be so close for the movement to be believed."""

LEAST_ALIKE = 0.85
"""Correlation of the picture with what is now seen where the movement takes it, below which the face is not believed
to be there any more. A face that speaks has more than 0.9 from one tenth of a second to the next."""

LEAST_SIDE = 16
"""Pixels of the video; a smaller box moves by less than can be measured."""


@dataclass(frozen=True, slots=True)
class Motion:
    """How a face has moved: turned and grown about where it was, and shifted. In pixels of the video."""

    matrix: Floats  # (2, 3)

    def box(self, box: Floats) -> Floats:
        """(4,) moved and grown; boxes are not turned."""
        centre = self.points(centres(box[np.newaxis]))[0]
        half = (box[2:] - box[:2]) / 2 * np.float32(np.hypot(*self.matrix[:, 0]))
        return np.concatenate([centre - half, centre + half]).astype(np.float32)

    def points(self, points: Floats) -> Floats:
        """(N, 2)."""
        return np.asarray(points @ self.matrix[:, :2].T + self.matrix[:, 2], np.float32)


@dataclass(frozen=True, slots=True)
class Patch:
    """What a face and its surroundings looked like."""

    area: Area  # of the video
    picture: Image  # (SIDE, SIDE)

    @classmethod
    def of(cls, frame: Frame, box: Floats) -> Self | None:
        """Of a face in this frame; None where it is too small, or too little of it is in the picture."""
        side = float((box[2:] - box[:2]).max())
        centre, size = (box[:2] + box[2:]) / 2, np.array(frame.size, np.float32)
        if side < LEAST_SIDE or (centre < 0).any() or (centre >= size).any():
            return None
        corners = np.concatenate([centre - REACH * side, centre + REACH * side])
        left, top, right, bottom = np.clip(np.rint(corners), 0, np.tile(size, 2)).astype(int).tolist()
        return cls((left, top, right, bottom), _picture(frame, (left, top, right, bottom)))

    def motion(self, frame: Frame, box: Floats) -> Motion | None:
        """How the face that had this box has moved until this frame; None where that is not sure."""
        if self.area[2] > frame.size[0] or self.area[3] > frame.size[1]:
            return None  # a camera that was turned, or set to other pictures
        before = self._grid(box)
        now = _picture(frame, self.area)
        after, status, _ = cv2.calcOpticalFlowPyrLK(
            self.picture, now, before, before.copy(), winSize=WINDOW, maxLevel=LEVELS, criteria=FOUND
        )
        seen = status[:, 0] > 0
        if np.count_nonzero(seen) < LEAST_CLOSE * len(seen):
            return None
        scale, corner = self._scale(), np.array(self.area[:2], np.float32)
        places = ((points[seen] + np.float32(0.5)) * scale + corner for points in (before, after))
        close, motion = similarity(*places, tolerance=CLOSE * float(scale.max()))
        if np.count_nonzero(close) < LEAST_CLOSE * len(seen) or self._likeness(now, motion) < LEAST_ALIKE:
            return None
        return motion

    def _likeness(self, now: Image, motion: Motion) -> float:
        """Correlation of this picture with the present one, moved back."""
        scale, corner = self._scale(), np.array(self.area[:2], np.float32)
        turn = motion.matrix[:, :2]
        shift = (motion.points(corner + scale[np.newaxis] / np.float32(2))[0] - corner) / scale - np.float32(0.5)
        matrix = np.concatenate([turn * scale / scale[:, np.newaxis], shift[:, np.newaxis]], axis=1)
        back = cv2.warpAffine(now, matrix, (SIDE, SIDE), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
        return alike(self.picture[FACE, FACE].astype(np.float32), back[FACE, FACE].astype(np.float32))

    def _grid(self, box: Floats) -> Floats:
        """(N, 2) points on the face, in pixels of the picture."""
        scale = self._scale()
        middle = ((box[:2] + box[2:]) / 2 - np.array(self.area[:2], np.float32)) / scale - np.float32(0.5)
        return np.asarray(GRID * ((box[2:] - box[:2]) / 2 / scale) + middle, np.float32)

    def _scale(self) -> Floats:
        """Pixels of the video for one of the picture, across and down."""
        left, top, right, bottom = self.area
        return np.array([right - left, bottom - top], np.float32) / np.float32(SIDE)


def _picture(frame: Frame, area: Area) -> Image:
    left, top, right, bottom = area
    sparse = max(1, min(right - left, bottom - top) // (SIDE * 2))
    return np.asarray(cv2.resize(frame.grey_part(area, sparse), (SIDE, SIDE), interpolation=cv2.INTER_AREA), np.uint8)


def similarity(before: Floats, after: Floats, *, tolerance: float) -> tuple[npt.NDArray[np.bool_], Motion]:
    """The motion that takes most points (N, 2) to where they are, and which (N,) it takes there.

    Points far from the median shift are left out; then least squares, in closed form (Umeyama 1991).
    """
    shifts = after - before
    off = np.abs(shifts - np.median(shifts, axis=0)).max(axis=1)
    kept = off <= max(2 * float(np.median(off)), tolerance)
    motion = Motion(_least_squares(before[kept], after[kept]))
    misses = np.abs(motion.points(before) - after).max(axis=1)
    return misses <= tolerance, motion


def _least_squares(before: Floats, after: Floats) -> Floats:
    middle, target = before.mean(axis=0), after.mean(axis=0)
    (x, y), (u, v) = (before - middle).T, (after - target).T
    total = max(float(x @ x + y @ y), 1e-6)
    cos, sin = float(x @ u + y @ v) / total, float(x @ v - y @ u) / total
    turn = np.array([[cos, -sin], [sin, cos]], np.float32)
    return np.concatenate([turn, (target - turn @ middle)[:, np.newaxis]], axis=1)
