"""Landmarks of stills and of people who talk, and the file that keeps them."""

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from duygu.shared.errors import TrainingDataError
from duygu.shared.vision.classify.movements import Doubles
from duygu.shared.vision.types import Floats, Image
from duygu.training.data.frames import VIDEOS, ends_with
from duygu.training.data.stills import TrainingStills
from duygu.training.mouth_motion.face_mesh import LANDMARKS
from duygu.training.mouth_motion.motions import Motions, RecordedFace, motions_of
from duygu.training.movements.examples import longest_face, reference_engine, still_reference
from duygu.training.movements.landmarker import FaceLandmarker
from duygu.training.run.types import Integers

MIN_SCORE = 0.5
"""Minimum score of the landmarker for a still."""


@dataclass(frozen=True, slots=True)
class MouthMotion:
    """What is needed to make talking copies of stills."""

    stills_digest: str  # of the stills
    stills: Integers  # (N,) indices of the stills in which a face was found
    points: Floats  # (N, L, 3) landmarks of each, in its pixels
    motions: Motions

    def save(self, path: Path) -> None:
        """Write the file at once, so that an interrupted run has none."""
        unfinished = path.with_suffix(".tmp.npz")
        motions = self.motions
        np.savez_compressed(
            unfinished,
            stills_digest=np.array(self.stills_digest),
            stills=self.stills,
            points=self.points.astype(np.float16),
            offsets=motions.offsets.astype(np.float16),
            recordings=motions.recordings,
            shape=motions.shape,
        )
        unfinished.replace(path)

    @classmethod
    def load(cls, path: Path, stills: TrainingStills) -> "MouthMotion":
        """Raises TrainingDataError for a file of another format or of other stills."""
        try:
            with np.load(path, allow_pickle=False) as stored:
                offsets, points = (stored[name].astype(np.float32) for name in ("offsets", "points"))
                motions = Motions(offsets, stored["recordings"], stored["shape"])
                read = cls(str(stored["stills_digest"]), stored["stills"], points, motions)
        except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
            raise TrainingDataError(f"{path} is not a file of training.mouth_motion") from error
        if read.stills_digest != stills.digest():
            raise TrainingDataError(f"{path} was made for other stills")
        return read


def find_mouth_motion(stills: TrainingStills, videos: Path, landmarker: FaceLandmarker) -> MouthMotion:
    """Landmarks of all stills, and motion of the people in a folder of videos who talk. Raises TrainingDataError."""
    motions = motions_of(list(recorded_faces(videos, landmarker)))
    if not len(motions.offsets):
        raise TrainingDataError(f"nobody talks in the videos of {videos}")
    found, points = landmarks_of_stills(stills.images, landmarker)
    return MouthMotion(stills.digest(), found, points, motions)


def recorded_faces(videos: Path, landmarker: FaceLandmarker) -> Iterator[RecordedFace]:
    """The face that is seen longest in each video of a folder. Raises TrainingDataError when there is none."""
    engine, any_face = reference_engine(), False
    for path in sorted(path for path in videos.iterdir() if ends_with(path, VIDEOS)):
        if seen := longest_face(path, engine, landmarker):
            any_face = True
            times = np.array([face.time_s for face in seen])
            yield RecordedFace(times, np.stack([kept(face.reference.points) for face in seen]))
    if not any_face:
        raise TrainingDataError(f"{videos} holds no video with a face")


def landmarks_of_stills(images: Image, landmarker: FaceLandmarker) -> tuple[Integers, Floats]:
    """Indices of the stills (N, S, S) in which there is a face, and its landmarks (n, L, 3) in pixels."""
    found = [still_reference(image, landmarker) for image in images]
    chosen = [number for number, reference in enumerate(found) if reference.score >= MIN_SCORE]
    points = np.array([kept(found[number].points) for number in chosen], np.float32)
    return np.array(chosen, np.int64), points.reshape(-1, len(LANDMARKS), 3)


def kept(points: Doubles) -> Doubles:
    """All landmarks (478, 3) -> those of LANDMARKS (L, 3)."""
    return points[list(LANDMARKS)]
