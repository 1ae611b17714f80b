"""Cuts clips from recordings with the engine of serving: `python -m training.prepare SOURCE CLIPS --recipe e3d48`."""

import argparse
import logging
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from pathlib import Path
from typing import ParamSpec, TypeVar

import numpy as np
from rich.progress import track

from duygu.shared.config.settings import Settings
from duygu.shared.errors import TrainingDataError, VideoError, one_line
from duygu.shared.model.recipe import Recipe
from duygu.shared.runtime.telemetry.logs import set_up_logs
from duygu.shared.schemas.model import ModelInfo
from duygu.shared.vision.analysis import BATCH
from duygu.shared.vision.analyzer import Analyzer, Step
from duygu.shared.vision.classify.second_trunk import CropPattern
from duygu.shared.vision.detect.mtcnn import Mtcnn
from duygu.shared.vision.engine import Engine
from duygu.shared.vision.types import Detector, Floats, Image
from duygu.training.data.clipset import UNLABELLED, ClipSet, ClipWriter, load_clips
from duygu.training.data.frames import FrameSource, PictureSequence, open_recording
from duygu.training.data.layouts import NO_LABEL, Recording, Stretch
from duygu.training.data.recordings import read_recordings, read_unlabelled, skipped_files
from duygu.training.data.second_crops import FACE_API_CROPS
from duygu.training.data.stretch_clips import CutClip, Size, StretchClips, Stretches
from duygu.training.run.command import note
from duygu.training.run.command import run as run_command
from duygu.training.run.settings import load_recipe

P = ParamSpec("P")
T = TypeVar("T")

logger = logging.getLogger(__name__)


class ClipCollector:
    """A classifier for the engine that stores the clips it receives, in place of classifying them.

    Its recipe does not change pixel values, so that clips are stored exactly as they were cut.
    """

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = replace(recipe, normalisation="dataset", mean=0.0, deviation=1.0)
        self._kept: list[Image] = []

    def logits(self, clips: Floats) -> Floats:
        """Store the clips; returns zeros, (N, labels)."""
        self._kept.extend(clips[..., 0].astype(np.uint8))
        return np.zeros((len(clips), len(self.recipe.labels)), np.float32)

    def take(self) -> list[Image]:
        """Return and clear the stored clips, each (frames, size, size) uint8."""
        kept, self._kept = self._kept, []
        return kept


def clips_of(path: Path, detector: Detector, recipe: Recipe, settings: Settings) -> dict[int, list[CutClip]]:
    """The clips of each face of a recording, by face id; a picture gives its first crop, repeated.

    Raises VideoError for a file that cannot be decoded.
    """
    faces: dict[int, list[CutClip]] = {}
    with open_recording(path, settings, recipe) as frames:
        still = isinstance(frames, PictureSequence) and frames.still
        for step, clips, _ in _cut(frames, detector, recipe, settings):
            for window, clip in zip(step.windows, clips, strict=True):
                faces.setdefault(window.face_id, []).append(_first_repeated(clip) if still else clip)
    return faces


def clips_of_stretches(
    path: Path, stretches: Sequence[Stretch], detector: Detector, recipe: Recipe, settings: Settings
) -> Stretches:
    """The clips in parts of a video. The video is analysed once, as a whole, as in serving.

    Raises VideoError for a file that cannot be decoded, and TrainingDataError for a picture.
    """
    found = Stretches(stretches)
    with open_recording(path, settings, recipe) as frames:
        if isinstance(frames, PictureSequence):
            raise TrainingDataError("start_s and end_s apply to videos, not to pictures")
        for step, clips, found.size in _cut(frames, detector, recipe, settings):
            for window, clip in zip(step.windows, clips, strict=True):
                for part in found.at((window.start_s + window.end_s) / 2):
                    part.add(window, clip)
            for position in step.positions:
                for part in found.at(position.time_s):
                    part.see(position)
    return found


def _first_repeated(clip: CutClip) -> CutClip:
    """The first crop, repeated: the box of a tracked face shifts slightly, which would appear as motion."""
    return CutClip(np.repeat(clip.images[:1], len(clip.images), axis=0), clip.second[:1])


