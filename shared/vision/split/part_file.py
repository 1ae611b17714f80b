"""The file of an analysed part: tracks, positions, windows and the crops of deferred faces, written as they come.

The format is a zip of plain arrays and one JSON text. It contains no executable code.
"""

import json
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

import numpy as np

from duygu.shared.vision.classify.clips import Crop
from duygu.shared.vision.columns import Array, pack, unpack
from duygu.shared.vision.results import FacePosition, WindowLogits
from duygu.shared.vision.split.clip_log import Addition
from duygu.shared.vision.split.unjoinable import UnjoinableError

VERSION = 1

CHUNK = 256
"""Records that are written together. Memory does not grow with the length of a part."""

HEADER = "part.json"

BEFORE, POSITIONS, WINDOWS = "before", "positions", "windows"
BUILDERS, ADDITIONS, CROPS = "builders", "additions", "crops"

DAMAGE = (KeyError, TypeError, ValueError, OSError, EOFError, struct.error, zipfile.BadZipFile, zlib.error)
"""Exceptions that can occur when reading bytes that `PartWriter` did not write, or that another version wrote."""

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class BuilderState:
    """State of a ClipBuilder at the end of a part, besides its crops."""

    crops: int
    due: int
    made: int
    stride: int


@dataclass(frozen=True, slots=True)
class PartTrack:
    """One track of a part."""

    face_id: int  # within the part
    key: int
    deferred: bool  # whether it began before the part
    alive: bool  # whether it goes on after the part
    confirmed_s: float | None
    builder: BuilderState | None  # of an alive track that is not deferred


@dataclass(frozen=True, slots=True)
class PartVideo:
    """What a part found out about its video."""

    duration_s: float
    width: int
    height: int
    rotation: int
    frames_decoded: int  # of the part alone
    frames_analysed: int
    first_frame_s: float
    warnings: list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class PartHeader:
    """What a part consists of."""

    number: int
    owned_from_s: float  # time of the first frame of the part after its warm-up
    origin: str  # fingerprint of model and options
    video: PartVideo
    tracks: list[PartTrack]

    @classmethod
    def read(cls, text: bytes) -> Self:
        """The inverse of the JSON text in a file. Raises ValueError, KeyError or TypeError."""
        values = json.loads(text)
        if values.pop("version") != VERSION:
            raise ValueError("the part was written by another version")
        video = values.pop("video")
        video["warnings"] = [(code, detail) for code, detail in video["warnings"]]
        tracks = [_track(track) for track in values.pop("tracks")]
        return cls(**values, video=PartVideo(**video), tracks=tracks)


def _track(values: dict[str, Any]) -> PartTrack:
    builder = values.pop("builder")
    return PartTrack(**values, builder=builder and BuilderState(**builder))


class RecordWriter(Generic[R]):
    """Writes records of one dataclass to an archive, in chunks."""

    def __init__(self, archive: zipfile.ZipFile, name: str, kind: type[R]) -> None:
        self._archive, self._name, self._kind = archive, name, kind
        self._waiting: list[R] = []
        self._chunks = 0

    def add(self, record: R) -> None:
        """Add a record."""
        self._waiting.append(record)
        if len(self._waiting) >= CHUNK:
            self.flush()

    def flush(self) -> None:
        """Write the records that wait."""
        if not self._waiting:
            return
        for column, values in pack(self._waiting, self._kind).items():
            with self._archive.open(f"{self._name}/{self._chunks:05}/{column}", "w") as file:
                np.lib.format.write_array(file, values, allow_pickle=False)
        self._waiting, self._chunks = [], self._chunks + 1


class PartWriter:
    """Writes the file of a part."""

    def __init__(self, path: Path) -> None:
        self._resources = ExitStack()
        self._archive = self._resources.enter_context(zipfile.ZipFile(path, "w"))
        self.before = RecordWriter(self._archive, BEFORE, FacePosition)
        self.positions = RecordWriter(self._archive, POSITIONS, FacePosition)
        self.windows = RecordWriter(self._archive, WINDOWS, WindowLogits)
        self.builders = RecordWriter(self._archive, BUILDERS, Crop)
        self._additions = RecordWriter(self._archive, ADDITIONS, Addition)
        self._crops = RecordWriter(self._archive, CROPS, Crop)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._resources.close()

    def log(self, addition: Addition, crop: Crop) -> None:
        """Add a crop of a deferred face."""
        self._additions.add(addition)
        self._crops.add(crop)

    def finish(self, header: PartHeader) -> None:
        """Write what waits, and the header."""
        for records in (self.before, self.positions, self.windows, self.builders, self._additions, self._crops):
            records.flush()
        self._archive.writestr(HEADER, json.dumps({"version": VERSION, **asdict(header)}))


class PartFile:
    """A part that has been analysed. Reading a damaged one raises UnjoinableError."""

    def __init__(self, path: Path) -> None:
        """Open a file and read its header."""
        with ExitStack() as stack:
            try:
                self._archive = stack.enter_context(zipfile.ZipFile(path))
                self.header = PartHeader.read(self._archive.read(HEADER))
            except DAMAGE as error:
                raise UnjoinableError("the file of a part is damaged") from error
            self._resources = stack.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._resources.close()

    def before(self) -> Iterator[FacePosition]:
        """Positions of deferred faces before the part."""
        return self._records(BEFORE, FacePosition)

    def positions(self) -> Iterator[FacePosition]:
        """Positions in the part."""
        return self._records(POSITIONS, FacePosition)

    def windows(self) -> Iterator[WindowLogits]:
        """Windows of the faces that are not deferred."""
        return self._records(WINDOWS, WindowLogits)

    def builders(self) -> Iterator[Crop]:
        """The crops of the builders, in the order of the tracks."""
        return self._records(BUILDERS, Crop)

    def log(self) -> Iterator[tuple[Addition, Crop]]:
        """The crops of deferred faces in the part, in order of time."""
        return zip(self._records(ADDITIONS, Addition), self._records(CROPS, Crop), strict=True)

    def _records(self, name: str, kind: type[R]) -> Iterator[R]:
        chunks: dict[str, list[str]] = {}
        for entry in self._archive.namelist():
            if entry.startswith(f"{name}/"):
                chunks.setdefault(entry.split("/")[1], []).append(entry)
        for entries in chunks.values():
            yield from self._unpacked(entries, kind)

    def _unpacked(self, entries: list[str], kind: type[R]) -> list[R]:
        try:
            return unpack({entry.rpartition("/")[2]: self._array(entry) for entry in entries}, kind)
        except DAMAGE as error:
            raise UnjoinableError("the file of a part is damaged") from error

    def _array(self, entry: str) -> Array:
        with self._archive.open(entry) as file:
            return np.lib.format.read_array(file, allow_pickle=False)
