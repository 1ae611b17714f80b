"""Facial movements, head pose and speaking of a face, by a network on crops that the five landmarks align."""

from functools import cached_property

import cv2
import numpy as np
import numpy.typing as npt
import onnxruntime

from duygu.shared.errors import ModelError
from duygu.shared.model.movement_folder import LIPS, MouthArea, MovementFolder, MovementManifest, SpeakingModel
from duygu.shared.vision.classify.crops import MAX_OVERSAMPLING
from duygu.shared.vision.classify.sampling_pattern import SamplingPattern
from duygu.shared.vision.detect.onnx_session import open_session
from duygu.shared.vision.types import Area, Floats, Frame, Image

Doubles = npt.NDArray[np.float64]
Pose = tuple[float, float, float]

POSE = slice(-3, None)
"""Yaw, pitch and roll among the values of a crop. Before them are the movements, the distances of the lips, and the
grey levels of the mouth."""

MIN_CROPS = 5
"""Minimum number of crops for a prediction of speaking: half a second."""

OUTERMOST = 2.5
"""Limit of the statistics of the mouth, in standard deviations of the training's. Beyond them the regression would
extrapolate: a smile that does not move, with visible teeth, had a probability of speaking of .8."""

MIN_CONTRAST = 8.0
"""Lower bound of the deviation of the mouth's grey levels, so that the noise of a flat crop is no motion."""


class MovementNetwork:
    """Measures one crop at a time: the windows of a face overlap, its crops do not."""

    def __init__(self, folder: MovementFolder, *, threads: int = 1) -> None:
        self._folder, self._threads = folder, threads
        choice, speaking = folder.manifest.crops, folder.manifest.speaking
        self._pattern = SamplingPattern(choice.period, choice.places) if choice else SamplingPattern(1, (0,))
        self._mouth = speaking.mouth if speaking else None
        self._manifest: MovementManifest = folder.manifest
        self._offered = list(self._manifest.offered)
        self.names = tuple(self._manifest.movements[index].name for index in self._offered)

    def includes(self, tick: int, usual_ticks: float = 1.0) -> bool:
        """Whether the network processes the crop at a sampling time, as `SamplingPattern.includes` says."""
        return self._pattern.includes(tick, usual_ticks)

    def measure(self, frame: Frame, box: Floats, landmarks: Floats, *, processed: bool = True) -> Floats:
        """The values of one face: (movements + LIPS + mouth + 3,), movements from 0 to 1, the pose in degrees.

        box        (4,) x1, y1, x2, y2 and landmarks (5, 2), in pixels of Frame.grey
        processed  whether the network processes the crop; otherwise movements and lips are NaN
        """
        manifest = self._manifest
        target = np.array(manifest.points) * manifest.size
        pose = np.array(manifest.pose.weights) @ geometry(box, landmarks) + manifest.pose.bias
        if processed:
            crop = aligned_crop(frame, landmarks, target, manifest.size)
            (rows,) = self._session.run(None, {"crops": crop[np.newaxis]})
            values, mouth = rows[0], mouth_of(crop, self._mouth) if self._mouth else np.zeros(0)
        else:
            values = np.full(len(manifest.movements) + LIPS, np.nan)
            mouth = aligned_mouth(frame, landmarks, target, self._mouth) if self._mouth else np.zeros(0)
        return np.concatenate([values, mouth, pose]).astype(np.float32)

    def mean(self, measured: Floats) -> Floats | None:
        """The reported movements of a clip (n, values), in the order of `names`; None if no crop was processed.

        They are the means over the crops that the network processed.
        """
        processed = measured[is_processed(measured)]
        return np.asarray(processed[:, self._offered].mean(0), np.float32) if len(processed) else None

    def speaking(self, measured: Floats) -> float | None:
        """The probability that the person of a clip (n, values) speaks; None if it is too short or not predicted."""
        model = self._manifest.speaking
        statistics = None if model is None else self._statistics(model, measured)
        if model is None or statistics is None:
            return None
        scaled = np.clip((statistics - model.mean) / model.deviation, -OUTERMOST, OUTERMOST)
        return float(1 / (1 + np.exp(-(scaled @ model.weights + model.bias))))

    def _statistics(self, model: SpeakingModel, measured: Floats) -> Doubles | None:
        """Statistics of the mouth, or of the lips for a folder of version 1.1; None for fewer than MIN_CROPS crops."""
        first = len(self._manifest.movements) + LIPS
        if model.mouth is None:
            measured = measured[is_processed(measured)]
        if len(measured) < MIN_CROPS or measured.shape[1] != self._width(model):
            return None
        if model.mouth is None:
            return lip_statistics(measured[:, first - LIPS : first].astype(np.float64), model.floor)
        return mouth_statistics(measured[:, first : first + model.mouth.values].astype(np.float64), model.floor)

    def _width(self, model: SpeakingModel) -> int:
        """Number of values of a crop. Crops that were stored by another version have another number."""
        return len(self._manifest.movements) + LIPS + (model.mouth.values if model.mouth else 0) + 3

    @cached_property
    def _session(self) -> onnxruntime.InferenceSession:
        session = open_session(self._folder.network, self._threads)
        size, expected = self._manifest.size, len(self._manifest.movements) + LIPS
        (values,) = session.run(None, {"crops": np.zeros((1, size, size), np.uint8)})
        if values.shape != (1, expected):
            raise ModelError(f"the movement network's output has shape {values.shape}, expected (1, {expected})")
        return session


def pose_of(measured: Floats) -> Pose:
    """Yaw, pitch and roll in degrees of the values of a crop."""
    yaw, pitch, roll = (float(angle) for angle in measured[POSE])
    return yaw, pitch, roll


