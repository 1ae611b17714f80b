"""Where recordings come from: folders subject/emotion/**/video, a manifest CSV, or the files of the Javanese corpus."""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from shared.errors import TrainingDataError
from shared.schemas import EMOTIONS

SUFFIXES = {".avi", ".flv", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".webm", ".wmv"}

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

JAVANESE_NAME = re.compile(r"(?P<actor>\d\d)-\d\d-(?P<emotion>\d\d)_\d\d\.mp4")
JAVANESE_EMOTIONS = {
    "01": "neutral",
    "02": "sadness",
    "03": "happiness",
    "04": "surprise",
    "05": "fear",
    "06": "anger",
}
"""2black0/video-emotion-recognition-javanese: ACTOR-SENTENCE-EMOTION_TAKE.mp4."""


@dataclass(frozen=True, slots=True)
class Recording:
    """One video of one person with one emotion."""

    path: Path
    subject: str
    emotion: str


def read_recordings(source: Path) -> list[Recording]:
    """All recordings of a source, whichever of the three kinds it is.

    Raises TrainingDataError when there are none or one is gone, when a label is none of ours, or when a manifest is not
    as documented.
    """
    if source.is_file():
        found = list(_from_manifest(source))
    elif source.is_dir():
        found = list(_from_names(source)) or list(_from_folders(source))
    else:
        raise TrainingDataError(f"there is nothing at {source}")
    if not found:
        raise TrainingDataError(f"there are no recordings in {source}")
    if gone := [recording.path for recording in found if not recording.path.is_file()]:
        raise TrainingDataError(f"{len(gone)} recordings are not there, {gone[0]} first")
    return found


def emotion_of(word: str) -> str:
    """One of our labels for what somebody wrote. Raises TrainingDataError when it is none."""
    lower = word.strip().lower()
    emotion = OTHER_WORDS.get(lower, lower)
    if emotion not in EMOTIONS:
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
        if path.suffix.lower() in SUFFIXES:
            subject, emotion, *_ = path.relative_to(folder).parts
            yield Recording(path, subject, emotion_of(emotion))


def _from_names(folder: Path) -> Iterator[Recording]:
    for path in sorted(folder.glob("*.mp4")):
        if match := JAVANESE_NAME.fullmatch(path.name):
            yield Recording(path, match["actor"], JAVANESE_EMOTIONS[match["emotion"]])
