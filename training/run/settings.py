"""Training recipes: the TOML files in training/recipes, validated and read into frozen values."""

import tomllib
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import AfterValidator, ConfigDict, TypeAdapter, ValidationError, with_config

from duygu.shared.errors import ConfigurationError, ModelError
from duygu.shared.model.recipe import Recipe, explain
from duygu.shared.schemas.emotions import EMOTIONS

FOLDER = Path(__file__).parents[1] / "recipes"

NetworkKind = Literal["flat", "inflated"]
ImageSource = Literal["stills", "pseudo_labels"]
"""Where the images of a cycle come from: labelled stills, or altered stills that the teachers labelled."""

SOURCES = ("votes", "fer2013", "xception_mini", "xception_big", "face_api")
"""Sources of labels for stills: FER+'s raters, FER2013, and the three teachers. Each has its own linear head."""

EARLIER_SOURCE = "asked"
"""What recipes of version 0.1 call `pseudo_labels`; in [stills] also what they call `distillation_images`."""


def _one_of(known: tuple[str, ...]) -> AfterValidator:
    def check(name: str) -> str:
        if name not in known:
            raise ValueError(f"expected one of {', '.join(known)}")
        return name

    return AfterValidator(check)


Source = Annotated[str, _one_of(SOURCES)]
Label = Annotated[str, _one_of(EMOTIONS)]
Mix = dict[Source, float]
"""Weight of each source."""

STRICTLY = ConfigDict(extra="forbid")


@with_config(STRICTLY)
@dataclass(frozen=True, slots=True)
class Cycle:
    """Epochs with one cosine decay of the learning rate (Loshchilov and Hutter 2017)."""

    epochs: int
    learning_rate: float
    """Highest rate, after the warm-up."""
    of: ImageSource = "stills"
    """Images that the cycle trains on. A cycle on pseudo-labels is skipped where no teachers are given."""


@with_config(STRICTLY)
@dataclass(frozen=True, slots=True)
class StillsSettings:
    """Training of the trunk on stills."""

    cycles: tuple[Cycle, ...]
    batch: int
    weight_decay: float
    label_smoothing: float
    loss: Mix
    """Weight of each source in the loss."""
    answer: Mix
    """Weight of each source's head in the output."""
    answer_of: dict[Label, Mix] = field(default_factory=dict)
    """The same for individual labels, in place of `answer`."""
    moving: Mix = field(default_factory=dict)
    """Weight of each source's head in the output for a moving face; that for a still face by default."""
    distillation_images: int = 0
    """Number of altered stills that the teachers label."""
    loss_of: dict[ImageSource, Mix] = field(default_factory=dict)
    """Weights in the loss of cycles on these images, in place of `loss`."""

    def shares(self, sources: tuple[str, ...], labels: tuple[str, ...]) -> npt.NDArray[np.float32]:
        """(sources, labels) weight of each head for each label; they sum to 1 over the sources."""
        return _shares(sources, [self.answer_of.get(label, self.answer) for label in labels])

    def moving_shares(self, sources: tuple[str, ...], labels: tuple[str, ...]) -> npt.NDArray[np.float32]:
        """The same for a moving face."""
        return _shares(sources, [self.moving] * len(labels)) if self.moving else self.shares(sources, labels)


def _shares(sources: tuple[str, ...], mixes: list[Mix]) -> npt.NDArray[np.float32]:
    weights = np.array([[mix.get(source, 0.0) for mix in mixes] for source in sources], np.float32)
    return np.asarray(weights / weights.sum(axis=0), np.float32)


@with_config(STRICTLY)
@dataclass(frozen=True, slots=True)
class ClipsSettings:
    """Training of the network on clips."""

    epochs: int = 0
    batch: int = 0
    learning_rate: float = 0.0
    patience: int = 0
    """Epochs without a lower validation loss after which training stops."""
    penalty: float | None = None
    """In place of the settings above: only the layer for moving faces is trained, by logistic regression with this
    weight of half the squared norm of its change."""
    frozen: tuple[str, ...] = ()
    """Prefixes of the names of layers whose weights do not change."""

    def __post_init__(self) -> None:
        if self.validates and not (self.epochs and self.batch and self.learning_rate):
            raise ValueError("epochs, batch and learning_rate are required where there is no penalty")

    @property
    def validates(self) -> bool:
        """Whether training needs a validation part, to stop early."""
        return self.penalty is None


