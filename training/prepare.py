"""Makes clips of recordings, with the code that serves: `python -m training.prepare SOURCE CLIPS --recipe e3d48`."""

import argparse
import logging
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from rich.progress import track

from duygu.shared.config import Settings
from duygu.shared.errors import TrainingDataError, VideoError, one_line
from duygu.shared.model.recipe import Recipe
from duygu.shared.schemas import ModelInfo
from duygu.shared.telemetry.logs import set_up_logs
from duygu.shared.vision.analysis import BATCH
from duygu.shared.vision.analyzer import Analyzer, Step
from duygu.shared.vision.detect.mtcnn import Mtcnn
from duygu.shared.vision.engine import Engine
from duygu.shared.vision.types import Detector, Floats, Image
from duygu.training.command import run as run_command
from duygu.training.command import tell
from duygu.training.data.clipset import ClipSet, ClipWriter, load_clips
from duygu.training.data.frames import Film, PictureFilm, open_film
from duygu.training.data.layouts import Recording
from duygu.training.data.recordings import passed_over, read_recordings
from duygu.training.settings import load_recipe

logger = logging.getLogger(__name__)


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
        engine = Engine(detector, collector, nobody, settings.max_faces)
        analyzer = Analyzer(engine, interval_s=film.interval_s, batch=BATCH)
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


@dataclass(slots=True)
class Tally:
    """What became of recordings, without the clips."""

    clips: Counter[str] = field(default_factory=Counter)  # by emotion
    people: set[str] = field(default_factory=set)
    recordings: int = 0  # that gave clips
    left_out: list[tuple[Recording, str]] = field(default_factory=list)  # those that gave none, with the reason
    failed: int = 0  # of those, the ones with an error that nobody expects

    def count(self, recording: Recording, clips: int) -> None:
        """A recording that gave clips."""
        self.clips[recording.emotion] += clips
        self.people.add(recording.subject)
        self.recordings += 1

    def lines(self) -> Iterator[str]:
        """How many clips, of whom, with which emotions, and which recordings gave none."""
        emotions = ", ".join(f"{count} {name}" for name, count in sorted(self.clips.items()))
        people = len(self.people)
        yield f"{self.clips.total()} clips of {people} people in {self.recordings} recordings: {emotions}"
        yield from _told(self.left_out)


@dataclass(frozen=True, slots=True)
class Prepared:
    """Clips, and what became of the recordings."""

    clips: ClipSet
    tally: Tally

    @property
    def left_out(self) -> list[tuple[Recording, str]]:
        """The recordings that gave no clips, with the reason."""
        return self.tally.left_out


def make_clips(recordings: Iterable[Recording], detector: Detector, recipe: Recipe, settings: Settings) -> Prepared:
    """The clips of the face that is seen longest in each recording, in memory.

    Raises TrainingDataError when there are none.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clips.npz"
        tally = write_clips(recordings, detector, recipe, settings, path)
        return Prepared(load_clips(path, recipe), tally)


def write_clips(
    recordings: Iterable[Recording], detector: Detector, recipe: Recipe, settings: Settings, path: Path
) -> Tally:
    """Write the clips of the face that is seen longest in each recording to a file (.npz).

    Memory does not grow with the number of clips. A recording that gives none, for whatever reason, costs no other.

    Raises TrainingDataError when there are none at all; a file that was there before is then left as it was.
    """
    tally = Tally()
    with ClipWriter(path, recipe) as writer:
        for recording in recordings:
            if clips := _clips_or_reason(recording, detector, recipe, settings, tally):
                label = recipe.labels.index(recording.emotion)
                writer.add(clips, label, recording.subject, recording.path.as_posix())
                tally.count(recording, len(clips))
        if not tally.recordings:
            raise TrainingDataError("; ".join(["no recording gives a clip", *_told(tally.left_out)]))
    return tally


def _clips_or_reason(
    recording: Recording, detector: Detector, recipe: Recipe, settings: Settings, tally: Tally
) -> list[Image]:
    """The clips of a recording; nothing where it has none, and the reason in the tally."""
    try:
        return _main_face(recording, detector, recipe, settings)
    except (TrainingDataError, VideoError) as error:
        tally.left_out.append((recording, error.detail or error.title))
    except Exception as error:  # the other recordings are not lost through an error in one
        logger.debug("unexpected error in %s", recording.path, exc_info=True)
        tally.left_out.append((recording, f"unexpected error: {one_line(error)}"))
        tally.failed += 1
    return []


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
        yield f"{count} left out ({reason}): {_listed(paths, shown)}"


def _listed(paths: list[str], shown: int = 10) -> str:
    return f"{', '.join(paths[:shown])}{', ...' if len(paths) > shown else ''}"


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
    set_up_logs(settings.log_format, settings.log_level)
    detector = Mtcnn(settings.mtcnn, min_face=settings.min_face, max_faces=settings.max_faces)
    recordings = read_recordings(arguments.source)
    if unknown := [path.as_posix() for path in passed_over(arguments.source)]:
        tell(f"{len(unknown)} files end neither as videos do nor as pictures, and are left out: {_listed(unknown)}")
    counted = track(recordings, description="Finding faces")
    tally = write_clips(counted, detector, recipe, settings, arguments.clips)
    print("\n".join(tally.lines()))  # noqa: T201 - what the command answers
    if tally.failed:
        raise SystemExit(1)


if __name__ == "__main__":
    run_command(main)