def _cut(
    frames: FrameSource, detector: Detector, recipe: Recipe, settings: Settings
) -> Iterator[tuple[Step, list[CutClip], Size]]:
    """Analyse frames; yields each step with its clips, one per window, and the size of the frame."""
    collector = ClipCollector(recipe)
    no_model = ModelInfo(name="", version="", sha256="", labels=list(recipe.labels))
    pattern = CropPattern(FACE_API_CROPS)
    engine = Engine(
        detector,
        collector,
        no_model,
        settings.min_face,
        settings.max_faces,
        second_trunk=pattern,
        keeps_features=True,
    )
    analyzer, size = Analyzer(engine, interval_s=frames.interval_s, batch=BATCH), (0, 0)
    for frame in frames:
        size = frame.size
        step = analyzer.push(frame)
        yield step, _clips(step, collector.take()), size
    step = analyzer.finish()
    yield step, _clips(step, collector.take()), size


def _clips(step: Step, images: list[Image]) -> list[CutClip]:
    """The clips of the windows of a step, with their crops for a second trunk."""
    side = FACE_API_CROPS.size
    none = np.zeros((0, side * side), np.uint8)
    second = [none if window.second is None else window.second for window in step.windows]
    return [
        CutClip(clip, rows.astype(np.uint8).reshape(-1, side, side)) for clip, rows in zip(images, second, strict=True)
    ]


@dataclass(slots=True)
class PreparationSummary:
    """Counts of recordings and clips, and the recordings that were skipped."""

    clips: Counter[str] = field(default_factory=Counter)  # by emotion
    people: set[str] = field(default_factory=set)
    recordings: int = 0  # with clips
    skipped: list[tuple[Recording, str]] = field(default_factory=list)  # recordings without clips, with the reason
    failed: int = 0  # of those, the ones with an unexpected error

    def count(self, recording: Recording, clips: int) -> None:
        """Count a recording with its clips."""
        self.clips[recording.emotion] += clips
        self.people.add(recording.subject)
        self.recordings += 1

    def lines(self) -> Iterator[str]:
        """A summary: numbers of clips, people and recordings, clips by emotion, and skipped recordings by reason."""
        emotions = ", ".join(f"{count} {name or 'unlabelled'}" for name, count in sorted(self.clips.items()))
        people = len(self.people)
        yield f"{self.clips.total()} clips of {people} people in {self.recordings} recordings: {emotions}"
        yield from _skipped_lines(self.skipped)


@dataclass(frozen=True, slots=True)
class Prepared:
    """Clips with the summary of their recordings."""

    clips: ClipSet
    summary: PreparationSummary


