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


SECOND_CROPS, SECOND_COUNTS = "second_crops", "second_counts"
"""Arrays of the crops for a second trunk: of all clips in their order, and how many each clip has."""


@dataclass(frozen=True, slots=True)
class SecondCrops:
    """The crops of N clips that a second trunk processes; their number differs between clips."""

    crops: Image  # (M, size, size) uint8 grey
    counts: Integers  # (N,); they sum to M

    def take(self, chosen: npt.NDArray[np.bool_] | Integers) -> "SecondCrops":
        """Those of the clips that a mask or an array of indices selects."""
        counts = self.counts[chosen]
        begins = (np.cumsum(self.counts) - self.counts)[chosen]
        places = [np.arange(begin, begin + count) for begin, count in zip(begins, counts, strict=True)]
        return SecondCrops(self.crops[np.concatenate(places) if places else []], counts)

    def split(self, values: npt.NDArray[Any]) -> list[npt.NDArray[Any]]:
        """Rows for the M crops, by clip."""
        return np.split(values, np.cumsum(self.counts)[:-1])


@dataclass(frozen=True, slots=True)
class ClipSet:
    """N clips cut by one recipe."""

    images: Image  # (N, frames, size, size) uint8 grey, not normalised
    labels: Integers  # (N,) index into the recipe's labels, or UNLABELLED
    subjects: Names  # (N,)
    recordings: Names  # (N,) clips of one recording overlap
    columns: Mapping[str, Names] = field(default_factory=dict)  # (N,) each: further columns of the manifest
    second: SecondCrops | None = None  # None in files of earlier versions, and of recordings without it

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, chosen: npt.NDArray[np.bool_] | Integers) -> "ClipSet":
        """The clips that a mask or an array of indices selects."""
        columns = {name: values[chosen] for name, values in self.columns.items()}
        images, labels, subjects, recordings = (getattr(self, name)[chosen] for name in ARRAYS)
        return ClipSet(images, labels, subjects, recordings, columns, self.second and self.second.take(chosen))


def save_clips(clips: ClipSet, recipe: Recipe, path: Path) -> None:
    """Write the clips and their recipe to a file (.npz)."""
    second = None if clips.second is None else clips.second.split(clips.second.crops)
    with ClipWriter(path, recipe) as writer:
        for place, image in enumerate(clips.images):
            columns = {name: str(values[place]) for name, values in clips.columns.items()}
            subject, recording = str(clips.subjects[place]), str(clips.recordings[place])
            writer.add(
                [image],
                int(clips.labels[place]),
                subject,
                recording,
                columns,
                None if second is None else [second[place]],
            )


def joined(parts: Sequence[ClipSet]) -> ClipSet:
    """The clips of several sets, which must be cut by the same recipe, without their further columns."""
    images, labels, subjects, recordings = (np.concatenate([getattr(part, name) for part in parts]) for name in ARRAYS)
    second = [part.second for part in parts if part.second is not None]
    crops, counts = ([getattr(part, name) for part in second] for name in ("crops", "counts"))
    both = SecondCrops(np.concatenate(crops), np.concatenate(counts)) if len(second) == len(parts) else None
    return ClipSet(images, labels, subjects, recordings, second=both)


