"""Examples of movements: faces of videos and stills, with the targets of the reference."""

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from duygu.shared.config.settings import Settings
from duygu.shared.errors import TrainingDataError, VideoError
from duygu.shared.model.movement_folder import MouthArea
from duygu.shared.schemas.model import ModelInfo
from duygu.shared.vision.analyzer import Analyzer
from duygu.shared.vision.classify.movements import aligned_crop, geometry, mouth_of
from duygu.shared.vision.detect.mtcnn import Mtcnn
from duygu.shared.vision.engine import Engine
from duygu.shared.vision.results import FacePosition
from duygu.shared.vision.track.track import Track
from duygu.shared.vision.types import Floats, Frame, Image
from duygu.training.data.frames import VIDEOS, ends_with, open_recording
from duygu.training.movements.landmarker import FaceLandmarker, Reference
from duygu.training.onnx.face_api import SIZE
from duygu.training.run.settings import load_recipe

POINTS = np.array([[0.327, 0.397], [0.698, 0.388], [0.513, 0.608], [0.364, 0.791], [0.671, 0.784]])
"""Where the landmarks are in a crop, as shares of its side: FER2013's median, so that stills need no detector."""

MOUTH = MouthArea(left=28, top=66, width=56, height=40, step=4)
"""The area of the crop whose motion tells speaking."""

MIN_SCORE, MIN_STILL_SCORE = 0.5, 0.8
"""Minimum score of the reference. A still of 48 x 48 pixels has to be clearer than a frame of a video."""

MAX_SECONDS = 12.0
"""Part of each video that is used, so that long ones do not dominate."""

BORDER, ENLARGED = 24, 4
"""Border in pixels around a still for the reference, and the factor by which it is enlarged."""


@dataclass(frozen=True, slots=True)
class Examples:
    """Faces in the order of their clips and times."""

    crops: Image  # (N, 112, 112) grey
    targets: Floats  # (N, 60), as of `Reference`
    geometry: Floats  # (N, 8)
    mouth: Floats  # (N, MOUTH.values) grey levels
    clip: Any  # (N,) index into `names`
    time_s: Floats  # (N,)
    names: Any  # (clips,) file names without extension

    def save(self, path: Path) -> None:
        """Write the file at once, so that an interrupted run has none."""
        unfinished = path.with_suffix(".tmp.npz")
        np.savez(unfinished, **{field.name: getattr(self, field.name) for field in fields(self)})
        unfinished.replace(path)

    @classmethod
    def load(cls, path: Path) -> "Examples":
        """Raises TrainingDataError for a file of another format."""
        try:
            with np.load(path, allow_pickle=False) as stored:
                return cls(**{field.name: stored[field.name] for field in fields(cls)})
        except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
            raise TrainingDataError(
                f"{path} does not hold examples of movements; delete it to compute it again"
            ) from error

    def windows(self, frames: int, stride: int) -> Iterator[Any]:
        """Indices (frames,) of each window, within one clip."""
        for clip in np.unique(self.clip):
            rows = np.flatnonzero(self.clip == clip)
            for start in range(0, max(len(rows) - frames + 1, 0), stride):
                yield rows[start : start + frames]


@dataclass(frozen=True, slots=True)
class SeenFace:
    """A face in a frame of a video, as the reference sees it."""

    time_s: float
    crop: Image  # (112, 112) grey
    reference: Reference
    geometry: Floats  # (8,)
    mouth: Floats  # (MOUTH.values,)


class _Recorder(Analyzer):
    """An analyzer that measures its faces by the reference; it classifies nothing."""

    def __init__(self, engine: Engine, landmarker: FaceLandmarker, interval_s: float | None) -> None:
        super().__init__(engine, interval_s=interval_s, batch=1 << 30)
        self.seen_faces: dict[int, list[SeenFace]] = {}
        self._landmarker = landmarker

    def _update_face(self, track: Track, frame: Frame, tick: int, before: int) -> Iterator[FacePosition]:
        eyes = track.landmarks[1] - track.landmarks[0]
        seen = self._landmarker(frame.rgb, track.box / frame.scale, float(np.arctan2(eyes[1], eyes[0])))
        if seen.score > MIN_SCORE:
            crop = aligned_crop(frame, track.landmarks, POINTS * SIZE, SIZE)
            shape = geometry(track.box, track.landmarks).astype(np.float32)
            face = SeenFace(frame.time_s, crop, seen, shape, mouth_of(crop, MOUTH))
            self.seen_faces.setdefault(track.key, []).append(face)
        yield from super()._update_face(track, frame, tick, before)


