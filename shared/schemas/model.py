"""Schemas of the model and of its measurements."""

from pydantic import Field

from duygu.shared.schemas.base import Probability, Schema


class Temperatures(Schema):
    """The divisors of the logits before the softmax (temperature scaling, Guo et al. 2017)."""

    window: float = Field(gt=0, description="for the logits of one window")
    face: float = Field(gt=0, description="for the mean logits of all windows of a face")


class ModelInfo(Schema):
    """The model that produced a result."""

    name: str
    version: str
    sha256: str = Field(description="of the model file, lower-case hexadecimal")
    labels: list[str] = Field(description="the keys of `probabilities`")
    temperatures: Temperatures | None = Field(default=None, description="null in results of schema version 1")
    movements: list[str] = Field(default=[], description="the keys of `movements`; empty if they were not measured")
    certain_means: Probability | None = Field(
        default=None,
        description="share of the windows not marked `uncertain` that were right on video of people outside training, "
        "cross-validated over people; null if it was not measured",
    )


class ProgramInfo(Schema):
    """The program that produced a result."""

    name: str = "duygu"
    version: str


class MeasuredOn(Schema):
    """Measurements of the model on one data set, by the protocol in the model card."""

    accuracy: Probability
    uar: Probability = Field(description="unweighted average recall")
    ece: Probability = Field(description="expected calibration error")


class ModelDescription(Schema):
    """`GET /v1/model`: the model and its measurements."""

    name: str
    version: str
    sha256: str
    labels: list[str]
    temperatures: Temperatures | None = None
    certain_means: Probability | None = None
    recipe: dict[str, object]
    uncertain_below: Probability
    measured: dict[str, MeasuredOn]
    licence: str
    card: str = Field(description="the model card, Markdown")