@dataclass(frozen=True, slots=True)
class _Run:
    """Consecutive clips with the same label, person and recording."""

    count: int
    label: int
    subject: str
    recording: str
    columns: Mapping[str, str]
    second: tuple[int, ...] | None  # numbers of crops for a second trunk; None where they were not cut


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
        self._second_side = 0

    def __enter__(self) -> Self:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._pixels: IO[bytes] = tempfile.TemporaryFile(dir=self.path.parent)
        self._second: IO[bytes] = tempfile.TemporaryFile(dir=self.path.parent)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._pixels, self._second:
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
        second: Sequence[Image] | None = None,
    ) -> None:
        """Add clips of one recording.

        images   each (frames, size, size) of the recipe
        label    index into the recipe's labels
        columns  further columns by name; empty in the recordings that lack one
        second   crops (n, side, side) of each clip for a second trunk, of the same side in all clips
        """
        for image in images:
            if image.shape != self._shape:
                raise ValueError(f"invalid clip: shape {image.shape} instead of {self._shape}")
            self._pixels.write(np.ascontiguousarray(image, np.uint8).data)
        counts = None if second is None else tuple(map(len, second))
        for crops in second or ():
            self._second_side = self._second_side or crops.shape[-1]
            if crops.shape[1:] != (self._second_side, self._second_side):
                raise ValueError(f"invalid crops: shape {crops.shape[1:]} instead of side {self._second_side}")
            self._second.write(np.ascontiguousarray(crops, np.uint8).data)
        self._runs.append(_Run(len(images), label, subject, recording, columns, counts))

    def _finish(self) -> None:
        with atomically(self.path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive:
            with _entry(archive, "recipe") as file:
                write_array(file, np.array(self._recipe.to_json()))
            with _entry(archive, "images") as file:
                _write_pixels(file, self._pixels, (len(self), *self._shape))
            self._write_column(archive, "labels", [run.label for run in self._runs])
            self._write_column(archive, "subjects", [run.subject for run in self._runs])
            self._write_column(archive, "recordings", [run.recording for run in self._runs])
            self._write_further_columns(archive)
            self._write_second(archive)

    def _write_second(self, archive: zipfile.ZipFile) -> None:
        """Write the crops for a second trunk, if all recordings have them."""
        counts = [run.second for run in self._runs if run.second is not None]
        if not counts or len(counts) < len(self._runs):
            return
        numbers = np.array([number for run in counts for number in run], np.int64)
        side = self._second_side
        with _entry(archive, SECOND_CROPS) as file:
            _write_pixels(file, self._second, (int(numbers.sum()), side, side))
        with _entry(archive, SECOND_COUNTS) as file:
            write_array(file, numbers)

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


def _write_pixels(file: IO[bytes], pixels: IO[bytes], shape: tuple[int, ...]) -> None:
    """Write an array of bytes that were collected in another file."""
    _write_header(file, np.dtype(np.uint8), shape)
    pixels.seek(0)
    shutil.copyfileobj(pixels, file, COPIED_BYTES)


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
            both = SECOND_CROPS in arrays.files and SECOND_COUNTS in arrays.files
            second = SecondCrops(arrays[SECOND_CROPS], arrays[SECOND_COUNTS]) if both else None
            clips = ClipSet(images, labels, subjects, recordings, columns, second)
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
    if clips.second is not None and not _is_consistent(clips.second, len(clips)):
        raise TrainingDataError(f"invalid clips: the crops for a second trunk in {path} do not fit the clips")
    if len(clips) and clips.labels.min() < least == 0 and clips.labels.max() == UNLABELLED:
        raise TrainingDataError(f"invalid clips: those in {path} have no labels")
    if len(clips) and not least <= clips.labels.min() <= clips.labels.max() < len(recipe.labels):
        raise TrainingDataError(f"invalid clips: {path} has labels beyond the {len(recipe.labels)} of the recipe")


def _is_consistent(second: SecondCrops, clips: int) -> bool:
    """Whether shapes and numbers of the crops for a second trunk fit the number of clips."""
    crops, counts = second.crops, second.counts
    if counts.shape != (clips,) or counts.dtype.kind not in "iu" or crops.ndim != 3 or crops.dtype != np.uint8:
        return False
    return crops.shape[1] == crops.shape[2] and bool((counts >= 0).all()) and int(counts.sum()) == len(crops)


def differing(one: Recipe, other: Recipe, names: tuple[str, ...]) -> str:
    """The settings among `names` that differ between two recipes, as text; empty when they are equal."""
    pairs = ((name, getattr(one, name), getattr(other, name)) for name in names)
    return ", ".join(f"{name} {mine} instead of {theirs}" for name, mine, theirs in pairs if mine != theirs)