class _NoClassifier:
    """A classifier for recordings of which only the faces are needed."""

    recipe = load_recipe("e3d48").clip

    def logits(self, clips: Floats) -> Floats:
        return np.zeros((len(clips), len(self.recipe.labels)), np.float32)


def reference_engine() -> Engine:
    """The detector and tracker of serving, without a classifier."""
    settings, no_model = Settings(), ModelInfo(name="", version="", sha256="", labels=[])
    detector = Mtcnn(settings.mtcnn, min_face=settings.min_face, max_faces=settings.max_faces)
    return Engine(detector, _NoClassifier(), no_model, settings.min_face, settings.max_faces)


def video_examples(folder: Path, engine: Engine, landmarker: FaceLandmarker) -> Examples:
    """The face that is seen longest in each video of a folder. Raises TrainingDataError when there is none."""
    files = sorted(path for path in folder.iterdir() if ends_with(path, VIDEOS))
    found = [(clip, face) for clip, path in enumerate(files) for face in longest_face(path, engine, landmarker)]
    if not found:
        raise TrainingDataError(f"{folder} holds no video with a face")
    faces = [face for _, face in found]
    targets = np.array([face.reference.targets for face in faces])
    crops, shapes, mouth, times = (
        np.array([getattr(face, name) for face in faces]) for name in ("crop", "geometry", "mouth", "time_s")
    )
    names, clips = np.array([path.stem for path in files]), np.array([clip for clip, _ in found])
    return Examples(crops, targets, shapes, mouth, clips, times.astype(np.float32), names)


def longest_face(path: Path, engine: Engine, landmarker: FaceLandmarker) -> list[SeenFace]:
    """The face that is seen longest in the beginning of a video; empty if there is none or the video is unreadable."""
    try:
        with open_recording(path, Settings(), engine.recipe) as frames:
            recorder = _Recorder(engine, landmarker, frames.interval_s)
            for frame in frames:
                if frame.time_s > MAX_SECONDS:
                    break
                recorder.push(frame)
    except VideoError:
        return []
    return max(recorder.seen_faces.values(), key=len, default=[])


def still_examples(pictures: Image, landmarker: FaceLandmarker) -> Examples:
    """Stills (N, 48, 48) of one face each in FER2013's geometry."""
    found = [(index, still_reference(picture, landmarker)) for index, picture in enumerate(pictures)]
    kept = [(index, seen.targets) for index, seen in found if seen.score > MIN_STILL_SCORE]
    if not kept:
        raise TrainingDataError("the reference finds no face in the stills")
    index, targets = (np.array(column) for column in zip(*kept, strict=True))
    crops = np.stack([cv2.resize(pictures[at], (SIZE, SIZE), interpolation=cv2.INTER_CUBIC) for at in index])
    empty = np.zeros((len(index), 8), np.float32)
    mouth = np.zeros((len(index), MOUTH.values), np.float32)
    return Examples(crops, targets, empty, mouth, np.arange(len(index)), empty[:, 0], index.astype(str))


def still_reference(picture: Image, landmarker: FaceLandmarker) -> Reference:
    """What the landmarker finds in a still (S, S) of one face in FER2013's geometry, in pixels of the still."""
    side = picture.shape[0] * ENLARGED
    grey = cv2.copyMakeBorder(picture, BORDER, BORDER, BORDER, BORDER, cv2.BORDER_CONSTANT, value=0)
    grey = cv2.resize(grey, None, fx=ENLARGED, fy=ENLARGED, interpolation=cv2.INTER_CUBIC)
    low, half = BORDER * ENLARGED, side * 0.45
    centre = low + side / 2
    box = np.array([centre - half, centre - half, centre + half, centre + half], np.float32)
    found = landmarker(np.repeat(np.asarray(grey, np.uint8)[..., np.newaxis], 3, axis=2), box, 0.0)
    return replace(found, points=found.points / ENLARGED - [BORDER, BORDER, 0])
