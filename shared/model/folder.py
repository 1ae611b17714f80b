"""A model folder: the network's files, the labels, the card, and a manifest that lists them with their hashes.

Both services read it, and this module does not need numpy. An invalid folder stops the start with ModelError.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from duygu.shared.errors import ModelError
from duygu.shared.model.array_file import last_row
from duygu.shared.model.recipe import Recipe
from duygu.shared.schemas.emotions import NEUTRAL
from duygu.shared.schemas.model import MeasuredOn, ModelDescription, ModelInfo, RelativeModel, Temperatures

MANIFEST = "manifest.json"
CARD = "MODEL_CARD.md"
H5 = "3dcnn_emotion_model.h5"
ONNX = "3dcnn_emotion_model.onnx"
INT8 = "3dcnn_emotion_model.int8.onnx"
LABELS = "emotion_labels.npy"
TRUNK = "3dcnn_emotion_model.trunk.onnx"
TRUNK_INT8 = "3dcnn_emotion_model.trunk.int8.onnx"
HEAD = "3dcnn_emotion_model.head.onnx"
RELATIVE = "relative.npy"
SECOND_TRUNK = "3dcnn_emotion_model.second_trunk.onnx"
SECOND_HEAD = "second_head.npy"
FEATURE_STATISTICS = "feature_statistics.npy"

BIAS_DECIMALS = 4

MADE_FROM = "made_from"
"""Metadata key under which the int8 network, trunk and head store the sha256 of the network that they come from, and
the second trunk that of the network beside which it was trained."""

Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class RelativeSettings(BaseModel):
    """Calibration of the predictions relative to a baseline, and what was measured on people not in training."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    temperature: float = Field(gt=0, description="divides the logits of a window")
    track_temperature: float = Field(gt=0, description="divides the mean logits of a track")
    uncertain_below: float = Field(ge=0, le=1, description="windows whose confidence is below this are uncertain")
    certain_means: float | None = Field(
        default=None, ge=0, le=1, description="share of the other windows that were right, cross-validated over people"
    )
    measured: dict[str, MeasuredOn] = Field(default={}, description="figures of whole recordings, by the baseline")


class SecondTrunkSettings(BaseModel):
    """How the crops of the second trunk are cut, and which ones it processes."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    name: str = Field(description="name of the network that the convolutions come from")
    licence: str = Field(description="its licence, with the copyright notice")
    size: int = Field(ge=8, le=512, description="side of the crop in pixels")
    margin: float = Field(gt=-1, le=4, description="side of the crop = longer side of the box x (1 + margin)")
    period: int = Field(ge=1, le=100, description="sampling times after which the choice of crops repeats")
    places: tuple[Annotated[int, Field(ge=0)], ...] = Field(
        min_length=1, description="the sampling times, modulo the period, whose crops are processed"
    )


class AdaptiveTemperatureSettings(BaseModel):
    """How the temperature of a moving face depends on the distance of its features from those of people who talk."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    intercept: float = Field(ge=-10, le=10, description="logarithm of the factor of the logits at the distance 1")
    slope: float = Field(ge=-10, le=10, description="change of this logarithm with the logarithm of the distance")
    least: float = Field(gt=0, le=1e6, description="smallest distance; smaller ones count as this one")
    most: float = Field(gt=0, le=1e6, description="largest distance; larger ones count as this one")


class Manifest(BaseModel):
    """`manifest.json` of a model folder. `recipe` repeats that of the model file, for readers without ONNX Runtime."""

    model_config = ConfigDict(extra="forbid", protected_namespaces=())

    name: str
    version: str
    licence: str = ""
    recipe: dict[str, Any]
    measured: dict[str, MeasuredOn] = {}
    relative: RelativeSettings | None = None
    second_trunk: SecondTrunkSettings | None = None
    adaptive_temperature: AdaptiveTemperatureSettings | None = None
    files: dict[str, Sha256]


