"""MTCNN (Zhang et al. 2016) on ONNX Runtime, with the weights and the arithmetic of facenet-pytorch.

A cascade of three networks: P-Net scores every 12 x 12 patch of an image pyramid, R-Net filters and corrects these
proposals, and O-Net makes the final decision and predicts five landmarks. Between two full-frame detections, R-Net and
O-Net alone track a face.
"""

import copy
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from duygu.shared.errors import ModelError
from duygu.shared.model.folder import MANIFEST, verify_files
from duygu.shared.vision.detect.boxes import squares, suppress
from duygu.shared.vision.detect.onnx_session import open_session
from duygu.shared.vision.detect.resample import Sums, area_means, integral, part_means
from duygu.shared.vision.options import MAX_FACES
from duygu.shared.vision.types import Area, Detections, Floats, Frame

if TYPE_CHECKING:
    import onnxruntime

PATCH, STRIDE = 12, 2
"""Receptive field of P-Net and stride between patches, in pixels of a pyramid level."""

REFINEMENT_SIDE, OUTPUT_SIDE = 24, 48
"""Input sizes of R-Net and O-Net, in pixels."""

FACTOR = 0.709
"""Scale factor between pyramid levels: half the area, as in the paper and in facenet-pytorch."""

NEAR, LIKE = 1.0, 2.0
"""Search region and size range of `detect_near`: the box extended by this many sides, and faces of half to twice its
side."""

AROUND = 0.1
"""Margin of the cached area around a requested part, in sides of the part. Later requests are slightly displaced."""

BATCH = 16
"""Batch size of R-Net and O-Net."""

THRESHOLDS = (0.6, 0.7, 0.7)
"""Score thresholds of P-Net, R-Net and O-Net; facenet-pytorch's defaults."""

PATCHES, PROPOSALS, CANDIDATES = 16, 10, 2
"""Maximum patches per level, boxes for R-Net and boxes for O-Net, each per expected face, by decreasing score.
Suppression is quadratic in their number, and a wall of faces has thousands; recordings of six to nine people had 222,
310 and 49."""

LEVEL_OVERLAP, FRAME_OVERLAP = 0.5, 0.7
"""Thresholds of non-maximum suppression within a pyramid level, and between all boxes of a frame."""


class AreaView:
    """Integral image of one area of the detection copy, for many requests in this area."""

    def __init__(self, frame: Frame, area: Area) -> None:
        left, top, right, bottom = area
        self.size = (right - left, bottom - top)
        self.sums = integral(frame.rgb_part(area))

    def sums_of(self, area: Area) -> Sums:
        """Integral image of a part, in coordinates relative to the area."""
        left, top, right, bottom = area
        return self.sums[top : bottom + 1, left : right + 1]

    def means_of(self, areas: npt.NDArray[np.int32], side: int) -> Floats:
        """Parts (N, 4) as crops (N, side, side, 3)."""
        return part_means(self.sums, areas, side)


class PartsView:
    """Integral images of a few parts of the detection copy, computed on demand with a margin around each."""

    def __init__(self, frame: Frame) -> None:
        self.size = frame.small_size
        self._frame = frame
        self._known: list[tuple[Area, AreaView]] = []

    def sums_of(self, area: Area) -> Sums:
        """Integral image of a part."""
        left, top, right, bottom = area
        for (x1, y1, x2, y2), view in self._known:
            if x1 <= left and y1 <= top and right <= x2 and bottom <= y2:
                return view.sums_of((left - x1, top - y1, right - x1, bottom - y1))
        reach = AROUND * max(right - left, bottom - top)
        around = _within(self.size, np.array(area, np.float32) + reach * np.array([-1, -1, 1, 1], np.float32))
        self._known.append((around, AreaView(self._frame, around)))
        return self.sums_of(area)

    def means_of(self, areas: npt.NDArray[np.int32], side: int) -> Floats:
        """Parts (N, 4) as crops (N, side, side, 3)."""
        crops = np.empty((len(areas), side, side, 3), np.float32)
        for crop, area in zip(crops, areas.tolist(), strict=True):
            crop[:] = area_means(self.sums_of(area), side, side)
        return crops


View = AreaView | PartsView


