"""Makes clips of recordings, with the code that serves: `python -m training.prepare SOURCE CLIPS --recipe e3d48`."""

import argparse
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from rich.progress import track

from shared.config import Settings
from shared.errors import TrainingDataError, VideoError
from shared.schemas import ModelInfo
from shared.vision.analyzer import Analyzer, Step
from shared.vision.decoder import Video
from shared.vision.engine import Engine
from shared.vision.mtcnn import Mtcnn
from shared.vision.recipe import Recipe
from shared.vision.types import Detector, Floats, Image
from shared.vision.video import BATCH
from training.clipset import ClipSet, save_clips
from training.command import run as run_command
from training.recordings import Recording, read_recordings
from training.settings import load_recipe


class Collector:
    """Stands where the network stands and keeps the clips that reach it.

    Its recipe leaves pixels as they are, so that they come back to the byte.
    """

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = replace(recipe, normalisation="dataset", mean=0.0, deviation=1.0)
        self._kept: list[Image] = []

    def logits(self, clips: Floats) -> Floats:
        """Keep them and say nothing."""
        self._kept.extend(clips[..., 0].astype(np.uint8))
        return np.zeros((len(clips), len(self.recipe.labels)), np.float32)

    def take(self) -> list[Image]:
        """What was kept since the last time, each (frames, size, size)."""
        kept, self._kept = self._kept, []
        return kept


def clips_of(path: Path, detector: Detector, recipe: Recipe, settings: Settings) -> dict[int, list[Image]]:
    """Every clip of every face of a video, by face id. Raises VideoError for a file that gives no pictures."""
    collector = Collector(recipe)
    nobody = ModelInfo(name="", version="", sha256="", labels=list(recipe.labels))
    faces: dict[int, list[Image]] = {}
    with Video(path, settings, recipe.rate_hz) as video:
        analyzer = Analyzer(Engine(detector, collector, nobody), interval_s=video.interval_s, batch=BATCH)
        for step in _steps(analyzer, video):
            for answer, images in zip(step.answers, collector.take(), strict=True):
                faces.setdefault(answer.face_id, []).append(images)
    return faces


def _steps(analyzer: Analyzer, video: Video) -> Iterator[Step]:
    for frame in video:
        yield analyzer.push(frame)
    yield analyzer.finish()


def make_clips(recordings: Iterable[Recording], detector: Detector, recipe: Recipe, settings: Settings) -> ClipSet:
    """The clips of the face that is seen longest in each recording; what has no face or cannot be read is left out.

    Raises TrainingDataError when nothing is left.
    """
    images: list[Image] = []
    owners: list[Recording] = []
    for recording in recordings:
        clips = _main_face(recording, detector, recipe, settings)
        images += clips
        owners += [recording] * len(clips)
    if not images:
        raise TrainingDataError("no face was found in any of the recordings")
    return ClipSet(
        np.stack(images),
        np.array([recipe.labels.index(owner.emotion) for owner in owners], np.int64),
        np.array([owner.subject for owner in owners]),
        np.array([owner.path.as_posix() for owner in owners]),
    )


def _main_face(recording: Recording, detector: Detector, recipe: Recipe, settings: Settings) -> list[Image]:
    try:
        faces = clips_of(recording.path, detector, recipe, settings)
    except VideoError:
        return []
    return max(faces.values(), key=len, default=[])


def summary(clips: ClipSet, recordings: list[Recording], recipe: Recipe) -> str:
    """How many clips, of whom, with which emotions, and which recordings gave none."""
    counts = Counter(recipe.labels[label] for label in clips.labels)
    emotions = ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))
    used, people = set(clips.recordings.tolist()), len(np.unique(clips.subjects))
    lines = [f"{len(clips)} clips of {people} people in {len(used)} recordings: {emotions}"]
    unused = [recording.path.as_posix() for recording in recordings if recording.path.as_posix() not in used]
    return "\n".join(lines + [f"no face could be had of {path}" for path in unused])


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m training.prepare", description=__doc__)
    parser.add_argument("source", type=Path, help="folders subject/emotion/video, or a CSV: path, subject, emotion")
    parser.add_argument("clips", type=Path, help="file to write (.npz)")
    parser.add_argument("--recipe", default="e3d48", help="name, or path of a TOML file")
    arguments = parser.parse_args()
    recipe, settings = load_recipe(arguments.recipe).clip, Settings()
    detector = Mtcnn(settings.mtcnn, min_face=settings.min_face)
    recordings = read_recordings(arguments.source)
    clips = make_clips(track(recordings, description="Finding faces"), detector, recipe, settings)
    save_clips(clips, recipe, arguments.clips)
    print(summary(clips, recordings, recipe))  # noqa: T201 - what the command answers


if __name__ == "__main__":
    run_command(main)
