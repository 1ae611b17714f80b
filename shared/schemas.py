"""What goes over the wire and into result files, version 1. See docs/ for the meaning of each field in prose."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

SCHEMA_VERSION = "1"

EMOTIONS = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")
"""Every label that a model may answer with, in the order of its outputs."""

NEUTRAL = "neutral"
"""The one label that is no emotion; `DUYGU_NEUTRAL` turns it off."""

OTHER = "other"
"""Stands for the labels that are not reported, where a client chose some of them."""

Probability = Annotated[float, Field(ge=0.0, le=1.0)]
Seconds = Annotated[float, Field(ge=0.0)]
Box = tuple[float, float, float, float]


class Flag(StrEnum):
    """What makes a window less sure."""

    SMALL = "small"
    BLURRED = "blurred"
    DARK = "dark"
    PROFILE = "profile"
    GAP = "gap"
    PADDED = "padded"


class Schema(BaseModel):
    """Base of everything here: unknown fields are an error, values do not change, and every number fits into JSON."""

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=(), allow_inf_nan=False)


class ModelInfo(Schema):
    """The network that gave an answer."""

    name: str
    version: str
    sha256: str = Field(description="of the model file, lower-case hexadecimal")
    labels: list[str] = Field(description="what `probabilities` are named by")


class ProgramInfo(Schema):
    """The program that made a result."""

    name: str = "duygu"
    version: str


class Options(Schema):
    """What shaped an analysis, besides the video and the model."""

    engine: str = Field(description="`onnx` or `reference`, as in the setting `DUYGU_ENGINE`")
    labels: list[str] = Field(description="labels that were reported, with `other` for the rest where some were chosen")
    min_face: float = Field(description="smallest face that was looked for, as a share of the frame's shorter side")
    max_faces: int | None = Field(
        default=None, description="most faces that were followed at the same time; null in results of earlier versions"
    )
    faces: int | None = Field(
        default=None, description="only so many faces, those seen longest, are kept; null for all"
    )
    every_s: float | None = Field(
        default=None, description="only the windows at multiples of it are kept; null for all"
    )


class VideoInfo(Schema):
    """The video as it was analysed, upright."""

    duration_s: Seconds = Field(description="presentation time of the end of the last frame, from the first")
    width: int = Field(description="pixels of the upright frame as a player shows it")
    height: int
    rotation: Literal[0, 90, 180, 270] = Field(description="degrees clockwise by which the stored picture was turned")
    frames_decoded: int
    frames_analysed: int
    first_frame_s: Seconds = Field(
        default=0.0,
        description="when a player shows the first frame, from which times count; sound may begin before it",
    )
    name: str | None = Field(default=None, description="of the file; null where a service analysed it")


class Window(Schema):
    """The answer for one clip of ten crops."""

    start_s: Seconds
    end_s: Seconds
    emotion: str = Field(description="the strongest label; `other` where it is not among the labels that were chosen")
    confidence: Probability
    probabilities: dict[str, Probability] = Field(
        description="one for each label; they sum to 1. Where labels were chosen: one for each of these, as without "
        "the choice, and `other` for the rest"
    )
    uncertain: bool = Field(
        description="the strongest label is, among all labels of the model, below its published threshold; the same "
        "whichever labels are reported"
    )
    flags: list[Flag] = []


class Position(Schema):
    """Where a face is in one analysed frame."""

    time_s: Seconds
    box: Box = Field(description="x, y, width, height in pixels of the upright frame")
    score: Probability = Field(description="the detector's own confidence that this is a face")


class Face(Schema):
    """One person's face followed through time."""

    face_id: int = Field(ge=1, description="never reused within a job or a session")
    start_s: Seconds
    end_s: Seconds
    emotion: str
    confidence: Probability
    probabilities: dict[str, Probability]
    windows: list[Window]
    positions: list[Position]


class Warning(Schema):  # noqa: A001 - the word of the contract
    """Something that the reader of the result should know; the result holds all the same."""

    code: str
    detail: str


class Result(Schema):
    """Every face of one video, and what it showed when."""

    schema_version: Literal["1"] = "1"
    job_id: str | None = Field(description="null when no job was involved, as on the command line")
    model: ModelInfo
    video: VideoInfo
    faces: list[Face]
    warnings: list[Warning] = []
    program: ProgramInfo | None = Field(default=None, description="null in results of earlier versions")
    analysed_at: datetime | None = Field(
        default=None, description="end of the analysis, UTC; null in results of earlier versions"
    )
    options: Options | None = Field(default=None, description="null in results of earlier versions")