class Mtcnn:
    """`Detector` with full-frame detection, local detection and refinement of known boxes."""

    def __init__(self, folder: Path, *, min_face: float, max_faces: int = MAX_FACES) -> None:
        """Load the networks.

        folder     contains pnet.onnx, rnet.onnx, onet.onnx and the manifest with their sha256
        min_face   smallest face, as a share of the shorter side of the frame
        max_faces  expected faces per picture; a few times as many can be returned, in order of decreasing score

        Raises ModelError if a file is missing or damaged.
        """
        verify_files(folder, _expected(folder))
        # The networks are too small for threads: two use 50% more CPU time and are not faster.
        self._proposal, self._refinement, self._output = (
            open_session(folder / f"{name}.onnx", threads=1) for name in ("pnet", "rnet", "onet")
        )
        self._min_face = min_face
        self._most = max(max_faces, MAX_FACES)  # fewer would leave no room for false positives

    def detect(self, frame: Frame) -> Detections:
        """Detect all faces of the frame, in order of decreasing score."""
        width, height = frame.small_size
        view = AreaView(frame, (0, 0, width, height))
        return _scaled(self._cascaded(view, pyramid(height, width, self._min_face)), frame.scale)

    def detect_near(self, frame: Frame, boxes: Floats) -> Detections:
        """Detect faces near each box (N, 4) and of similar size, in order of decreasing score."""
        found = [self._detected_near(frame, box) for box in squares(boxes / np.float32(frame.scale))]
        everything = Detections.joined([Detections.none(), *found])
        kept = suppress(everything.boxes, everything.scores, FRAME_OVERLAP, by_smaller=True)
        return _scaled(everything.take(kept), frame.scale)

    def refine(self, frame: Frame, boxes: Floats) -> Detections:
        """Update each box (N, 4) of the previous frame with R-Net and O-Net. The score is 0 if the face is lost."""
        view, around = PartsView(frame), squares(boxes / np.float32(frame.scale))
        found = self._located(view, self._adjusted(view, around))
        scores = np.where(found.scores > THRESHOLDS[2], found.scores, np.float32(0))
        return _scaled(Detections(found.boxes, scores, found.landmarks), frame.scale)

    def with_limits(self, *, min_face: float, max_faces: int) -> "Mtcnn":
        """The same networks for another smallest face and number of faces."""
        other = copy.copy(self)
        other._min_face, other._most = min_face, max(max_faces, MAX_FACES)
        return other

    def _detected_near(self, frame: Frame, box: Floats) -> Detections:
        side = float(box[2] - box[0])
        left, top, right, bottom = _within(frame.small_size, box + NEAR * side * np.array([-1, -1, 1, 1], np.float32))
        if right - left < PATCH or bottom - top < PATCH:
            return Detections.none()
        width, height = frame.small_size
        scales = pyramid(height, width, self._min_face)
        likely = (scale for scale in scales if 1 / LIKE <= PATCH / scale / side <= LIKE)
        found = self._cascaded(AreaView(frame, (left, top, right, bottom)), likely)
        corner = np.array([left, top], np.float32)
        return Detections(found.boxes + np.concatenate([corner, corner]), found.scores, found.landmarks + corner)

    def _cascaded(self, view: AreaView, scales: Iterable[float]) -> Detections:
        """Run the full cascade."""
        found = self._located(view, self._refined(view, self._proposals(view, scales)))
        found = found.take(found.scores > THRESHOLDS[2])
        return found.take(suppress(found.boxes, found.scores, FRAME_OVERLAP, by_smaller=True))

    def _proposals(self, view: AreaView, scales: Iterable[float]) -> Floats:
        """Run P-Net on the pyramid: square boxes (N, 4)."""
        width, height = view.size
        found = []
        for scale in scales:
            rows, columns = int(height * scale + 1), int(width * scale + 1)
            if min(rows, columns) < PATCH:  # too little of a face at the border is visible
                continue
            level = area_means(view.sums, rows, columns)
            scores, shifts = self._proposal.run(None, {"pictures": level[np.newaxis]})
            candidates = _best(_patches(scores[0, 0], shifts[0], scale), PATCHES * self._most)
            found.append(candidates[suppress(candidates[:, :4], candidates[:, 4], LEVEL_OVERLAP)])
        if not found:
            return np.zeros((0, 4), np.float32)
        everything = _best(np.concatenate(found), PATCHES * self._most)  # (N, 9): box, score, shifts
        everything = everything[suppress(everything[:, :4], everything[:, 4], FRAME_OVERLAP)][: PROPOSALS * self._most]
        return squares(_shifted(everything[:, :4], everything[:, 5:], border=0))

    def _refined(self, view: View, boxes: Floats) -> Floats:
        """Run R-Net on each box: the square boxes above its threshold."""
        boxes, crops = _crops(view, boxes, REFINEMENT_SIDE)
        if not len(boxes):
            return boxes
        scores, shifts = _run(self._refinement, crops)
        passed = np.flatnonzero(scores[:, 0] > THRESHOLDS[1])
        chosen = passed[suppress(boxes[passed], scores[passed, 0], FRAME_OVERLAP)][: CANDIDATES * self._most]
        return squares(_shifted(boxes[chosen], shifts[chosen], border=1))

    def _adjusted(self, view: View, boxes: Floats) -> Floats:
        """Apply R-Net's box regression to each square box: as many square boxes."""
        present = _has_pixels(view.size, boxes)
        inside, crops = _crops(view, boxes, REFINEMENT_SIDE)
        if not len(inside):
            return boxes
        _, shifts = _run(self._refinement, crops)
        adjusted = boxes.copy()
        adjusted[present] = squares(_shifted(inside, shifts, border=1))
        return adjusted

    def _located(self, view: View, boxes: Floats) -> Detections:
        """Run O-Net on each square box, in the same order. A box without pixels has score 0."""
        inside, crops = _crops(view, boxes, OUTPUT_SIDE)
        if not len(inside):
            return Detections(boxes, np.zeros(len(boxes), np.float32), np.zeros((len(boxes), 5, 2), np.float32))
        scores, shifts, points = _run(self._output, crops)
        sides = (inside[:, 2:] - inside[:, :2] + 1)[:, np.newaxis]  # (N, 1, 2)
        landmarks = points.reshape(-1, 2, 5).transpose(0, 2, 1) * sides + inside[:, np.newaxis, :2] - 1
        found = Detections(_shifted(inside, shifts, border=1), scores[:, 0], landmarks.astype(np.float32))
        return found if len(inside) == len(boxes) else _spread(found, _has_pixels(view.size, boxes))


