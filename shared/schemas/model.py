"""Schemas of the model and of its measurements."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from duygu.shared.schemas.base import Probability, Schema

LARGEST_LOGIT = 1e4
"""Largest magnitude of a logit, far beyond any that a network outputs."""


class Temperatures(Schema):
    """The divisors of the logits before the softmax (temperature scaling, Guo et al. 2017)."""

    window: float = Field(gt=0, description="for the logits of one window")
    face: float = Field(gt=0, description="for the mean logits of all windows of a face")


class RelativeModel(Schema):
    """The layer for predictions relative to a person's baseline, and its calibration.

    The logits of such a prediction are `relative_logits` of the window, less their mean over the baseline's windows,
    plus `bias`, divided by `temperature`.
    """

    labels: list[str] = Field(description="the order of `relative_logits` and `bias`")
    candidates: list[str] = Field(min_length=1, description="labels in the softmax: all, or all except neutral")
    bias: list[Annotated[float, Field(ge=-LARGEST_LOGIT, le=LARGEST_LOGIT)]]
    temperature: float = Field(ge=1e-3, le=1e3)
    uncertain_below: Probability = Field(description="threshold of `uncertain` of relative predictions")
    certain_means: Probability | None = Field(
        default=None,
        description="share of the windows whose relative prediction is not `uncertain` that were right, "
        "cross-validated over people; null if it was not measured",
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if len(self.bias) != len(self.labels) or not set(self.candidates) <= set(self.labels):
            raise ValueError("`bias` needs a value for each of `labels`, and `candidates` are among them")
        return self


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
    relative: RelativeModel | None = Field(
        default=None, description="predictions relative to a person's baseline; null for a model without them"
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
    relative: RelativeModel | None = None
    recipe: dict[str, object]
    uncertain_below: Probability
    measured: dict[str, MeasuredOn]
    licence: str
    card: str = Field(description="the model card, Markdown")
