"""How a network is trained: the TOML files in training/recipes, read into values."""

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from shared.errors import ConfigurationError
from shared.vision.recipe import Recipe

FOLDER = Path(__file__).parent / "recipes"

NetworkKind = Literal["flat", "inflated"]
Lesson = Literal["stills", "asked"]


@dataclass(frozen=True, slots=True)
class Cycle:
    """Epochs in which the learning rate falls from its highest to almost nothing (Loshchilov and Hutter 2017)."""

    epochs: int
    learning_rate: float
    of: Lesson = "stills"
    """Stills with the opinions that came with them, or altered ones about which public networks were asked anew."""


@dataclass(frozen=True, slots=True)
class StillsSettings:
    """How the trunk learns from stills."""

    cycles: tuple[Cycle, ...]
    batch: int
    weight_decay: float
    label_smoothing: float
    loss: dict[str, float]
    """How much each source of labels weighs in the loss."""
    answer: dict[str, float]
    """How much each source's head weighs in the answer."""
    answer_of: dict[str, dict[str, float]] = field(default_factory=dict)
    """The same for single labels that need another mix."""
    moving: dict[str, float] = field(default_factory=dict)
    """How much each source's head weighs in the answer about a face that moves; as for a still by default."""
    asked: int = 0
    """Pictures about which public networks are asked, where these are given."""
    loss_of: dict[Lesson, dict[str, float]] = field(default_factory=dict)
    """The loss of cycles that learn from these."""

    def shares(self, sources: tuple[str, ...], labels: tuple[str, ...]) -> npt.NDArray[np.float32]:
        """(sources, labels) how much each head weighs for each label; they sum to 1 over the sources."""
        return _shares(sources, [self.answer_of.get(label, self.answer) for label in labels])

    def moving_shares(self, sources: tuple[str, ...], labels: tuple[str, ...]) -> npt.NDArray[np.float32]:
        """The same for a face that moves."""
        return _shares(sources, [self.moving] * len(labels)) if self.moving else self.shares(sources, labels)


def _shares(sources: tuple[str, ...], mixes: list[dict[str, float]]) -> npt.NDArray[np.float32]:
    weights = np.array([[mix.get(source, 0.0) for mix in mixes] for source in sources], np.float32)
    return np.asarray(weights / weights.sum(axis=0), np.float32)


@dataclass(frozen=True, slots=True)
class ClipsSettings:
    """How the network learns from clips."""

    epochs: int
    batch: int
    learning_rate: float
    patience: int
    """Epochs without a better validation loss after which training stops."""
    frozen: tuple[str, ...] = ()
    """Beginnings of the names of layers that stay as they are."""


@dataclass(frozen=True, slots=True)
class TrainingRecipe:
    """One file of training/recipes."""

    clip: Recipe
    network: NetworkKind
    stills: StillsSettings | None = None
    clips: ClipsSettings | None = None


def load_recipe(name: str) -> TrainingRecipe:
    """Read a recipe by name, or by the path of a TOML file. Raises ConfigurationError when it cannot be read."""
    path = Path(name) if name.endswith(".toml") else FOLDER / f"{name}.toml"
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        known = ", ".join(sorted(file.stem for file in FOLDER.glob("*.toml")))
        raise ConfigurationError(f"there is no recipe {name}; there are {known}") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"the recipe {name} is not TOML: {error}") from error
    return _recipe(name, values)


def _recipe(name: str, values: dict[str, Any]) -> TrainingRecipe:
    stills, clips = values.get("stills"), values.get("clips")
    try:
        return TrainingRecipe(
            clip=_clip(values["clip"]),
            network=values["network"],
            stills=_stills(stills) if stills else None,
            clips=ClipsSettings(**{**clips, "frozen": tuple(clips.get("frozen", ()))}) if clips else None,
        )
    except (KeyError, TypeError) as error:
        raise ConfigurationError(f"the recipe {name} is incomplete or has a setting that nothing knows") from error


def _stills(values: dict[str, Any]) -> StillsSettings:
    return StillsSettings(**{**values, "cycles": tuple(Cycle(**cycle) for cycle in values["cycles"])})


def _clip(values: dict[str, Any]) -> Recipe:
    """TOML has no null: a rate of 0 stands for every frame."""
    return Recipe.from_dict({**values, "rate_hz": values.get("rate_hz", 10.0) or None})
