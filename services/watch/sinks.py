"""Where `duygu watch` writes: lines for people, NDJSON, CSV."""

import csv
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Protocol

from duygu.shared.live.messages import FrameResult
from duygu.shared.schemas.model import ModelInfo
from duygu.shared.schemas.result import Window


class OutputError(Exception):
    """An output cannot be written, such as on a full disk or to a pipe without a reader."""


class Sink(Protocol):
    """Receives what the cameras show. `opened` begins each session of a camera; `close` is the end of all."""

    def opened(self, camera: str, model: ModelInfo) -> None:
        """A session began."""
        ...

    def window(self, camera: str, face_id: int, window: Window, at: float) -> None:
        """A new window; `at` is the time of the frame that completed it, in seconds since 1970."""
        ...

    def frame(self, camera: str, message: FrameResult) -> None:
        """The faces of one frame."""
        ...

    def lost(self, camera: str) -> None:
        """The stream or the session was lost."""
        ...

    def close(self) -> None:
        """The end."""
        ...


class NoSink:
    """Ignores everything; base of the sinks that need some of it."""

    def opened(self, camera: str, model: ModelInfo) -> None:
        """Ignored."""

    def window(self, camera: str, face_id: int, window: Window, at: float) -> None:
        """Ignored."""

    def frame(self, camera: str, message: FrameResult) -> None:
        """Ignored."""

    def lost(self, camera: str) -> None:
        """Ignored."""

    def close(self) -> None:
        """Ignored."""


class Lines(NoSink):
    """A line for people at each change of a face's emotion; `uncertain` in place of a guess."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file
        self._shown: dict[tuple[str, int], str] = {}

    def window(self, camera: str, face_id: int, window: Window, at: float) -> None:
        """Print the emotion where it changes."""
        text = "uncertain" if window.uncertain else f"{window.emotion} {window.confidence:.0%}"
        emotion = "uncertain" if window.uncertain else window.emotion
        if self._shown.get((camera, face_id)) != emotion:
            self._shown[camera, face_id] = emotion
            self._file.write(f"{_clock()} {camera} {window.end_s:8.1f} s  face {face_id}: {text}\n")
            self._file.flush()


class NdjsonLines(NoSink):
    """One JSON object per window."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file

    def window(self, camera: str, face_id: int, window: Window, at: float) -> None:
        """Write a window."""
        values = window.model_dump(mode="json", exclude_none=True)
        self._file.write(json.dumps({"at": _utc(at), "camera": camera, "face_id": face_id, **values}) + "\n")
        self._file.flush()

    def close(self) -> None:
        """Close the file, unless it is stdout."""
        if self._file is not sys.stdout:
            self._file.close()


class CsvRows(NoSink):
    """One row per window, with a column per label."""

    def __init__(self, file: IO[str]) -> None:
        self._file, self._labels = file, list[str]()
        self._rows = csv.writer(file, lineterminator="\n")

    def opened(self, camera: str, model: ModelInfo) -> None:
        """Write the header before the first row."""
        if not self._labels:
            self._labels = list(model.labels)
            self._rows.writerow(
                ["at", "camera", "face_id", "start_s", "end_s", "emotion", "confidence", "uncertain", *self._labels]
            )

    def window(self, camera: str, face_id: int, window: Window, at: float) -> None:
        """Write a window."""
        head = [_utc(at), camera, face_id, window.start_s, window.end_s, window.emotion]
        tail = [window.confidence, str(window.uncertain).lower()]
        self._rows.writerow([*head, *tail, *(window.probabilities.get(label, "") for label in self._labels)])
        self._file.flush()

    def close(self) -> None:
        """Close the file, unless it is stdout."""
        if self._file is not sys.stdout:
            self._file.close()


def open_output(path: Path) -> IO[str]:
    """A file to write lines to; `-` is stdout. Raises OSError."""
    return sys.stdout if str(path) == "-" else path.open("w", encoding="utf-8", newline="")


def _utc(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")


def _clock() -> str:
    return datetime.now().astimezone().strftime("%H:%M:%S")
