"""The Keras file of a network, with its recipe and digests of the people who trained it as attributes."""

import json
from dataclasses import dataclass
from pathlib import Path

import h5py
import keras

from duygu.shared.errors import ModelError
from duygu.shared.model.recipe import Recipe
from duygu.training.run.folder import RunFolder

RECIPE_KEY = "recipe"
"""Attribute of the .h5, metadata property of the .onnx."""

PEOPLE_KEY = "people"
"""Attribute of the .h5: digests of the names of all people whose clips trained the network, or one it started from."""


@dataclass(frozen=True, slots=True)
class Network:
    """A Keras model, the recipe of its clips, and digests of the people who trained it."""

    model: keras.Model
    recipe: Recipe
    people: frozenset[str] = frozenset()

    @property
    def gives_probabilities(self) -> bool:
        """Whether the model ends in a softmax; otherwise it returns logits."""
        return getattr(self.model.layers[-1], "activation", None) is keras.activations.softmax


def save(network: Network, path: Path) -> None:
    """Write the file, or replace it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    network.model.save(path)
    set_recipe(path, network.recipe)
    with h5py.File(path, "a") as file:
        file.attrs[PEOPLE_KEY] = json.dumps(sorted(network.people))


def load(path: Path) -> Network:
    """Read what `save` wrote. Raises ModelError for a file that is missing or no Keras model."""
    try:
        with h5py.File(path) as file:
            recipe = Recipe.from_json(str(file.attrs.get(RECIPE_KEY, "")))
            people = frozenset(json.loads(str(file.attrs.get(PEOPLE_KEY, "[]"))))
        return Network(keras.models.load_model(path, compile=False), recipe, people)
    except OSError as error:
        raise ModelError(f"{path} is no Keras model") from error


def set_recipe(path: Path, recipe: Recipe) -> None:
    """Replace the recipe in the file; the network is unchanged."""
    with h5py.File(path, "a") as file:
        file.attrs[RECIPE_KEY] = recipe.to_json()


def load_initial(run: RunFolder) -> Network:
    """The network of a run before training on clips. Raises ModelError when there is none."""
    return load(run.initial_network if run.initial_network.exists() else run.network)


def initial_people(run: RunFolder) -> frozenset[str]:
    """Digests of the people who trained the network before the run's clips; none for one from random weights."""
    from_random_weights = run.split.exists() and not run.initial_network.exists()
    return frozenset() if from_random_weights else load_initial(run).people
