"""Schemas of results, version 2. docs/ describes the fields in prose."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from duygu.shared.schemas.base import Box, Probability, Schema, Seconds
from duygu.shared.schemas.model import LARGEST_LOGIT, ModelInfo, ProgramInfo

SCHEMA_VERSION = "2"

Logit = Annotated[float, Field(ge=-LARGEST_LOGIT, le=LARGEST_LOGIT)]


class Flag(StrEnum):
    """Conditions that reduce the reliability of a window."""

    SMALL = "small"
    BLURRED = "blurred"
    DARK = "dark"
    PROFILE = "profile"
    GAP = "gap"
    PADDED = "padded"


class ResultOptions(Schema):
    """The options of an analysis."""

    engine: str = Field(description="`onnx` or `reference`, as in the setting `DUYGU_ENGINE`")
    labels: list[str] = Field(description="reported labels, with `other` for the remaining ones if some were selected")
    start_s: float | None = Field(default=None, description="start of the analysed part; null for the beginning")
    end_s: float | None = Field(default=None, description="end of the analysed part, exclusive; null for the end")
    min_face: float = Field(description="minimum size of a detected face, as a share of the shorter side of the frame")
    max_faces: int | None = Field(
        default=None,
        description="maximum number of faces tracked at the same time; null in results of earlier versions",
    )
    measures: list[str] = Field(default=[], description="what was measured besides emotions")
    baseline: str | None = Field(
        default=None,
        description="`auto`, the spans of the baseline that were requested, or the job or name of another recording; "
        "null without one",
    )
    faces: int | None = Field(
        default=None, description="number of faces kept, those visible longest; null if all are kept"
    )
    every_s: float | None = Field(
        default=None, description="interval at whose multiples windows are kept; null if all are kept"
    )


class VideoInfo(Schema):
    """The analysed video, upright."""

    duration_s: Seconds = Field(description="presentation time of the end of the last frame, from the first")
    width: int = Field(description="pixels of the upright frame as a player shows it")
    height: int
    rotation: Literal[0, 90, 180, 270] = Field(description="degrees clockwise by which the stored picture was turned")
    frames_decoded: int
    frames_analysed: int
    first_frame_s: Seconds = Field(
        default=0.0,
        description="presentation time of the first frame, which is the origin of all times; sound may begin earlier",
    )
    name: str | None = Field(default=None, description="file name; null if a service analysed the video")
    sha256: str | None = Field(
        default=None, description="of the file, lower-case hexadecimal; null in results of schema version 1"
    )


class RelativePrediction(Schema):
    """The classification of a clip by its difference from the person's baseline."""

    emotion: str = Field(description="as of a window")
    confidence: Probability
    probabilities: dict[str, Probability] = Field(description="as of a window; they sum to 1")
    uncertain: bool = Field(
        description="whether the highest probability over all labels of the model is below the threshold of relative "
        "predictions"
    )


class Window(Schema):
    """The classification of one clip of ten crops."""

    start_s: Seconds
    end_s: Seconds
    emotion: str = Field(description="label with the highest probability; `other` if that label was not selected")
    confidence: Probability
    probabilities: dict[str, Probability] = Field(
        description="probability of each label; they sum to 1. If labels were selected: their unchanged probabilities, "
        "and `other` for the sum of the remaining ones"
    )
    uncertain: bool = Field(
        description="whether the highest probability over all labels of the model is below its published threshold, "
        "regardless of the selected labels"
    )
    flags: list[Flag] = Field(default=[])
    relative: RelativePrediction | None = Field(
        default=None, description="the prediction relative to the person's baseline; null if the face has none"
    )
    relative_logits: list[Logit] | None = Field(
        default=None,
        description="output of the layer for relative predictions, in the order of `model.relative.labels`, from which "
        "the prediction relative to any baseline is computed; null for a model without it",
    )
    speaking: Probability | None = Field(
        default=None, description="probability that the person speaks; null if it was not measured"
    )
    movements: dict[str, Probability] | None = Field(
        default=None,
        description="strength of each facial movement, MediaPipe's blendshapes; null if they were not measured. "
        "A movement is not a feeling",
    )
    valence: Annotated[float, Field(ge=-1, le=1)] | None = Field(
        default=None,
        description="probability of happiness less the highest one of anger, disgust, fear and sadness; null if it was "
        "not measured",
    )