def _run(network: "onnxruntime.InferenceSession", crops: Floats) -> list[Floats]:
    """Run a network on crops (N, side, side, 3) in batches, so that memory does not grow with N: all its outputs."""
    parts = [network.run(None, {"pictures": crops[start : start + BATCH]}) for start in range(0, len(crops), BATCH)]
    return [np.concatenate(outputs) for outputs in zip(*parts, strict=True)]


def pyramid(height: int, width: int, min_face: float) -> Iterator[float]:
    """Scales at which P-Net's patch covers a face, from `min_face` of the shorter side upwards."""
    shorter = min(height, width)
    scale = PATCH / max(shorter * min_face, PATCH)
    while shorter * scale >= PATCH:
        yield scale
        scale *= FACTOR


def _within(size: tuple[int, int], box: Floats) -> Area:
    """Round a box to whole pixels and clip it to a picture of this width and height."""
    left, top, right, bottom = np.clip(np.rint(box), 0, (*size, *size)).astype(int).tolist()
    return left, top, right, bottom


def _expected(folder: Path) -> dict[str, str]:
    try:
        manifest = json.loads((folder / MANIFEST).read_bytes())
        return {str(name): str(sha256) for name, sha256 in manifest["files"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(f"the {MANIFEST} in {folder} cannot be read") from error


def _patches(scores: Floats, shifts: Floats, scale: float) -> Floats:
    """The patches of one level above P-Net's threshold: (N, 9) box in the picture, score, shifts."""
    rows, columns = np.nonzero(scores >= THRESHOLDS[0])
    corners = np.stack([columns, rows], axis=1) * STRIDE
    boxes = np.floor(np.concatenate([corners + 1, corners + PATCH], axis=1) / np.float32(scale))
    chosen = scores[rows, columns, np.newaxis]
    return np.concatenate([boxes, chosen, shifts[:, rows, columns].T], axis=1).astype(np.float32)


def _best(candidates: Floats, count: int) -> Floats:
    """The `count` candidates (N, 9) of highest score, in their original order."""
    if len(candidates) <= count:
        return candidates
    return candidates[np.sort(np.argsort(-candidates[:, 4], kind="stable")[:count])]


def _shifted(boxes: Floats, shifts: Floats, *, border: int) -> Floats:
    """Shift each side by a share of the box's size; `border` 1 counts the border pixel, as R-Net and O-Net need it."""
    sides = boxes[:, 2:] - boxes[:, :2] + border
    return np.asarray(boxes + shifts * np.concatenate([sides, sides], axis=1), np.float32)


def _corners(size: tuple[int, int], boxes: Floats) -> npt.NDArray[np.int32]:
    """Integer corners inside the picture, one-based as in facenet-pytorch: (N, 4)."""
    corners = np.trunc(boxes).astype(np.int32)
    corners[:, :2] = np.maximum(corners[:, :2], 1)
    corners[:, 2:] = np.minimum(corners[:, 2:], size)
    return corners


def _has_pixels(size: tuple[int, int], boxes: Floats) -> npt.NDArray[np.bool_]:
    corners = _corners(size, boxes)
    return np.asarray((corners[:, 2:] >= corners[:, :2]).all(axis=1))


def _crops(view: View, boxes: Floats, side: int) -> tuple[Floats, Floats]:
    """Crop the boxes: the boxes that have pixels (N, 4), and their crops (N, side, side, 3)."""
    boxes = boxes[_has_pixels(view.size, boxes)]
    return boxes, view.means_of(_corners(view.size, boxes) - np.array([1, 1, 0, 0], np.int32), side)


def _spread(found: Detections, present: npt.NDArray[np.bool_]) -> Detections:
    """Scatter the detections of the boxes in `present` into an array for all boxes; the others have score 0."""
    count = len(present)
    boxes, scores = np.zeros((count, 4), np.float32), np.zeros(count, np.float32)
    landmarks = np.zeros((count, 5, 2), np.float32)
    boxes[present], scores[present], landmarks[present] = found.boxes, found.scores, found.landmarks
    return Detections(boxes, scores, landmarks)


def _scaled(found: Detections, scale: float) -> Detections:
    factor = np.float32(scale)
    return Detections(found.boxes * factor, found.scores, found.landmarks * factor)