@dataclass(frozen=True, slots=True)
class ModelFolder:
    """A folder whose manifest is valid and whose files match the manifest.

    Only the Keras file may be missing: it serves the reference engine and training, and images without them omit it.
    """

    path: Path
    manifest: Manifest

    @property
    def recipe(self) -> Recipe:
        """The recipe in the manifest. Raises ModelError when it is invalid."""
        return Recipe.from_dict(self.manifest.recipe)

    @property
    def onnx(self) -> Path:
        """Path of the network for ONNX Runtime, with the recipe in its metadata."""
        return self.path / ONNX

    @property
    def int8(self) -> Path | None:
        """Path of the int8-quantised network, or None where the folder has none."""
        return self.path / INT8 if INT8 in self.manifest.files else None

    @property
    def is_divided(self) -> bool:
        """Whether the folder has the network in two parts: the trunk for single crops, and the head for clips."""
        return {TRUNK, HEAD} <= set(self.manifest.files)

    @property
    def trunk(self) -> Path:
        """Path of the network from normalised crops to features, where the folder has it."""
        return self.path / TRUNK

    @property
    def trunk_int8(self) -> Path | None:
        """Path of the int8-quantised trunk, or None where the folder has none."""
        return self.path / TRUNK_INT8 if TRUNK_INT8 in self.manifest.files else None

    @property
    def head(self) -> Path:
        """Path of the network from the features of a clip to logits, where the folder has it."""
        return self.path / HEAD

    @property
    def second_trunk(self) -> Path:
        """Path of the second trunk, from crops to features, where the manifest describes it."""
        return self.path / SECOND_TRUNK

    @property
    def second_head(self) -> Path:
        """Path of its linear layer."""
        return self.path / SECOND_HEAD

    @property
    def feature_statistics(self) -> Path:
        """Path of the mean and deviation of each feature, where the manifest describes an adaptive temperature."""
        return self.path / FEATURE_STATISTICS

    @property
    def h5(self) -> Path | None:
        """Path of the network for Keras, with the recipe in an attribute, or None where the folder has none."""
        return self.path / H5 if H5 in self.manifest.files and (self.path / H5).exists() else None

    def info(self, neutral: Literal["on", "off"] = "on") -> ModelInfo:
        """Return the description of the model that each result contains. `neutral="off"` removes that label.

        Raises ModelError where no label is left.
        """
        manifest = self.manifest
        labels = [label for label in self.recipe.labels if neutral == "on" or label != NEUTRAL]
        if not labels:
            raise ModelError("the model has no label besides neutral, which DUYGU_NEUTRAL=off removes")
        temperatures = Temperatures(window=self.recipe.temperature, face=self.recipe.track_temperature)
        return ModelInfo(
            name=manifest.name,
            version=manifest.version,
            sha256=manifest.files[ONNX],
            labels=labels,
            temperatures=temperatures,
            certain_means=self.recipe.certain_means,
            relative=self._relative(labels),
        )

    def _relative(self, candidates: list[str]) -> RelativeModel | None:
        """The layer for predictions relative to a baseline, without its kernel; None where the folder has none."""
        settings = self.manifest.relative
        if settings is None or not self.is_divided:
            return None
        bias = last_row(self.path / RELATIVE)
        if len(bias) != len(self.recipe.labels):
            raise ModelError(f"{RELATIVE} in {self.path} has {len(bias)} columns, which does not fit the labels")
        return RelativeModel(
            labels=list(self.recipe.labels),
            candidates=candidates,
            bias=[round(value, BIAS_DECIMALS) for value in bias],
            temperature=settings.temperature,
            uncertain_below=settings.uncertain_below,
            certain_means=settings.certain_means,
        )

    def description(self, neutral: Literal["on", "off"] = "on") -> ModelDescription:
        """Return the response of `GET /v1/model`. Raises ModelError where no label is left."""
        manifest = self.manifest
        card = self.path / CARD
        return ModelDescription(
            **self.info(neutral).model_dump(exclude={"movements"}),
            recipe=manifest.recipe,
            uncertain_below=self.recipe.uncertain_below,
            measured=manifest.measured,
            licence=manifest.licence,
            card=card.read_text(encoding="utf-8") if card.exists() else "",
        )


def open_model_folder(path: Path) -> ModelFolder:
    """Read and verify a model folder. Raises ModelError with the problem."""
    try:
        manifest = Manifest.model_validate_json((path / MANIFEST).read_bytes())
    except FileNotFoundError as error:
        raise ModelError(f"{path} is not a model folder: {MANIFEST} is missing") from error
    except (OSError, ValidationError) as error:
        raise ModelError(f"the {MANIFEST} in {path} cannot be read") from error
    missing = {"labels", "uncertain_below"} - set(manifest.recipe)
    needed = {ONNX, *_files_of_parts(manifest)}
    if missing or not needed <= set(manifest.files):
        raise ModelError(f"the {MANIFEST} in {path} is incomplete")
    folder = ModelFolder(path, manifest)
    verify_files(path, {name: sha256 for name, sha256 in manifest.files.items() if name != H5 or folder.h5})
    try:
        _ = folder.recipe
    except ModelError as error:
        raise ModelError(f"the {MANIFEST} in {path} cannot be used: {error.detail}") from error
    return folder


def _files_of_parts(manifest: Manifest) -> set[str]:
    """The files that the optional parts of a manifest require.

    The second trunk adds to the output of the head, and the adaptive temperature reads its gate.
    """
    relative = {RELATIVE} if manifest.relative else set()
    second = {TRUNK, HEAD, SECOND_TRUNK, SECOND_HEAD} if manifest.second_trunk else set()
    adaptive = {TRUNK, HEAD, FEATURE_STATISTICS} if manifest.adaptive_temperature else set()
    return relative | second | adaptive


def verify_files(folder: Path, expected: dict[str, str]) -> None:
    """Compare the files in a folder with the sha256 of each name in `expected`. Raises ModelError on a difference."""
    for name, sha256 in expected.items():
        if Path(name).name != name:
            raise ModelError(f"the {MANIFEST} in {folder} names a file outside the folder")
        try:
            found = sha256_of(folder / name)
        except OSError as error:
            raise ModelError(f"{name} is missing from {folder}") from error
        if found != sha256:
            raise ModelError(f"{name} in {folder} does not match the SHA-256 in {MANIFEST}")


def sha256_of(path: Path) -> str:
    """Return the sha256 of a file, which is read in chunks."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write the manifest. Call it last, so that a partly written folder has none."""
    text = json.dumps(manifest.model_dump(mode="json"), indent=2, ensure_ascii=False) + "\n"
    (folder / MANIFEST).write_text(text, encoding="utf-8")
