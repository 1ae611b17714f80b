"""Operations on arrays of boxes (N, 4): x1, y1, x2, y2."""

import numpy as np
import numpy.typing as npt

from duygu.shared.vision.types import Floats

Indices = npt.NDArray[np.intp]

FAR = 1e6
"""Largest coordinate of a box, in pixels. Larger coordinates are clipped; a box that is not finite lies outside by this
much."""


def areas(boxes: Floats) -> Floats:
    """Area of each box: (N, 4) -> (N,); 0 for an inverted box."""
    sides = np.maximum(boxes[:, 2:] - boxes[:, :2], 0)
    return np.asarray(sides[:, 0] * sides[:, 1], np.float32)


def intersections(one: Floats, other: Floats) -> Floats:
    """Intersection area of each pair: (N, 4), (M, 4) -> (N, M)."""
    # One axis at a time: arrays (N, M, 2) take three times as long.
    shared = _overlap(one[:, 0], one[:, 2], other[:, 0], other[:, 2])
    shared *= _overlap(one[:, 1], one[:, 3], other[:, 1], other[:, 3])
    return np.asarray(shared, np.float32)


def _overlap(starts: Floats, ends: Floats, other_starts: Floats, other_ends: Floats) -> Floats:
    """Length of the common part of each pair of intervals: (N,), (N,), (M,), (M,) -> (N, M)."""
    length = np.minimum(ends[:, np.newaxis], other_ends)
    length -= np.maximum(starts[:, np.newaxis], other_starts)
    return np.asarray(np.maximum(length, 0, out=length), np.float32)


def overlaps(one: Floats, other: Floats) -> Floats:
    """Intersection over union of each pair: (N, 4), (M, 4) -> (N, M)."""
    shared = intersections(one, other)
    union = areas(one)[:, None] + areas(other)[None, :] - shared
    return np.asarray(shared / np.maximum(union, 1e-6), np.float32)


def containments(one: Floats, other: Floats) -> Floats:
    """Intersection over the smaller area of each pair: (N, 4), (M, 4) -> (N, M)."""
    smaller = np.minimum(areas(one)[:, None], areas(other)[None, :])
    return np.asarray(intersections(one, other) / np.maximum(smaller, 1e-6), np.float32)


def centres(boxes: Floats) -> Floats:
    """Centre of each box: (N, 4) -> (N, 2)."""
    return np.asarray((boxes[:, :2] + boxes[:, 2:]) / 2, np.float32)


def squares(boxes: Floats) -> Floats:
    """Extend each box about its centre to a square on its longer side. Boxes that are not finite are moved to -FAR."""
    finite = np.isfinite(boxes).all(axis=1, keepdims=True)
    boxes = np.where(finite, np.clip(boxes, -FAR, FAR), np.float32(-FAR))
    sides = (boxes[:, 2:] - boxes[:, :2]).max(axis=1, keepdims=True)
    corners = centres(boxes) - sides / 2
    return np.concatenate([corners, corners + sides], axis=1).astype(np.float32)


def suppress(boxes: Floats, scores: Floats, threshold: float, *, by_smaller: bool = False) -> Indices:
    """Non-maximum suppression: indices of the boxes to keep, in order of decreasing score.

    A box is suppressed if a box of higher score overlaps it by more than `threshold`: intersection over union or, with
    `by_smaller`, intersection over the smaller area.
    """
    order = np.argsort(-scores, kind="stable")
    measure = containments if by_smaller else overlaps
    covered = measure(boxes[order], boxes[order]) > threshold
    kept: list[int] = []
    gone = np.zeros(len(order), bool)
    for place in range(len(order)):
        if not gone[place]:
            kept.append(place)
            gone |= covered[place]
    return np.asarray(order[kept], np.intp)
