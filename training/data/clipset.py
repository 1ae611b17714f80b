"""Sets of labelled clips with their people and recordings, stored as one .npz file."""

import shutil
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import IO, Any, Self

import numpy as np
import numpy.typing as npt
from numpy.lib.format import dtype_to_descr, write_array, write_array_header_1_0

from duygu.shared.errors import TrainingDataError
from duygu.shared.model.recipe import Recipe
from duygu.shared.storage.atomic import atomically
from duygu.shared.vision.types import Image
from duygu.training.run.types import Integers, Names

CROP = ("size", "frames", "rate_hz", "margin", "align", "labels")
"""Settings of a recipe that determine the pixels and labels of a clip."""

INPUT = (*CROP, "stride", "normalisation")
"""Settings of a recipe that a network brings along when training starts from it."""


COPIED_BYTES = 1 << 20
"""Bytes copied at a time from the temporary file of pixels to the .npz."""


UNLABELLED = -1
"""Label of clips without one, as `training.prepare --unlabelled` writes them."""

UNREADABLE = (
    *(OSError, ValueError, KeyError, EOFError, MemoryError, NotImplementedError, RuntimeError),
    *(zipfile.BadZipFile, zlib.error, struct.error),
)
"""Exceptions of numpy and zipfile for a damaged .npz."""


ARRAYS = ("images", "labels", "subjects", "recordings")
"""Arrays of a file of clips, beside the further columns."""

COLUMN_NAMES = "column_names"
"""Array with the names of the further columns, which are the arrays column_0, column_1 and so on."""


@dataclass(frozen=True, slots=True)
class ClipSet:
    """N clips cut by one recipe."""

    images: Image  # (N, frames, size, size) uint8 grey, not normalised
    labels: Integers  # (N,) index into the recipe's labels, or UNLABELLED
    subjects: Names  # (N,)
    recordings: Names  # (N,) clips of one recording overlap
    columns: Mapping[str, Names] = field(default_factory=dict)  # (N,) each: further columns of the manifest

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, chosen: npt.NDArray[np.bool_] | Integers) -> "ClipSet":
        """The clips that a mask or an array of indices selects."""
        columns = {name: values[chosen] for name, values in self.columns.items()}
        images, labels, subjects, recordings = (getattr(self, name)[chosen] for name in ARRAYS)
        return ClipSet(images, labels, subjects, recordings, columns)


def save_clips(clips: ClipSet, recipe: Recipe, path: Path) -> None:
    """Write the clips and their recipe to a file (.npz)."""
    with ClipWriter(path, recipe) as writer:
        for place, image in enumerate(clips.images):
            columns = {name: str(values[place]) for name, values in clips.columns.items()}
            subject, recording = str(clips.subjects[place]), str(clips.recordings[place])
            writer.add([image], int(clips.labels[place]), subject, recording, columns)


def joined(parts: Sequence[ClipSet]) -> ClipSet:
    """The clips of several sets, which must be cut by the same recipe, without their further columns."""
    images, labels, subjects, recordings = (np.concatenate([getattr(part, name) for part in parts]) for name in ARRAYS)
    return ClipSet(images, labels, subjects, recordings)


@dataclass(frozen=True, slots=True)
class _Run:
    """Consecutive clips with the same label, person and recording."""

    count: int
    label: int
    subject: str
    recording: str
    columns: Mapping[str, str]


NO_COLUMNS: Mapping[str, str] = MappingProxyType({})


