"""A folder with the network for facial movements: its file, the card, and a manifest with what was measured."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from duygu.shared.errors import ModelError
from duygu.shared.model.folder import MANIFEST, Sha256, verify_files

NETWORK = "movements.onnx"

MIN_AGREEMENT = 0.5
"""Minimum correlation with the reference of a movement that is reported."""

MIN_DEVIATION = 0.01
"""Minimum standard deviation of the reference of such a movement. The reference has outputs that hardly leave zero."""

LIPS = 5
"""Number of distances of the lips that the network measures. Folders of version 1.1 predict speaking from them."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Movement(_Part):
    """One output of the network: a blendshape of MediaPipe."""

    name: str
    r: float = Field(description="Pearson correlation with the reference over windows of people not in training")
    r_of: dict[str, float] = Field(default={}, description="the same by data set")
    deviation: float = Field(
        description="standard deviation of the reference over these windows, of values from 0 to 1"
    )

    @property
    def is_offered(self) -> bool:
        """Whether the reference shows the movement at all, and the network agrees with it."""
        return self.r >= MIN_AGREEMENT and self.deviation >= MIN_DEVIATION


class PoseModel(_Part):
    """The linear model of yaw, pitch and roll in degrees, of the relative positions of the five landmarks."""

    weights: list[list[float]]
    bias: list[float]


class MouthArea(_Part):
    """The part of the crop whose motion tells speaking, in pixels of the crop."""

    left: int = Field(ge=0)
    top: int = Field(ge=0)
    width: int = Field(ge=1)
    height: int = Field(ge=1)
    step: int = Field(ge=1, description="side of the squares of pixels that are averaged")

    @property
    def values(self) -> int:
        """Number of squares."""
        return (self.width // self.step) * (self.height // self.step)


class CropChoice(_Part):
    """The sampling times whose crops the network processes."""

    period: int = Field(ge=1, le=100, description="sampling times after which the choice repeats")
    places: tuple[Annotated[int, Field(ge=0)], ...] = Field(
        min_length=1, description="the sampling times, modulo the period, whose crops are processed"
    )


class SpeakingModel(_Part):
    """The logistic regression of speaking, of statistics over a clip."""

    mouth: MouthArea | None = Field(
        default=None, description="the statistics are of the motion in this area; null: of the distances of the lips"
    )
    floor: float = Field(gt=0, description="is added to each deviation before its logarithm")
    mean: list[float]
    deviation: list[float]
    weights: list[float]
    bias: float
    auc: float = Field(ge=0, le=1, description="area under the ROC curve on people not in training")


class MovementManifest(_Part):
    """`manifest.json` of the folder."""

    name: str
    version: str
    licence: str
    size: Annotated[int, Field(ge=8, le=512, description="side of the crop in pixels")]
    points: list[tuple[float, float]] = Field(description="where the landmarks are in the crop, as shares of its side")
    movements: list[Movement]
    pose: PoseModel
    crops: CropChoice | None = Field(default=None, description="which crops the network processes; null: all")
    speaking: SpeakingModel | None = None
    files: dict[str, Sha256]

    @property
    def offered(self) -> tuple[int, ...]:
        """Indices of the movements that are reported."""
        return tuple(index for index, movement in enumerate(self.movements) if movement.is_offered)


@dataclass(frozen=True, slots=True)
class MovementFolder:
    """A folder whose manifest is valid and whose files match the manifest."""

    path: Path
    manifest: MovementManifest

    @property
    def network(self) -> Path:
        """Path of the network for ONNX Runtime."""
        return self.path / NETWORK


def open_movement_folder(path: Path) -> MovementFolder:
    """Read and verify the folder. Raises ModelError with the problem."""
    try:
        manifest = MovementManifest.model_validate_json((path / MANIFEST).read_bytes())
    except FileNotFoundError as error:
        raise ModelError(f"{path} is not a folder of a movement network: {MANIFEST} is missing") from error
    except (OSError, ValidationError) as error:
        raise ModelError(f"the {MANIFEST} in {path} cannot be read") from error
    if NETWORK not in manifest.files:
        raise ModelError(f"the {MANIFEST} in {path} does not list {NETWORK}")
    verify_files(path, manifest.files)
    return MovementFolder(path, manifest)
