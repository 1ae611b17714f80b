"""Where recordings come from: a manifest CSV, a data set as its authors lay it out, or folders subject/emotion."""

import csv
import re
from collections.abc import Iterator
from pathlib import Path

from duygu.shared.errors import TrainingDataError, one_line
from duygu.shared.schemas import EMOTIONS
from duygu.training.data.frames import PICTURES, VIDEOS, ends_with
from duygu.training.data.layouts import LAYOUTS, Recording

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

PARTS = re.compile(
    r"(pre)?train(ing|ed)?|(public|private)?_?test(ing|s)?|val(id|idation|s)?|development|eval(uation)?|holdout"
    r"|(fold|split|part)[ _-]?\d*|(train|test|val)[ _-]?(set|data|images|videos)?",
    re.IGNORECASE,
)
"""Folders that data sets are divided into, whose names are none of people."""

UNLABELLED = "contempt"
"""What data sets also know, and no recipe has a label for; such recordings are left out."""


def read_recordings(source: Path) -> list[Recording]:
    """All recordings of a source, whichever of the kinds it is.

    Raises TrainingDataError when there are none or one is gone, when a label is none of ours, when a manifest is not
    as documented, when folders do not name people and emotions, or when a data set lies among recordings that it does
    not know.
    """
    if source.is_file():
        found = list(_from_manifest(source))
    elif source.is_dir():
        found = _as_laid_out(source) or list(_from_folders(source))
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
    known: set[Path] = set()
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:  # spreadsheets begin UTF-8 with a mark
            rows = csv.DictReader(file)
            rows.fieldnames = [name.strip() for name in rows.fieldnames or ()]
            if not set(rows.fieldnames) >= COLUMNS:
                raise TrainingDataError(f"{path} needs the columns path, subject and emotion")
            for row in rows:
                yield _of_row(row, path, rows.line_num, known)
    except UnicodeDecodeError as error:
        raise TrainingDataError(f"{path} is not UTF-8; save it as UTF-8, or as CSV UTF-8") from error
    except csv.Error as error:
        raise TrainingDataError(f"{path} is no CSV: {error}") from error


def _of_row(row: dict[str, str | None], manifest: Path, line: int, known: set[Path]) -> Recording:
    """Raises TrainingDataError with the number of the line."""
    cells = {column: (row[column] or "").strip() for column in COLUMNS}
    try:
        if empty := sorted(column for column, cell in cells.items() if not cell):
            raise TrainingDataError(f"there is no {' and no '.join(empty)}")
        path = manifest.parent / cells["path"]
        resolved = _resolved(path)
        if resolved in known:
            raise TrainingDataError(f"{cells['path']} stands there already")
        known.add(resolved)
        return Recording(path, cells["subject"], emotion_of(cells["emotion"]))
    except TrainingDataError as error:
        raise TrainingDataError(f"line {line} of {manifest}: {error.detail}") from error


def _resolved(path: Path) -> Path:
    """Raises TrainingDataError for what is no path: it is too long, holds a null byte, or leads in a circle."""
    try:
        path.exists()  # which refuses more than `resolve` does
        return path.resolve()
    except (OSError, ValueError, RuntimeError) as error:
        raise TrainingDataError(f"the path cannot be used: {one_line(error)}") from error


def _as_laid_out(folder: Path) -> list[Recording]:
    """Those of the first data set that is recognised. Raises TrainingDataError when there are others beside them."""
    for layout in LAYOUTS:
        if not (found := list(layout.recordings(folder))):
            continue
        others = (path for path in _films(folder, "**/*") if not layout.owns(path.relative_to(folder)))
        if other := next(others, None):
            raise TrainingDataError(
                f"{folder} holds {layout.name}, and recordings that are none of it, {other} first: "
                "keep them apart, or name all of them in a CSV"
            )
        return found
    return []


def _from_folders(folder: Path) -> Iterator[Recording]:
    for path in _films(folder, "**/*"):
        inside = path.relative_to(folder)
        if len(inside.parts) < len(("subject", "emotion", "file")):
            raise TrainingDataError(f"{inside} does not lie in folders subject/emotion")
        subject, emotion, *_ = inside.parts
        if part := next((name for name in (subject, emotion) if PARTS.fullmatch(name)), None):
            raise TrainingDataError(
                f"the folder {part} of {inside} names a part of a data set, and no person or emotion; people have to "
                "be kept apart, so name the person of each recording, as subject/emotion/file or in a CSV "
                "(path,subject,emotion); where every picture shows another person, give each a subject of its own"
            )
        yield Recording(path, subject, emotion_of(emotion))


def passed_over(source: Path) -> list[Path]:
    """Files in folders subject/emotion whose names end neither as videos do nor as pictures; hidden ones aside."""
    if not source.is_dir() or _as_laid_out(source):
        return []
    files = (path for path in sorted(source.glob("*/*/**/*")) if path.is_file())
    return [path for path in files if not path.name.startswith(".") and not ends_with(path, VIDEOS | PICTURES)]


def _films(folder: Path, pattern: str) -> Iterator[Path]:
    """Videos and pictures in order."""
    return (path for path in sorted(folder.glob(pattern)) if ends_with(path, VIDEOS | PICTURES) and path.is_file())
