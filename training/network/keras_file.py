"""The Keras file of a network, which carries its own recipe, and by whom it was taught."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import h5py
import keras

from duygu.shared.errors import ModelError, SubjectLeakError
from duygu.shared.model.recipe import Recipe

RECIPE_KEY = "recipe"
"""Attribute of the .h5, metadata property of the .onnx."""

PEOPLE_KEY = "people"
"""Attribute of the .h5: digests of the names of all people whose clips taught it, or a network that it began with."""


@dataclass(frozen=True, slots=True)
class Network:
    """A network, how its clips are made, and whom it knows."""

    model: keras.Model
    recipe: Recipe
    people: frozenset[str] = frozenset()  # digests of names

    @property
    def gives_probabilities(self) -> bool:
        """Whether it ends in a softmax, rather than in logits."""
        return getattr(self.model.layers[-1], "activation", None) is keras.activations.softmax


def save(network: Network, path: Path) -> None:
    """Write the file; what was there is replaced."""
    path.parent.mkdir(parents=True, exist_ok=True)
    network.model.save(path)
    set_recipe(path, network.recipe)
    with h5py.File(path, "a") as file:
        file.attrs[PEOPLE_KEY] = json.dumps(sorted(network.people))


def load(path: Path) -> Network:
    """Read what `save` wrote. Raises ModelError when it is something else."""
    try:
        with h5py.File(path) as file:
            recipe = Recipe.from_json(str(file.attrs.get(RECIPE_KEY, "")))
            people = frozenset(json.loads(str(file.attrs.get(PEOPLE_KEY, "[]"))))
        return Network(keras.models.load_model(path, compile=False), recipe, people)
    except OSError as error:
        raise ModelError(f"{path} is no Keras model") from error


def set_recipe(path: Path, recipe: Recipe) -> None:
    """Replace the recipe and leave the network as it is."""
    with h5py.File(path, "a") as file:
        file.attrs[RECIPE_KEY] = recipe.to_json()


def digest(name: str) -> str:
    """A person's name as a model file may hold it: to be recognised, not to be read."""
    return hashlib.sha256(name.encode()).hexdigest()[:16]


def require_strangers(people: frozenset[str], subjects: Iterable[str]) -> None:
    """Raises SubjectLeakError when one of these is among the people (digests) whom a network knows."""
    if known := sorted(name for name in set(subjects) if digest(name) in people):
        raise SubjectLeakError(
            f"these people taught the network, or the one that it began with: {', '.join(known)}; "
            "give other people other names"
        )
