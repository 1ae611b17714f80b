"""Trains the network for facial movements: `python -m training.movements RUN --landmarker face_landmarker.task …`.

The folder RUN keeps the examples of each source, so that an interrupted command resumes with the next source.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from duygu.shared.errors import TrainingDataError
from duygu.shared.model.movement_folder import PoseModel
from duygu.shared.vision.types import Image
from duygu.training.distillation.teachers import face_api_weights
from duygu.training.movements.agreement import CROPS, correlations, window_means
from duygu.training.movements.examples import Examples, reference_engine, still_examples, video_examples
from duygu.training.movements.export import network_model, write_folder
from duygu.training.movements.head import Head, train_head
from duygu.training.movements.landmarker import NAMES, FaceLandmarker
from duygu.training.movements.speaking import spoken_windows, train_speaking
from duygu.training.movements.tuning import tune
from duygu.training.onnx.face_api import Trunk
from duygu.training.run.command import note
from duygu.training.run.command import run as run_command

STILL_WEIGHT, VIDEO_WEIGHT = 1.0, 0.7
"""Weight of an example: the frames of a video resemble each other."""

POSE_PENALTY = 0.01


@dataclass(frozen=True, slots=True)
class Sources:
    """Makes the examples of each source, or reads those that an earlier run made."""

    run: Path
    landmarker: Path

    def videos(self, folder: Path) -> Examples:
        """The examples of the videos of a folder."""
        return self._kept(folder.name, lambda reference: video_examples(folder, reference_engine(), reference))

    def stills(self, path: Path) -> Examples:
        """The examples of the training part of a file of stills."""
        return self._kept(path.stem, lambda reference: still_examples(_pictures(path), reference))

    def _kept(self, name: str, make: Any) -> Examples:
        path = self.run / f"{name}.npz"
        if not path.exists():
            note(f"Making the examples of {name}")
            examples = make(FaceLandmarker(self.landmarker))
            examples.save(path)
        return Examples.load(path)


def _pictures(path: Path) -> Image:
    try:
        with np.load(path, allow_pickle=False) as stored:
            training = stored["ferplus_images"][stored["ferplus_usage"] == "Training"]
    except (OSError, KeyError, ValueError) as error:
        raise TrainingDataError(f"{path} is not a file of labelled stills") from error
    return np.asarray(np.random.default_rng(0).permutation(training), np.uint8)


def train_pose(examples: Examples) -> PoseModel:
    """The ridge regression of the pose on the geometry of the detector's landmarks."""
    angles = examples.targets[:, len(NAMES) : len(NAMES) + 3].astype(np.float64)
    mean, deviation = examples.geometry.mean(0), examples.geometry.std(0) + 1e-6
    scaled = ((examples.geometry - mean) / deviation).astype(np.float64)
    penalty = POSE_PENALTY * len(scaled) * np.eye(scaled.shape[1])
    slopes = np.linalg.solve(scaled.T @ scaled + penalty, scaled.T @ (angles - angles.mean(0)))
    weights = (slopes / deviation[:, np.newaxis]).T
    return PoseModel(weights=weights.tolist(), bias=(angles.mean(0) - weights @ mean).tolist())


def agreement(trunk: Trunk, head: Head, judged: dict[str, Examples]) -> dict[str, NDArray[np.float64]]:
    """Correlation of each movement over the windows of each data set, of processed crops with all of the reference."""
    found = {}
    for name, examples in judged.items():
        predicted = np.clip(head(trunk.maps(examples.crops))[:, : len(NAMES)], 0, 1)
        reference = examples.targets[:, : len(NAMES)]
        served = window_means(predicted, examples, CROPS)
        found[name] = correlations(served, window_means(reference, examples))
        by_frame = np.median(correlations(predicted, reference))
        note(f"{name}: median r {np.median(found[name]):.3f} over windows, {by_frame:.3f} over frames")
    return found


def person_of(name: str) -> str:
    """The person of a recording: what its name begins with."""
    return name.split("-")[0]


def train(sources: Sources, packages: Path, stills: Path, videos: Path, speech: Path, judge: Path, into: Path) -> None:
    """Train head and network, measure on the people of `speech` and `judge`, and write the model folder."""
    people, spoken, judged = sources.videos(videos), sources.videos(speech), sources.videos(judge)
    parts = [(sources.stills(stills), STILL_WEIGHT), (people, VIDEO_WEIGHT)]
    weights = face_api_weights(packages)
    weights, head = tune(weights, train_head(Trunk(weights), parts), parts)
    found = agreement(Trunk(weights), head, {judge.name: judged, speech.name: spoken})
    speaking = train_speaking(spoken_windows(spoken, speech, person_of))
    pose = train_pose(people)
    model = network_model(weights, head)
    correlated = {name: r.tolist() for name, r in found.items()}
    manifest = write_folder(into, model, correlated, _deviations(judged, spoken), pose, speaking)
    _report(manifest.offered, judged, pose, speaking.auc)


def _deviations(*judged: Examples) -> list[float]:
    """Standard deviation of each movement of the reference over the windows of all sets."""
    means = [window_means(examples.targets[:, : len(NAMES)], examples) for examples in judged]
    deviations: list[float] = np.concatenate(means).std(0).tolist()
    return deviations


def _report(offered: tuple[int, ...], judged: Examples, pose: PoseModel, auc: float) -> None:
    angles = judged.geometry @ np.array(pose.weights).T + pose.bias
    reference = judged.targets[:, len(NAMES) : len(NAMES) + 3]
    agreed = ", ".join(f"{r:.2f}" for r in correlations(angles.astype(np.float32), reference))
    print(f"{len(offered)} movements reported; r of yaw, pitch, roll: {agreed}; AUC of speaking: {auc:.3f}")  # noqa: T201


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m training.movements", description=__doc__)
    parser.add_argument("run", type=Path, help="folder of the run")
    parser.add_argument("--landmarker", type=Path, required=True, help="MediaPipe's face_landmarker.task")
    parser.add_argument("--packages", type=Path, required=True, help="folder with the package of face-api")
    parser.add_argument("--stills", type=Path, required=True, help="file of labelled stills (.npz)")
    parser.add_argument("--videos", type=Path, required=True, help="folder of videos to train on")
    parser.add_argument("--speech", type=Path, required=True, help="folder of videos with sound, PERSON-….mp4")
    parser.add_argument("--judge", type=Path, required=True, help="folder of videos of people not in training")
    parser.add_argument("--into", type=Path, default=Path("models/movements"), help="model folder to write")
    given = parser.parse_args()
    given.run.mkdir(parents=True, exist_ok=True)
    sources = Sources(given.run, given.landmarker)
    train(sources, given.packages, given.stills, given.videos, given.speech, given.judge, given.into)


if __name__ == "__main__":
    run_command(main)
