"""Finds recordings: in a CSV, in a published data set with its own layout, or in folders subject/emotion."""

import csv
import math
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from duygu.shared.errors import TrainingDataError, one_line
from duygu.shared.schemas.emotions import EMOTIONS
from duygu.shared.workbench.labels.label import SYNONYMS
from duygu.training.data.frames import PICTURES, VIDEOS, ends_with
from duygu.training.data.layouts import LAYOUTS, NO_LABEL, Recording, Stretch

COLUMNS = {"path", "subject", "emotion"}

STRETCH = ("start_s", "end_s")
"""Columns of a part of a video, in seconds."""

FACE = ("face_x", "face_y")
"""Columns of the centre of the face in the middle of the part, as shares of the width and height of the frame."""

PARTS = re.compile(
    r"(pre)?train(ing|ed)?|(public|private)?_?test(ing|s)?|val(id|idation|s)?|development|eval(uation)?|holdout"
    r"|(fold|split|part)[ _-]?\d*|(train|test|val)[ _-]?(set|data|images|videos)?",
    re.IGNORECASE,
)
"""Names of folders that are parts of a data set rather than people or emotions."""

Row = dict[str, str | None]
"""Cells of a manifest by column; None where a row is short."""

Listed = dict[Path, set[tuple[str, Stretch | None]]]
"""The subjects and parts of each file that rows have listed."""

UNLABELLED = "contempt"
"""A label of several data sets that no recipe has; `prepare` skips such recordings."""


def read_recordings(source: Path) -> list[Recording]:
    """All recordings of a source.

    source  a CSV with the columns path, subject and emotion, or a folder

    Raises TrainingDataError when the source holds no recordings or a recording is missing, for an unknown label, for
    an invalid CSV, for folders that do not name people and emotions, and for a folder that holds a data set and other
    recordings as well.
    """
    if source.is_file():
        found = _together(_from_manifest(source))
    elif source.is_dir():
        found = _as_laid_out(source) or list(_from_folders(source))
    else:
        raise TrainingDataError(f"{source} does not exist")
    if not found:
        raise TrainingDataError(f"{source} holds no recordings")
    if gone := [recording.path for recording in found if not recording.path.exists()]:
        raise TrainingDataError(f"{len(gone)} recordings do not exist, {gone[0]} first")
    return found


def _together(recordings: Iterable[Recording]) -> list[Recording]:
    """The parts of each video one after the other, so that it is decoded once; otherwise the order is kept."""
    found = list(recordings)
    order = {path: place for place, path in enumerate(dict.fromkeys(recording.path for recording in found))}
    return sorted(found, key=lambda recording: order[recording.path])


def read_unlabelled(folder: Path) -> list[Recording]:
    """All videos below a folder, without labels. Each is taken to show another person, who is named like the file.

    Raises TrainingDataError when there are none.
    """
    found = [path for path in _recording_files(folder, "**/*") if ends_with(path, VIDEOS)]
    if not found:
        raise TrainingDataError(f"{folder} holds no videos")
    return [Recording(path, path.stem, NO_LABEL) for path in found]


def emotion_of(word: str) -> str:
    """The label for a word or a synonym, in any case. Raises TrainingDataError for an unknown word."""
    lower = word.strip().lower()
    emotion = SYNONYMS.get(lower, lower)
    if emotion not in (*EMOTIONS, UNLABELLED):
        raise TrainingDataError(f"unknown label {word!r}: expected one of {', '.join(EMOTIONS)}")
    return emotion


def _from_manifest(path: Path) -> Iterator[Recording]:
    """A CSV with a header; paths are relative to the file."""
    known: Listed = {}
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:  # spreadsheets write a byte order mark
            rows = csv.DictReader(file)
            rows.fieldnames = [name.strip() for name in rows.fieldnames or ()]
            if not set(rows.fieldnames) >= COLUMNS:
                raise TrainingDataError(f"invalid CSV: {path} needs the columns path, subject and emotion")
            for row in rows:
                yield _of_row(row, path, rows.line_num, known)
    except UnicodeDecodeError as error:
        raise TrainingDataError(f"invalid CSV: {path} is not UTF-8; save it as UTF-8, or as CSV UTF-8") from error
    except csv.Error as error:
        raise TrainingDataError(f"invalid CSV: {path}: {error}") from error


