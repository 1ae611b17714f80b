"""Moves landmarks of a still, and the picture with them, by affine maps of the triangles between them."""

import cv2
import numpy as np
import numpy.typing as npt
from scipy.spatial import Delaunay

from duygu.shared.vision.classify.movements import Doubles
from duygu.shared.vision.types import Floats, Image
from duygu.training.mouth_motion.face_mesh import INNER_LIPS, OUTER_LIPS, aligning, places

BORDER = 0.75
"""Distance of the fixed points around the picture from its centre, in sides of the picture."""

BORDER_POINTS = 5
"""Fixed points on each side."""

DARKNESS = 0.45
"""Brightness of the inside of a mouth that opens, relative to that of the lips and what is between them."""

SUBPIXEL_BITS = 4
"""Fractional bits of the coordinates of polygons that OpenCV fills."""

SMALLEST_AREA = 1e-3
"""Twice the area of a triangle in pixels below which it is not drawn."""

_INNER, _OUTER = places(INNER_LIPS), places(OUTER_LIPS)


def talking_copy(still: Image, points: Floats, shape: Floats, offsets: Floats, side: int) -> Image:
    """A clip of a still whose lower face moves.

    still    (S, S) grey
    points   (L, 3) its landmarks, in pixels
    shape    (L, 3) mean face
    offsets  (T, L, 3) of the mean face

    returns  (T, side, side)
    """
    scale = side / len(still)
    picture = np.asarray(cv2.resize(still, (side, side), interpolation=cv2.INTER_LINEAR), np.uint8)
    turned = aligning(shape.astype(np.float64), points.astype(np.float64)).turned(offsets.astype(np.float64))
    start = np.concatenate([(points[:, :2] + 0.5) * scale - 0.5, _border(side)])
    triangles = np.asarray(Delaunay(start).simplices, np.intp)
    moves = np.zeros((len(offsets), *start.shape))
    moves[:, : len(points)] = turned[..., :2] * scale
    brightness = DARKNESS * _mean_within(picture, start[_OUTER])
    frames = [_darkened(_warped(picture, start, start + move, triangles), start, move, brightness) for move in moves]
    return np.stack([np.clip(np.rint(frame), 0, 255).astype(np.uint8) for frame in frames])


def _border(side: int) -> Doubles:
    """Fixed points around a picture: (points, 2)."""
    line = np.linspace(-BORDER, BORDER, BORDER_POINTS)
    around = [(x, y) for x in line for y in line if max(abs(x), abs(y)) == BORDER]
    return np.array(around) * side + (side - 1) / 2


def _warped(picture: Image, start: Doubles, moved: Doubles, triangles: npt.NDArray[np.intp]) -> Floats:
    """The picture with its points (P, 2) at new places."""
    side = len(picture)
    corners = np.concatenate([moved, np.ones((len(moved), 1))], axis=1)[triangles]
    drawn = np.abs(np.linalg.det(corners)) > SMALLEST_AREA
    maps = np.linalg.solve(corners[drawn], start[triangles[drawn]])
    owner = np.zeros((side, side), np.int32)
    for number, corner in enumerate(_fixed_point(moved)[triangles[drawn]]):
        cv2.fillConvexPoly(owner, corner, number, shift=SUBPIXEL_BITS)
    rows, columns = np.mgrid[:side, :side].astype(np.float64)
    here = np.stack([columns, rows, np.ones_like(rows)], axis=-1)
    source = np.einsum("hwk,hwkc->hwc", here, maps[owner]).astype(np.float32)
    borders = cv2.BORDER_REPLICATE
    return np.asarray(cv2.remap(picture, source[..., 0], source[..., 1], cv2.INTER_LINEAR, borderMode=borders), "f4")


def _darkened(frame: Floats, start: Doubles, move: Doubles, brightness: float) -> Floats:
    """The frame with what a mouth uncovers, as far as it opens wider than in the still."""
    before, inside = _area(start[_INNER]), (start + move)[_INNER]
    if (now := _area(inside)) <= max(before, 1.0):
        return frame
    side, double = len(frame), (inside + 0.5) * 2 - 0.5
    mask = np.zeros((2 * side, 2 * side), np.float32)
    cv2.fillPoly(mask, [_fixed_point(double)], 1.0, shift=SUBPIXEL_BITS)
    share = cv2.resize(mask, (side, side), interpolation=cv2.INTER_AREA) * (1 - before / now)
    return np.asarray(frame * (1 - share) + share * brightness, np.float32)


def _mean_within(picture: Image, outline: Doubles) -> float:
    """Mean grey level within an outline (P, 2), or of the whole picture if no pixel is within."""
    mask = np.zeros(picture.shape, np.uint8)
    cv2.fillPoly(mask, [_fixed_point(outline)], 1, shift=SUBPIXEL_BITS)
    return float(picture[mask > 0].mean() if mask.any() else picture.mean())


def _area(outline: Doubles) -> float:
    """Area within an outline (P, 2) in square pixels."""
    return float(cv2.contourArea(outline.astype(np.float32)))


def _fixed_point(points: Doubles) -> npt.NDArray[np.int32]:
    return np.asarray(np.rint(points * (1 << SUBPIXEL_BITS)), np.int32)
