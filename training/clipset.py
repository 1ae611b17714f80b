"""Clips that training learns from, with whose they are; one .npz file."""

from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import numpy.typing as npt

from shared.errors import TrainingDataError
from shared.vision.recipe import Recipe
from shared.vision.types import Image
from training.metrics import Integers

Names = npt.NDArray[np.str_]

CROP = ("size", "frames", "rate_hz", "margin", "align", "labels")
"""Everything of a recipe that shows in a clip's pixels, or in what it is called."""

INPUT = (*CROP, "stride", "normalisation")
"""Everything of a recipe that a network which is begun with brings along."""


@dataclass(frozen=True, slots=True)
class ClipSet:
    """N clips, made by one recipe."""

    images: Image  # (N, frames, size, size) grey, not normalised
    labels: Integers  # (N,) index into the recipe's labels
    subjects: Names  # (N,)
    recordings: Names  # (N,) clips of one recording overlap

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, chosen: npt.NDArray[np.bool_] | Integers) -> "ClipSet":
        """Some of them, by mask or index."""
        return ClipSet(*(getattr(self, field.name)[chosen] for field in fields(self)))


def save_clips(clips: ClipSet, recipe: Recipe, path: Path) -> None:
    """Write the file, with the recipe."""
    path.parent.mkdir(parents=True, exist_ok=True)
    arrays = {field.name: getattr(clips, field.name) for field in fields(clips)}
    np.savez_compressed(path, recipe=np.array(recipe.to_json()), **arrays)


def load_clips(path: Path, recipe: Recipe) -> ClipSet:
    """Read what `save_clips` wrote. Raises TrainingDataError when it is something else, or of another recipe."""
    try:
        with np.load(path) as arrays:
            made_by = Recipe.from_json(str(arrays["recipe"]))
            clips = ClipSet(*(arrays[field.name] for field in fields(ClipSet)))
    except (OSError, ValueError, KeyError) as error:
        raise TrainingDataError(f"{path} holds no clips: `python -m training.prepare` makes them") from error
    if others := differing(made_by, recipe, CROP):
        raise TrainingDataError(f"the clips in {path} were made by a recipe with {others}")
    return clips


def differing(one: Recipe, other: Recipe, names: tuple[str, ...]) -> str:
    """What differs between two recipes, in words; nothing where they agree."""
    pairs = ((name, getattr(one, name), getattr(other, name)) for name in names)
    return ", ".join(f"{name} {mine} instead of {theirs}" for name, mine, theirs in pairs if mine != theirs)