class JobStatus(StrEnum):
    """The life of a job."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Problem(BaseModel):
    """An error as RFC 9457 has it, with a stable `code`."""

    model_config = ConfigDict(extra="allow")

    type: str = "about:blank"
    title: str
    status: int
    code: str
    detail: str
    instance: str | None = None


class JobError(Schema):
    """Why a job failed, with the same codes as HTTP problems."""

    code: str
    title: str
    detail: str


class JobLinks(Schema):
    """Where to go from a job."""

    self: str
    events: str
    result: str | None = None
    video: str | None = Field(default=None, description="the annotated video, where one was asked for")


class Work(Schema):
    """How far a job has come, in terms of its video, and how fast it goes."""

    time_s: Seconds = Field(description="of the video, done")
    duration_s: Seconds | None = Field(description="of the video altogether; null while unknown")
    frames_analysed: int
    speed: float = Field(ge=0, description="seconds of video done in one second")
    time_left_s: Seconds | None = Field(description="until the end of the job, at this speed; null while unknown")


class Delivery(Schema):
    """One attempt to tell the end of a job by webhook."""

    attempted_at: datetime
    status: int | None = Field(description="of the answer; null where there was none")
    error: str | None = Field(default=None, description="why it counts as failed; null when it was delivered")


class Webhook(Schema):
    """How the end of a job is told to an address."""

    status: Literal["waiting", "delivered", "failed"]
    deliveries: list[Delivery]


class WebhookJob(Schema):
    """A job that has ended, as a webhook tells of it."""

    job_id: str
    status: JobStatus
    error: JobError | None
    sha256: str = Field(description="of the upload, lower-case hexadecimal")
    links: JobLinks


class WebhookMessage(Schema):
    """The body of a webhook."""

    type: Literal["job.succeeded", "job.failed"]
    timestamp: datetime = Field(description="of the end of the job")
    data: WebhookJob


class Job(Schema):
    """One upload and what became of it."""

    job_id: str
    status: JobStatus
    progress: Probability | None = Field(description="share done; null while the length is unknown")
    work: Work | None = Field(default=None, description="null until something has been done")
    created_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None
    expires_at: datetime | None = Field(
        default=None, description="when the job and its result are erased; null until the job has ended"
    )
    duration_s: Seconds | None = Field(default=None, description="of the video; null while unknown")
    faces: int | None = Field(default=None, ge=0, description="faces in the result; null while there is none")
    error: JobError | None = None
    size_bytes: int = Field(description="of the upload")
    sha256: str = Field(description="of the upload, lower-case hexadecimal")
    webhook: Webhook | None = Field(default=None, description="null where none was asked for")
    links: JobLinks


class AnsweredJob(Job):
    """A job that was waited for."""

    result: Result | None = Field(default=None, description="null when the job has no result (yet)")


class JobPage(Schema):
    """Some of the jobs, newest first."""

    jobs: list[Job]
    next_cursor: str | None = Field(default=None, description="`cursor` of the next page; null on the last one")


class Alive(Schema):
    """`GET /healthz`: the process answers."""

    status: Literal["alive"] = "alive"


class Check(Schema):
    """One thing that the service cannot do without."""

    name: str
    ok: bool
    detail: str | None = Field(default=None, description="what is wrong")


class Readiness(Schema):
    """`GET /readyz`: uploads would be analysed."""

    status: Literal["ready"] = "ready"
    checks: list[Check]


class ServiceLimits(Schema):
    """`GET /v1/limits`: what a video may measure, and how long its result is kept."""

    max_upload_bytes: int = Field(description="size of one upload")
    max_duration_s: Seconds = Field(description="length of a video")
    max_pixels: int = Field(description="pixels of one frame")
    result_ttl_s: int = Field(description="seconds after the end of a job until it and its result are erased")


class MeasuredOn(Schema):
    """How well the model does on one data set, by the protocol in the model card."""

    accuracy: Probability
    uar: Probability = Field(description="unweighted average recall")
    ece: Probability = Field(description="expected calibration error")


class ModelDescription(Schema):
    """`GET /v1/model`: what answers here and how far to trust it."""

    name: str
    version: str
    sha256: str
    labels: list[str]
    recipe: dict[str, object]
    uncertain_below: Probability
    measured: dict[str, MeasuredOn]
    licence: str
    card: str = Field(description="the model card, Markdown")
