"""The Keras file of a network, which carries its own recipe."""

from dataclasses import dataclass
from pathlib import Path

import h5py
import keras

from shared.errors import ModelError
from shared.vision.recipe import Recipe

RECIPE_KEY = "recipe"
"""Attribute of the .h5, metadata property of the .onnx."""


@dataclass(frozen=True, slots=True)
class Network:
    """A network and how its clips are made."""

    model: keras.Model
    recipe: Recipe

    @property
    def gives_probabilities(self) -> bool:
        """Whether it ends in a softmax, rather than in logits."""
        return getattr(self.model.layers[-1], "activation", None) is keras.activations.softmax


def save(network: Network, path: Path) -> None:
    """Write the file; what was there is replaced."""
    path.parent.mkdir(parents=True, exist_ok=True)
    network.model.save(path)
    set_recipe(path, network.recipe)


def load(path: Path) -> Network:
    """Read what `save` wrote. Raises ModelError when it is something else."""
    try:
        with h5py.File(path) as file:
            recipe = Recipe.from_json(str(file.attrs.get(RECIPE_KEY, "")))
        return Network(keras.models.load_model(path, compile=False), recipe)
    except OSError as error:
        raise ModelError(f"{path} is no Keras model") from error


def set_recipe(path: Path, recipe: Recipe) -> None:
    """Replace the recipe and leave the network as it is."""
    with h5py.File(path, "a") as file:
        file.attrs[RECIPE_KEY] = recipe.to_json()