def is_processed(measured: Floats) -> npt.NDArray[np.bool_]:
    """Which crops of a clip (n, values) the network processed: (n,)."""
    return np.asarray(~np.isnan(measured[:, 0]))


def mouth_of(crop: Image, area: MouthArea) -> Floats:
    """The grey levels of the mouth in a crop: (values,) means over squares of pixels."""
    return _squares(crop[area.top : area.top + area.height, area.left : area.left + area.width], area)


def aligned_mouth(frame: Frame, landmarks: Floats, target: Doubles, area: MouthArea) -> Floats:
    """The same for a crop of which only this area is cut from the frame."""
    part = aligned_part(frame, landmarks, target - [area.left, area.top], (area.width, area.height))
    return _squares(part, area)


def _squares(part: Image, area: MouthArea) -> Floats:
    size = area.width // area.step, area.height // area.step
    return cv2.resize(part, size, interpolation=cv2.INTER_AREA).reshape(-1).astype(np.float32)


def mouth_statistics(levels: Doubles, floor: float) -> Doubles:
    """Statistics of the motion of the mouth over a clip: grey levels (..., n, values) -> (..., 5).

    Brightness is removed from each crop, and contrast from the clip. Logarithms of the mean, median and maximum
    magnitude of the first differences, of the mean magnitude of the second ones, and of the deviation.
    """
    contrast = np.maximum(levels.std(-1), MIN_CONTRAST).mean(-1)[..., np.newaxis, np.newaxis]
    relative = (levels - levels.mean(-1, keepdims=True)) / contrast
    first, second = (np.sqrt((np.diff(relative, order, axis=-2) ** 2).mean(-1)) for order in (1, 2))
    motion = [first.mean(-1), np.median(first, -1), first.max(-1), second.mean(-1), relative.std(-2).mean(-1)]
    return np.log(np.stack(motion, axis=-1) + floor)


def lip_statistics(lips: Doubles, floor: float) -> Doubles:
    """Statistics of the lips over a clip: (..., n, LIPS) -> (..., 5 LIPS).

    Speech opens and closes the mouth several times a second, a smile moves it once: logarithms of the deviation and of
    the first and second differences, and the mean and the minimum.
    """
    first, second = np.diff(lips, axis=-2), np.diff(lips, 2, axis=-2)
    motion = [np.log(value + floor) for value in (lips.std(-2), np.abs(first).mean(-2), np.abs(second).mean(-2))]
    return np.concatenate([*motion, lips.mean(-2), lips.min(-2)], axis=-1)


def geometry(box: Floats, landmarks: Floats) -> Doubles:
    """Nose and corners of the mouth relative to the eyes, angle of the eyes, and aspect of the box: (8,)."""
    points = landmarks.astype(np.float64)
    eyes = points[1] - points[0]
    length = max(float(np.hypot(*eyes)), 1e-6)
    x_axis = eyes / length
    axes = np.array([x_axis, [-x_axis[1], x_axis[0]]])
    relative = (points[2:] - points[:2].mean(0)) @ axes.T / length  # (3, 2)
    width, height = (box[2:] - box[:2]).astype(np.float64)
    angle = np.arctan2(eyes[1], eyes[0])
    return np.array([*relative[:, 0], *relative[:, 1], angle, width / max(height, 1e-6)])


def aligned_crop(frame: Frame, landmarks: Floats, target: Doubles, size: int) -> Image:
    """The crop (size, size) grey in which the landmarks (5, 2) are as close as possible to `target` (5, 2)."""
    return aligned_part(frame, landmarks, target, (size, size))


def aligned_part(frame: Frame, landmarks: Floats, target: Doubles, size: tuple[int, int]) -> Image:
    """The same for a picture of another width and height."""
    width, height = size
    matrix = similarity(landmarks.astype(np.float64), target)
    factor = int(np.clip(round(1 / max(float(np.hypot(*matrix[0, :2])), 1e-6)), 1, MAX_OVERSAMPLING))
    left, top, *_ = area = _covered(frame.size, matrix, size)
    matrix = matrix * factor
    matrix[:, 2] += matrix[:, :2] @ [left, top]
    warped = cv2.warpAffine(
        frame.grey_part(area),
        matrix,
        (width * factor, height * factor),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    if factor > 1:
        warped = cv2.resize(warped, size, interpolation=cv2.INTER_AREA)
    return np.asarray(warped, np.uint8)


def similarity(source: Doubles, target: Doubles) -> Doubles:
    """The rotation, scale and shift (2, 3) that map points to a target with the least squared error (Umeyama 1991)."""
    centred, wanted = source - source.mean(0), target - target.mean(0)
    spread = max(float((centred**2).sum()), 1e-9)
    cos = (centred * wanted).sum() / spread
    sin = (centred[:, 0] * wanted[:, 1] - centred[:, 1] * wanted[:, 0]).sum() / spread
    turn = np.array([[cos, -sin], [sin, cos]])
    return np.column_stack([turn, target.mean(0) - turn @ source.mean(0)])


def _covered(size: tuple[int, int], matrix: Doubles, picture: tuple[int, int]) -> Area:
    """The area of the frame that a picture of this width and height shows, at least one pixel."""
    width, height = picture
    if abs(float(np.linalg.det(matrix[:, :2]))) < 1e-12:
        return 0, 0, 1, 1
    corners = np.array([[0, 0], [width, 0], [0, height], [width, height]]) - matrix[:, 2]
    points = corners @ np.linalg.inv(matrix[:, :2]).T
    low, high = points.min(0) - 2, points.max(0) + 2
    left, top = (int(np.clip(at, 0, limit - 1)) for at, limit in zip(low, size, strict=True))
    right, bottom = (int(np.clip(at + 1, 1, limit)) for at, limit in zip(high, size, strict=True))
    return left, top, max(right, left + 1), max(bottom, top + 1)
