"""Makes clips of recordings, with the code that serves: `python -m training.prepare SOURCE CLIPS --recipe e3d48`."""

import argparse
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from rich.progress import track

from shared.config import Settings
from shared.errors import TrainingDataError, VideoError
from shared.schemas import ModelInfo
from shared.vision.analyzer import Analyzer, Step
from shared.vision.engine import Engine
from shared.vision.mtcnn import Mtcnn
from shared.vision.recipe import Recipe
from shared.vision.types import Detector, Floats, Image
from shared.vision.video import BATCH
from training.clipset import ClipSet, save_clips
from training.command import run as run_command
from training.films import Film, PictureFilm, open_film
from training.layouts import Recording
from training.recordings import read_recordings
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
    """Every clip of every face of a recording, by face id; of one picture, the first crop all the time.

    Raises VideoError for a file that gives no pictures.
    """
    collector = Collector(recipe)
    nobody = ModelInfo(name="", version="", sha256="", labels=list(recipe.labels))
    faces: dict[int, list[Image]] = {}
    with open_film(path, settings, recipe) as film:
        analyzer = Analyzer(Engine(detector, collector, nobody), interval_s=film.interval_s, batch=BATCH)
        still = isinstance(film, PictureFilm) and film.still
        for step in _steps(analyzer, film):
            for answer, images in zip(step.answers, collector.take(), strict=True):
                faces.setdefault(answer.face_id, []).append(_standing_still(images) if still else images)
    return faces


def _standing_still(images: Image) -> Image:
    """The first crop, repeated: a box that is followed shifts a little, which would look like a face that moves."""
    return np.repeat(images[:1], len(images), axis=0)


def _steps(analyzer: Analyzer, film: Film) -> Iterator[Step]:
    for frame in film:
        yield analyzer.push(frame)
    yield analyzer.finish()


@dataclass(frozen=True, slots=True)
class Prepared:
    """Clips, and the recordings that gave none, with the reason."""

    clips: ClipSet
    left_out: list[tuple[Recording, str]]


def make_clips(recordings: Iterable[Recording], detector: Detector, recipe: Recipe, settings: Settings) -> Prepared:
    """The clips of the face that is seen longest in each recording.

    Raises TrainingDataError when there are none.
    """
    images: list[Image] = []
    owners: list[Recording] = []
    left_out: list[tuple[Recording, str]] = []
    for recording in recordings:
        try:
            clips = _main_face(recording, detector, recipe, settings)
        except (TrainingDataError, VideoError) as error:
            left_out.append((recording, error.detail or error.title))
            continue
        images += clips
        owners += [recording] * len(clips)
    if not images:
        raise TrainingDataError("; ".join(["no recording gives a clip", *_told(left_out)]))
    clips_of_all = ClipSet(
        np.stack(images),
        np.array([recipe.labels.index(owner.emotion) for owner in owners], np.int64),
        np.array([owner.subject for owner in owners]),
        np.array([owner.path.as_posix() for owner in owners]),
    )
    return Prepared(clips_of_all, left_out)


def _main_face(recording: Recording, detector: Detector, recipe: Recipe, settings: Settings) -> list[Image]:
    if recording.emotion not in recipe.labels:
        raise TrainingDataError(f"the recipe has no label for {recording.emotion}")
    faces = clips_of(recording.path, detector, recipe, settings)
    if not faces:
        raise TrainingDataError("no face was found")
    return max(faces.values(), key=len)


def _told(left_out: list[tuple[Recording, str]], shown: int = 10) -> Iterator[str]:
    """How many were left out for each reason, and the first of them."""
    for reason, count in Counter(reason for _, reason in left_out).most_common():
        paths = [recording.path.as_posix() for recording, why in left_out if why == reason]
        yield f"{count} left out ({reason}): {', '.join(paths[:shown])}{', ...' if count > shown else ''}"


def summary(prepared: Prepared, recipe: Recipe) -> str:
    """How many clips, of whom, with which emotions, and which recordings gave none."""
    clips = prepared.clips
    counts = Counter(recipe.labels[label] for label in clips.labels)
    emotions = ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))
    people, used = len(np.unique(clips.subjects)), len(np.unique(clips.recordings))
    lines = [f"{len(clips)} clips of {people} people in {used} recordings: {emotions}", *_told(prepared.left_out)]
    return "\n".join(lines)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m training.prepare", description=__doc__)
    parser.add_argument(
        "source", type=Path, help="folders subject/emotion/video, a CSV (path, subject, emotion), or a known data set"
    )
    parser.add_argument("clips", type=Path, help="file to write (.npz)")
    parser.add_argument("--recipe", default="e3d48", help="name, or path of a TOML file")
    arguments = parser.parse_args()
    recipe, settings = load_recipe(arguments.recipe).clip, Settings()
    detector = Mtcnn(settings.mtcnn, min_face=settings.min_face)
    recordings = read_recordings(arguments.source)
    prepared = make_clips(track(recordings, description="Finding faces"), detector, recipe, settings)
    save_clips(prepared.clips, recipe, arguments.clips)
    print(summary(prepared, recipe))  # noqa: T201 - what the command answers


if __name__ == "__main__":
    run_command(main)
