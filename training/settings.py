"""How a network is trained: the TOML files in training/recipes, read into values."""

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import AfterValidator, ConfigDict, TypeAdapter, ValidationError, with_config

from duygu.shared.errors import ConfigurationError, ModelError
from duygu.shared.model.recipe import Recipe, explain
from duygu.shared.schemas import EMOTIONS

FOLDER = Path(__file__).parent / "recipes"

NetworkKind = Literal["flat", "inflated"]
Lesson = Literal["stills", "asked"]

SOURCES = ("votes", "fer2013", "xception_mini", "xception_big", "face_api")
"""Who labelled the stills: FER+'s raters, FER2013, and three public networks. Each has its own linear head."""


def _one_of(known: tuple[str, ...]) -> AfterValidator:
    def check(name: str) -> str:
        if name not in known:
            raise ValueError(f"it should be one of {', '.join(known)}")
        return name

    return AfterValidator(check)


Source = Annotated[str, _one_of(SOURCES)]
Label = Annotated[str, _one_of(EMOTIONS)]
Mix = dict[Source, float]
"""How much each source weighs."""

STRICTLY = ConfigDict(extra="forbid")


@with_config(STRICTLY)
@dataclass(frozen=True, slots=True)
class Cycle:
    """Epochs in which the learning rate falls from its highest to almost nothing (Loshchilov and Hutter 2017)."""

    epochs: int
    learning_rate: float
    of: Lesson = "stills"
    """Stills with the opinions that came with them, or altered ones about which public networks were asked anew."""


@with_config(STRICTLY)
@dataclass(frozen=True, slots=True)
class StillsSettings:
    """How the trunk learns from stills."""

    cycles: tuple[Cycle, ...]
    batch: int
    weight_decay: float
    label_smoothing: float
    loss: Mix
    """How much each source of labels weighs in the loss."""
    answer: Mix
    """How much each source's head weighs in the answer."""
    answer_of: dict[Label, Mix] = field(default_factory=dict)
    """The same for single labels that need another mix."""
    moving: Mix = field(default_factory=dict)
    """How much each source's head weighs in the answer about a face that moves; as for a still by default."""
    asked: int = 0
    """Pictures about which public networks are asked, where these are given."""
    loss_of: dict[Lesson, Mix] = field(default_factory=dict)
    """The loss of cycles that learn from these."""

    def shares(self, sources: tuple[str, ...], labels: tuple[str, ...]) -> npt.NDArray[np.float32]:
        """(sources, labels) how much each head weighs for each label; they sum to 1 over the sources."""
        return _shares(sources, [self.answer_of.get(label, self.answer) for label in labels])

    def moving_shares(self, sources: tuple[str, ...], labels: tuple[str, ...]) -> npt.NDArray[np.float32]:
        """The same for a face that moves."""
        return _shares(sources, [self.moving] * len(labels)) if self.moving else self.shares(sources, labels)


def _shares(sources: tuple[str, ...], mixes: list[Mix]) -> npt.NDArray[np.float32]:
    weights = np.array([[mix.get(source, 0.0) for mix in mixes] for source in sources], np.float32)
    return np.asarray(weights / weights.sum(axis=0), np.float32)


@with_config(STRICTLY)
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


@with_config(STRICTLY)
@dataclass(frozen=True, slots=True)
class TrainingRecipe:
    """One file of training/recipes."""

    clip: Recipe
    network: NetworkKind
    stills: StillsSettings | None = None
    clips: ClipsSettings | None = None


READER = TypeAdapter(TrainingRecipe)


def load_recipe(name: str) -> TrainingRecipe:
    """Read a recipe by name, or by the path of a TOML file. Raises ConfigurationError when it cannot be read."""
    path = Path(name) if name.endswith(".toml") else FOLDER / f"{name}.toml"
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        known = ", ".join(sorted(file.stem for file in FOLDER.glob("*.toml")))
        raise ConfigurationError(f"there is no recipe {name}; there are {known}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"the recipe {name} is not TOML: {error}") from error
    except OSError as error:
        raise ConfigurationError(f"the recipe {name} cannot be read: {error.strerror}") from error
    return _recipe(name, values)


def _recipe(name: str, values: dict[str, Any]) -> TrainingRecipe:
    """TOML has no null: a clip's rate of 0 stands for every frame."""
    clip = values.get("clip")
    if isinstance(clip, dict) and clip.get("rate_hz") == 0:
        values = {**values, "clip": {**clip, "rate_hz": None}}
    try:
        return READER.validate_python(values)
    except ValidationError as error:
        raise ConfigurationError(f"the recipe {name} cannot be used: {explain(error)}") from error
    except ModelError as error:
        raise ConfigurationError(f"the recipe {name} cannot be used: {error.detail}") from error