def make_clips(recordings: Iterable[Recording], detector: Detector, recipe: Recipe, settings: Settings) -> Prepared:
    """Clips of the face with the longest track in each recording, in memory.

    Raises TrainingDataError when no recording has clips.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clips.npz"
        summary = write_clips(recordings, detector, recipe, settings, path)
        return Prepared(load_clips(path, recipe), summary)


def write_clips(
    recordings: Iterable[Recording], detector: Detector, recipe: Recipe, settings: Settings, path: Path
) -> PreparationSummary:
    """Write the clips of the face with the longest track in each recording to a file (.npz).

    Memory does not grow with the number of clips. A recording that fails is skipped.

    Raises TrainingDataError when no recording has clips; an existing file is then unchanged.
    """
    summary = PreparationSummary()
    with ClipWriter(path, recipe) as writer:
        for recording, clips in _clips_of_all(recordings, detector, recipe, settings, summary):
            label = recipe.labels.index(recording.emotion) if recording.emotion != NO_LABEL else UNLABELLED
            images, second = [clip.images for clip in clips], [clip.second for clip in clips]
            writer.add(images, label, recording.subject, recording.name, dict(recording.columns), second)
            summary.count(recording, len(clips))
        if not summary.recordings:
            raise TrainingDataError("; ".join(["no clips in any recording", *_skipped_lines(summary.skipped)]))
    return summary


def _clips_of_all(
    recordings: Iterable[Recording],
    detector: Detector,
    recipe: Recipe,
    settings: Settings,
    summary: PreparationSummary,
) -> Iterator[tuple[Recording, list[CutClip]]]:
    """The recordings with clips; the others, and why they have none, are added to the summary.

    Successive parts of a video are cut together.
    """
    for (path, in_part), group in groupby(recordings, lambda one: (one.path, one.stretch is not None)):
        own = list(group)
        if not in_part:
            for recording in own:
                if clips := _or_reason([recording], summary, _main_face, recording, detector, recipe, settings):
                    yield recording, clips
            continue
        parts = [recording.stretch for recording in own if recording.stretch]
        if not (found := _or_reason(own, summary, clips_of_stretches, path, parts, detector, recipe, settings)):
            continue
        for recording, part in zip(own, found.all, strict=True):
            if clips := _or_reason([recording], summary, _in_part, recording, part, found.size, recipe):
                yield recording, clips


def _or_reason(
    recordings: Sequence[Recording],
    summary: PreparationSummary,
    cut: Callable[P, T],
    *arguments: P.args,
    **more: P.kwargs,
) -> T | None:
    """What a function returns; if it fails, None and a reason for each recording in the summary."""
    try:
        return cut(*arguments, **more)
    except (TrainingDataError, VideoError) as error:
        reason = error.detail or error.title
    except Exception as error:  # one recording must not stop the others
        logger.debug("unexpected error in %s", recordings[0].path, exc_info=True)
        reason = f"unexpected error: {one_line(error)}"
        summary.failed += len(recordings)
    summary.skipped += ((recording, reason) for recording in recordings)
    return None


def _in_part(recording: Recording, part: StretchClips, size: Size, recipe: Recipe) -> list[CutClip]:
    _check_label(recording, recipe)
    return part.chosen(size)


def _check_label(recording: Recording, recipe: Recipe) -> None:
    if recording.emotion not in (*recipe.labels, NO_LABEL):
        raise TrainingDataError(f"the recipe has no label {recording.emotion}")


def _main_face(recording: Recording, detector: Detector, recipe: Recipe, settings: Settings) -> list[CutClip]:
    _check_label(recording, recipe)
    faces = clips_of(recording.path, detector, recipe, settings)
    if not faces:
        raise TrainingDataError("no face was found")
    return max(faces.values(), key=len)


def _skipped_lines(skipped: list[tuple[Recording, str]], shown: int = 10) -> Iterator[str]:
    """One line for each reason, with the number of skipped recordings and the first paths."""
    for reason, count in Counter(reason for _, reason in skipped).most_common():
        paths = [recording.name for recording, why in skipped if why == reason]
        yield f"{count} skipped ({reason}): {_listed(paths, shown)}"


def _listed(paths: list[str], shown: int = 10) -> str:
    return f"{', '.join(paths[:shown])}{', ...' if len(paths) > shown else ''}"


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m training.prepare", description=__doc__)
    parser.add_argument(
        "source",
        type=Path,
        help="folder subject/emotion/video, CSV (path, subject, emotion, optionally start_s, end_s, face_x, face_y and "
        "further columns), or folder of a known data set",
    )
    parser.add_argument("clips", type=Path, help="file of clips to write (.npz)")
    parser.add_argument("--recipe", default="e3d48", help="name of a recipe, or path of a TOML file")
    parser.add_argument(
        "--unlabelled", action="store_true", help="SOURCE is a folder of videos without labels, each of another person"
    )
    arguments = parser.parse_args()
    recipe, settings = load_recipe(arguments.recipe).clip, Settings()
    set_up_logs(settings.log_format, settings.log_level)
    detector = Mtcnn(settings.mtcnn, min_face=settings.min_face, max_faces=settings.max_faces)
    recordings = (read_unlabelled if arguments.unlabelled else read_recordings)(arguments.source)
    unknown = [] if arguments.unlabelled else [path.as_posix() for path in skipped_files(arguments.source)]
    if unknown:
        note(f"{len(unknown)} files skipped (unknown extension): {_listed(unknown)}")
    counted = track(recordings, description="Finding faces")
    summary = write_clips(counted, detector, recipe, settings, arguments.clips)
    print("\n".join(summary.lines()))  # noqa: T201 - the result of the command
    if summary.failed:
        raise SystemExit(1)


if __name__ == "__main__":
    run_command(main)