class ClipWriter:
    """Writes the file of `save_clips` clip by clip; memory does not grow with the pixels.

    Pixels are collected in an unnamed file beside the target, because an .npz stores their count before them. The
    target is replaced at the end of the `with` block, and remains unchanged when the block raises.
    """

    def __init__(self, path: Path, recipe: Recipe) -> None:
        """`path` of the file to write; as in numpy, .npz is appended where it is missing."""
        self.path = path if path.suffix == ".npz" else path.with_name(f"{path.name}.npz")
        self._recipe, self._shape = recipe, recipe.input_shape[:-1]
        self._runs: list[_Run] = []

    def __enter__(self) -> Self:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._pixels: IO[bytes] = tempfile.TemporaryFile(dir=self.path.parent)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._pixels:
            if error is None:
                self._finish()

    def __len__(self) -> int:
        return sum(run.count for run in self._runs)

    def add(
        self,
        images: Sequence[Image],
        label: int,
        subject: str,
        recording: str,
        columns: Mapping[str, str] = NO_COLUMNS,
    ) -> None:
        """Add clips of one recording.

        images   each (frames, size, size) of the recipe
        label    index into the recipe's labels
        columns  further columns by name; empty in the recordings that lack one
        """
        for image in images:
            if image.shape != self._shape:
                raise ValueError(f"invalid clip: shape {image.shape} instead of {self._shape}")
            self._pixels.write(np.ascontiguousarray(image, np.uint8).data)
        self._runs.append(_Run(len(images), label, subject, recording, columns))

    def _finish(self) -> None:
        with atomically(self.path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive:
            with _entry(archive, "recipe") as file:
                write_array(file, np.array(self._recipe.to_json()))
            with _entry(archive, "images") as file:
                _write_header(file, np.dtype(np.uint8), (len(self), *self._shape))
                self._pixels.seek(0)
                shutil.copyfileobj(self._pixels, file, COPIED_BYTES)
            self._write_column(archive, "labels", [run.label for run in self._runs])
            self._write_column(archive, "subjects", [run.subject for run in self._runs])
            self._write_column(archive, "recordings", [run.recording for run in self._runs])
            self._write_further_columns(archive)

    def _write_further_columns(self, archive: zipfile.ZipFile) -> None:
        names = list(dict.fromkeys(name for run in self._runs for name in run.columns))
        if not names:
            return
        with _entry(archive, COLUMN_NAMES) as file:
            write_array(file, np.array(names))
        for place, name in enumerate(names):
            self._write_column(archive, f"column_{place}", [run.columns.get(name, "") for run in self._runs])

    def _write_column(self, archive: zipfile.ZipFile, name: str, values: list[int] | list[str]) -> None:
        """Write the value of each run, repeated for its clips."""
        dtype = np.array(values or [0]).dtype
        with _entry(archive, name) as file:
            _write_header(file, dtype, (len(self),))
            for run, value in zip(self._runs, values, strict=True):
                file.write(np.full(run.count, value, dtype).tobytes())


def _entry(archive: zipfile.ZipFile, name: str) -> IO[bytes]:
    return archive.open(f"{name}.npy", "w", force_zip64=True)


def _write_header(file: IO[bytes], dtype: np.dtype[Any], shape: tuple[int, ...]) -> None:
    """Write the header of a .npy file."""
    header = {"descr": dtype_to_descr(dtype), "fortran_order": False, "shape": shape}
    write_array_header_1_0(file, header)


def load_clips(path: Path, recipe: Recipe, *, unlabelled: bool = False) -> ClipSet:
    """Read a file of clips.

    unlabelled  accept clips with the label UNLABELLED

    Raises TrainingDataError when the file is damaged, or when its recipe cuts other clips.
    """
    try:
        with path.open("rb") as file, np.load(file) as arrays:
            made_by = Recipe.from_json(str(arrays["recipe"]))
            names = arrays[COLUMN_NAMES].tolist() if COLUMN_NAMES in arrays.files else []
            columns = {str(name): arrays[f"column_{place}"] for place, name in enumerate(names)}
            images, labels, subjects, recordings = (arrays[name] for name in ARRAYS)
            clips = ClipSet(images, labels, subjects, recordings, columns)
    except UNREADABLE as error:
        raise TrainingDataError(f"{path} holds no clips: write the file with `python -m training.prepare`") from error
    if others := differing(made_by, recipe, CROP):
        raise TrainingDataError(f"the clips in {path} were cut by a recipe with {others}")
    _check(clips, recipe, path, UNLABELLED if unlabelled else 0)
    return clips


def _check(clips: ClipSet, recipe: Recipe, path: Path, least: int) -> None:
    """Raises TrainingDataError when shapes, lengths or labels are inconsistent."""
    if clips.images.ndim != 4 or clips.labels.ndim != 1 or clips.images.dtype != np.uint8:
        raise TrainingDataError(f"invalid clips: the arrays in {path} do not have the shapes of clips")
    if len({len(column) for column in (*(getattr(clips, name) for name in ARRAYS), *clips.columns.values())}) > 1:
        raise TrainingDataError(f"invalid clips: the arrays in {path} are not equally long")
    if len(clips) and clips.labels.min() < least == 0 and clips.labels.max() == UNLABELLED:
        raise TrainingDataError(f"invalid clips: those in {path} have no labels")
    if len(clips) and not least <= clips.labels.min() <= clips.labels.max() < len(recipe.labels):
        raise TrainingDataError(f"invalid clips: {path} has labels beyond the {len(recipe.labels)} of the recipe")


def differing(one: Recipe, other: Recipe, names: tuple[str, ...]) -> str:
    """The settings among `names` that differ between two recipes, as text; empty when they are equal."""
    pairs = ((name, getattr(one, name), getattr(other, name)) for name in names)
    return ", ".join(f"{name} {mine} instead of {theirs}" for name, mine, theirs in pairs if mine != theirs)
