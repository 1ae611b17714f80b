"""Where recordings come from: a manifest CSV, a data set as its authors lay it out, or folders subject/emotion."""

import csv
from collections.abc import Iterator
from pathlib import Path

from shared.errors import TrainingDataError
from shared.schemas import EMOTIONS
from training.films import PICTURES
from training.layouts import LAYOUTS, Recording

VIDEOS = {".avi", ".flv", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".webm", ".wmv"}

COLUMNS = {"path", "subject", "emotion"}

OTHER_WORDS = {
    "angry": "anger",
    "disgusted": "disgust",
    "fearful": "fear",
    "afraid": "fear",
    "happy": "happiness",
    "joy": "happiness",
    "sad": "sadness",
    "surprised": "surprise",
    "calm": "neutral",
}
"""What other data sets call the seven labels."""

UNLABELLED = "contempt"
"""What data sets also know, and no recipe has a label for; such recordings are left out."""


def read_recordings(source: Path) -> list[Recording]:
    """All recordings of a source, whichever of the kinds it is.

    Raises TrainingDataError when there are none or one is gone, when a label is none of ours, or when a manifest is not
    as documented.
    """
    if source.is_file():
        found = list(_from_manifest(source))
    elif source.is_dir():
        layouts = (*LAYOUTS, _from_folders)
        found = next(filter(None, (list(layout(source)) for layout in layouts)), [])
    else:
        raise TrainingDataError(f"there is nothing at {source}")
    if not found:
        raise TrainingDataError(f"there are no recordings in {source}")
    if gone := [recording.path for recording in found if not recording.path.exists()]:
        raise TrainingDataError(f"{len(gone)} recordings are not there, {gone[0]} first")
    return found


def emotion_of(word: str) -> str:
    """One of our labels for what somebody wrote. Raises TrainingDataError when it is none."""
    lower = word.strip().lower()
    emotion = OTHER_WORDS.get(lower, lower)
    if emotion not in (*EMOTIONS, UNLABELLED):
        raise TrainingDataError(f"{word!r} is none of the labels {', '.join(EMOTIONS)}")
    return emotion


def _from_manifest(path: Path) -> Iterator[Recording]:
    """A CSV with a header; paths are relative to the file."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = csv.DictReader(file)
        if not set(rows.fieldnames or ()) >= COLUMNS:
            raise TrainingDataError(f"{path} needs the columns path, subject and emotion")
        for row in rows:
            yield Recording(path.parent / row["path"], row["subject"], emotion_of(row["emotion"]))


def _from_folders(folder: Path) -> Iterator[Recording]:
    for path in sorted(folder.glob("*/*/**/*")):
        if path.suffix.lower() in VIDEOS | PICTURES:
            subject, emotion, *_ = path.relative_to(folder).parts
            yield Recording(path, subject, emotion_of(emotion))