class Pose(Schema):
    """Direction of the head, in degrees."""

    yaw: float = Field(description="positive if the person turns to the right edge of the picture")
    pitch: float = Field(description="positive if the person looks down")
    roll: float = Field(description="positive clockwise in the picture")


class Position(Schema):
    """Where a face is in one analysed frame."""

    time_s: Seconds
    box: Box = Field(description="x, y, width, height in pixels of the upright frame")
    score: Probability = Field(description="the detector's own confidence that this is a face")
    pose: Pose | None = Field(default=None, description="direction of the head; null if movements were not measured")


Doubt = Literal["baseline_speaking", "baseline_expressive"]
"""Codes of the warnings about a baseline that may not be a resting face."""


MAX_NAME = 255
"""Maximum length of the name of a recording, in characters."""


class RecordedBaseline(Schema):
    """The resting face of a person in another recording."""

    name: str | None = Field(default=None, max_length=MAX_NAME, description="name of the recording; null if unknown")
    sha256: str | None = Field(default=None, pattern="^[0-9a-f]{64}$", description="of the recording; null if unknown")
    model_sha256: str = Field(pattern="^[0-9a-f]{64}$", description="of the model that analysed it")
    windows: int = Field(ge=1, description="number of windows that were used")
    logits: Annotated[list[Logit], Field(min_length=1, max_length=100)] = Field(
        description="mean `relative_logits` of these windows"
    )
    doubts: list[Doubt] = Field(default=[], max_length=2, description="codes of the warnings about it")


class Baseline(Schema):
    """The windows of a face to which its relative predictions refer."""

    source: Literal["span", "recording", "auto"] = Field(description="how it was chosen")
    spans: list[tuple[Seconds, Seconds]] = Field(
        description="the parts of the face's time that were used, in seconds; empty for another recording"
    )
    windows: int = Field(ge=1, description="number of windows that were used")
    recording: RecordedBaseline | None = Field(
        default=None, description="the other recording; null for a baseline from the video itself"
    )


class Face(Schema):
    """One person's face followed through time."""

    face_id: int = Field(ge=1, description="never reused within a job or a session")
    name: str | None = Field(default=None, description="name that an edit gave; null without one")
    excluded: bool = Field(
        default=False, description="whether an edit excluded the face; exports other than JSON omit it"
    )
    excluded_spans: list[tuple[Seconds, Seconds]] = Field(
        default=[], description="parts that edits excluded, in seconds; the face has no windows and positions in them"
    )
    baseline: Baseline | None = Field(default=None, description="the face's own baseline; null without one")
    start_s: Seconds
    end_s: Seconds
    emotion: str
    confidence: Probability
    probabilities: dict[str, Probability]
    windows: list[Window]
    positions: list[Position]


class Warning(Schema):  # noqa: A001 - the word of the contract
    """A limitation of the result, which is valid nevertheless."""

    code: str
    detail: str


class Result(Schema):
    """The result of one video: every face and its emotions over time."""

    schema_version: Literal["1", "2"] = "2"
    job_id: str | None = Field(description="null without a job, as on the command line")
    model: ModelInfo
    video: VideoInfo
    faces: list[Face]
    warnings: list[Warning] = Field(default=[])
    program: ProgramInfo | None = Field(default=None, description="null in results of earlier versions")
    analysed_at: datetime | None = Field(
        default=None, description="end of the analysis, UTC; null in results of earlier versions"
    )
    options: ResultOptions | None = Field(default=None, description="null in results of earlier versions")
    uncertain_below: Probability | None = Field(
        default=None, description="threshold of `uncertain` that an edit set; null for that of the model"
    )


def with_sha256(result: Result, sha256: str) -> Result:
    """The result with the hash of the video's file."""
    return result.model_copy(update={"video": result.video.model_copy(update={"sha256": sha256 or None})})