@with_config(STRICTLY)
@dataclass(frozen=True, slots=True)
class TalkingSettings:
    """The linear layer for moving faces, learned on stills and adapted to recordings of people who talk."""

    targets: Mix
    """Weight of each source in the targets."""
    penalty: float
    """Weight of half the squared norm of the layer's kernel."""

    def shares(self, sources: tuple[str, ...]) -> npt.NDArray[np.float32]:
        """(sources,) weights; they sum to 1."""
        return np.asarray(_shares(sources, [self.targets])[:, 0], np.float32)


@with_config(STRICTLY)
@dataclass(frozen=True, slots=True)
class TrainingRecipe:
    """One file of training/recipes."""

    clip: Recipe
    network: NetworkKind
    stills: StillsSettings | None = None
    talking: TalkingSettings | None = None
    clips: ClipsSettings | None = None

    def require_clips(self) -> ClipsSettings:
        """The settings for clips. Raises ConfigurationError when the recipe has none."""
        if self.clips is None:
            raise ConfigurationError(f"the recipe {self.clip.name} has no section [clips]")
        return self.clips


RECIPE_FILE = TypeAdapter(TrainingRecipe)


def load_recipe(name: str) -> TrainingRecipe:
    """Read a recipe by its name, or by the path of a TOML file. Raises ConfigurationError for an invalid one."""
    path = Path(name) if name.endswith(".toml") else FOLDER / f"{name}.toml"
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        known = ", ".join(sorted(file.stem for file in FOLDER.glob("*.toml")))
        raise ConfigurationError(f"unknown recipe {name}: the recipes are {known}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"invalid recipe: {name} is not TOML: {error}") from error
    except OSError as error:
        raise ConfigurationError(f"the recipe {name} cannot be read: {error.strerror}") from error
    return _recipe(name, values)


def _recipe(name: str, values: dict[str, Any]) -> TrainingRecipe:
    """TOML has no null: `rate_hz = 0` of a clip means every frame."""
    clip = values.get("clip")
    if isinstance(clip, dict) and clip.get("rate_hz") == 0:
        values = {**values, "clip": {**clip, "rate_hz": None}}
    if isinstance(values.get("stills"), dict):
        values = {**values, "stills": _current_stills(name, values["stills"])}
    try:
        return RECIPE_FILE.validate_python(values)
    except ValidationError as error:
        raise ConfigurationError(f"invalid recipe {name}: {explain(error)}") from error
    except ModelError as error:
        raise ConfigurationError(f"{error.detail} (in the recipe {name})") from error


def _current_stills(name: str, stills: dict[str, Any]) -> dict[str, Any]:
    """The section [stills] with its present keys; warns of those of version 0.1."""
    renamed = rename_earlier_keys(stills)
    if renamed != stills:
        warnings.warn(
            f"the recipe {name} has the earlier key `{EARLIER_SOURCE}`: write `distillation_images` for the number of "
            "images, and `pseudo_labels` for their source; the earlier key will not be read by the next version",
            DeprecationWarning,
            stacklevel=4,
        )
    return renamed


def rename_earlier_keys(stills: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of stills, as plain values, with the keys of version 0.1 replaced by the present ones."""
    values = {"distillation_images" if key == EARLIER_SOURCE else key: value for key, value in stills.items()}
    if isinstance(values.get("loss_of"), Mapping):
        values["loss_of"] = {_current_source(source): mix for source, mix in values["loss_of"].items()}
    if isinstance(values.get("cycles"), list):
        values["cycles"] = [_current_cycle(cycle) for cycle in values["cycles"]]
    return values


def _current_cycle(cycle: Any) -> Any:
    return {**cycle, "of": _current_source(cycle["of"])} if isinstance(cycle, Mapping) and "of" in cycle else cycle


def _current_source(source: Any) -> Any:
    return "pseudo_labels" if source == EARLIER_SOURCE else source