def _of_row(row: Row, manifest: Path, line: int, known: Listed) -> Recording:
    """Raises TrainingDataError with the number of the line."""
    cells = {column: (row[column] or "").strip() for column in COLUMNS}
    try:
        if empty := sorted(column for column, cell in cells.items() if not cell):
            raise TrainingDataError(f"missing {' and '.join(empty)}")
        path = manifest.parent / cells["path"]
        stretch = _stretch(row)
        listed, key = known.setdefault(_resolved(path), set()), (cells["subject"], stretch)
        # A video is listed once as a whole, or with parts.
        if key in listed or (listed and stretch is None) or any(other is None for _, other in listed):
            raise TrainingDataError(f"{cells['path']} is listed twice")
        listed.add(key)
        return Recording(path, cells["subject"], emotion_of(cells["emotion"]), stretch, _further(row))
    except TrainingDataError as error:
        raise TrainingDataError(f"line {line} of {manifest}: {error.detail}") from error


def _stretch(row: Row) -> Stretch | None:
    """The part of the video; None for all of it. Raises TrainingDataError for invalid numbers."""
    start_s, end_s = (_number(row, name, math.inf) for name in STRETCH)
    x, y = (_number(row, name, 1.0) for name in FACE)
    if (start_s is None) != (end_s is None):
        raise TrainingDataError("start_s and end_s must be given together")
    if start_s is None or end_s is None:
        return None
    if end_s <= start_s:
        raise TrainingDataError(f"end_s {end_s:g} is not above start_s {start_s:g}")
    return Stretch(start_s, end_s, None if x is None or y is None else (x, y))


def _number(row: Row, name: str, most: float) -> float | None:
    """A number from 0 to `most`; None for an empty cell."""
    cell = (row.get(name) or "").strip()
    if not cell:
        return None
    try:
        number = float(cell)
    except ValueError:
        number = math.nan
    if not 0 <= number <= most or number == math.inf:
        bound = " and at most 1" if most == 1 else ""
        raise TrainingDataError(f"{name} is {cell!r}, not a number of at least 0{bound}")
    return number


def _further(row: Row) -> tuple[tuple[str, str], ...]:
    """The columns that `prepare` keeps with the clips."""
    own = {*COLUMNS, *STRETCH, *FACE}
    return tuple((name, (cell or "").strip()) for name, cell in row.items() if name and name not in own)


def _resolved(path: Path) -> Path:
    """Raises TrainingDataError for an invalid path: too long, with a null byte, or a symbolic link to itself."""
    try:
        path.exists()  # raises for paths that `resolve` accepts
        return path.resolve()
    except (OSError, ValueError, RuntimeError) as error:
        raise TrainingDataError(f"invalid path: {one_line(error)}") from error


def _as_laid_out(folder: Path) -> list[Recording]:
    """Recordings of the first layout that matches. Raises TrainingDataError for other recordings beside them."""
    for layout in LAYOUTS:
        if not (found := list(layout.recordings(folder))):
            continue
        others = (path for path in _recording_files(folder, "**/*") if not layout.owns(path.relative_to(folder)))
        if other := next(others, None):
            raise TrainingDataError(
                f"{folder} holds {layout.name} and recordings that do not belong to it, {other} first: "
                "move them to another folder, or list all of them in a CSV"
            )
        return found
    return []


def _from_folders(folder: Path) -> Iterator[Recording]:
    for path in _recording_files(folder, "**/*"):
        inside = path.relative_to(folder)
        if len(inside.parts) < len(("subject", "emotion", "file")):
            raise TrainingDataError(f"{inside} is not in folders subject/emotion")
        subject, emotion, *_ = inside.parts
        if part := next((name for name in (subject, emotion) if PARTS.fullmatch(name)), None):
            raise TrainingDataError(
                f"the folder {part} of {inside} names a part of a data set, not a person or an emotion; splits are "
                "subject-independent, so name the person of each recording, as subject/emotion/file or in a CSV "
                "(path,subject,emotion); where every picture shows another person, give each picture its own subject"
            )
        yield Recording(path, subject, emotion_of(emotion))


def skipped_files(source: Path) -> list[Path]:
    """Files in folders subject/emotion with an unknown extension, except hidden files."""
    if not source.is_dir() or _as_laid_out(source):
        return []
    files = (path for path in sorted(source.glob("*/*/**/*")) if path.is_file())
    return [path for path in files if not path.name.startswith(".") and not ends_with(path, VIDEOS | PICTURES)]


def _recording_files(folder: Path, pattern: str) -> Iterator[Path]:
    """Videos and pictures in alphabetical order."""
    return (path for path in sorted(folder.glob(pattern)) if ends_with(path, VIDEOS | PICTURES) and path.is_file())
