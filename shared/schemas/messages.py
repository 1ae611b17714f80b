"""Schemas of the HTTP API and of result files, version 2. docs/ describes the fields in prose."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from duygu.shared.schemas.base import Schema as Schema  # also for importers of this module
from duygu.shared.schemas.options import DEFAULTS, AnalysisOptions

SCHEMA_VERSION = "2"

EMOTIONS = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")
"""Every label that a model can have, in the order of its outputs."""

NEUTRAL = "neutral"
"""The label that is not an emotion; `DUYGU_NEUTRAL=off` removes it."""

OTHER = "other"
"""The label that combines all labels a client did not select."""

Probability = Annotated[float, Field(ge=0.0, le=1.0)]
Seconds = Annotated[float, Field(ge=0.0)]
Box = tuple[float, float, float, float]


class Flag(StrEnum):
    """Conditions that reduce the reliability of a window."""

    SMALL = "small"
    BLURRED = "blurred"
    DARK = "dark"
    PROFILE = "profile"
    GAP = "gap"
    PADDED = "padded"


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
        default=None, description="`auto` or the spans of the baseline that were requested; null without one"
    )
    faces: int | None = Field(
        default=None, description="number of faces kept, those visible longest; null if all are kept"
    )
    every_s: float | None = Field(
        default=None, description="interval at whose multiples windows are kept; null if all are kept"
    )


Options = ResultOptions
"""The earlier name."""


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
        "answers"
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
        default=None, description="the answer relative to the person's baseline; null if the face has none"
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


class Baseline(Schema):
    """The windows of a face to which its relative answers refer."""

    source: Literal["span", "recording", "auto"] = Field(description="how it was chosen")
    spans: list[tuple[Seconds, Seconds]] = Field(description="the parts of the face's time that were used, in seconds")
    windows: int = Field(ge=1, description="number of windows in these parts")


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


class PictureSize(Schema):
    """An analysed picture, upright."""

    width: int = Field(ge=1, description="pixels of the upright picture: the orientation in its EXIF data is applied")
    height: int = Field(ge=1)


class PictureFace(Schema):
    """A face in a picture, from left to right."""

    box: Box = Field(description="x, y, width, height in pixels of the upright picture")
    score: Probability = Field(description="the detector's own confidence that this is a face")
    emotion: str = Field(description="label with the highest probability; `other` if that label was not selected")
    confidence: Probability
    probabilities: dict[str, Probability] = Field(description="as of a window; they sum to 1")
    uncertain: bool = Field(
        description="whether the highest probability over all labels of the model is below its threshold for stills"
    )
    flags: list[Flag] = Field(default=[])


class PictureResult(Schema):
    """`POST /v1/pictures`: the faces of one picture and their emotions."""

    model: ModelInfo = Field(
        description="`certain_means`: share of the faces not marked `uncertain` that were right on labelled stills"
    )
    picture: PictureSize
    faces: list[PictureFace]
    warnings: list[Warning] = Field(default=[])


class PictureItem(Schema):
    """One of several pictures: its faces, or why it was not analysed."""

    picture: PictureSize | None = Field(description="null if the picture was not analysed")
    faces: list[PictureFace] | None = Field(description="null if the picture was not analysed")
    warnings: list[Warning] = Field(default=[])
    error: "JobError | None" = Field(default=None, description="why the picture was not analysed; null if it was")


class PictureList(Schema):
    """`POST /v1/pictures` with several pictures: an item for each, in the order of the request."""

    model: ModelInfo | None = Field(description="null if no picture was analysed")
    pictures: list[PictureItem]


def with_sha256(result: Result, sha256: str) -> Result:
    """The result with the hash of the video's file."""
    return result.model_copy(update={"video": result.video.model_copy(update={"sha256": sha256 or None})})


class JobStatus(StrEnum):
    """The states of a job."""

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
    """The links of a job."""

    self: str
    events: str
    result: str | None = None
    video: str | None = Field(default=None, description="the annotated video, if one was requested")
    blurred: str | None = Field(
        default=None, description="the video with every face covered, if it was requested or the service keeps uploads"
    )
    upload: str | None = Field(default=None, description="the uploaded video, if the service keeps uploads")


class Work(Schema):
    """The progress and speed of a job."""

    time_s: Seconds = Field(description="length of the video analysed so far")
    duration_s: Seconds | None = Field(
        description="length of the video, or of the part that `start_s` and `end_s` select; null while unknown"
    )
    frames_analysed: int
    speed: float = Field(ge=0, description="seconds of video analysed per second")
    time_left_s: Seconds | None = Field(description="estimated time until the end of the job; null while unknown")


class Fetched(Schema):
    """The progress of fetching the video of a link."""

    fetched_bytes: int = Field(ge=0)
    size_bytes: int | None = Field(default=None, ge=0, description="null while the size is unknown")


class JobLink(Fetched):
    """The link that a job was submitted with, and the progress of fetching its video."""

    url: str = Field(description="without credentials and query, which may be secret")


class Delivery(Schema):
    """One attempt to deliver a webhook."""

    attempted_at: datetime
    status: int | None = Field(description="status of the response; null without a response")
    error: str | None = Field(default=None, description="reason of the failure; null if it was delivered")


class Webhook(Schema):
    """The webhook of a job and its deliveries."""

    status: Literal["waiting", "delivered", "failed"]
    deliveries: list[Delivery]


class WebhookJob(Schema):
    """The ended job in a webhook message."""

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
    """The analysis of one upload."""

    job_id: str
    status: JobStatus
    progress: Probability | None = Field(description="share done, 0 to 1; null while the length is unknown")
    ahead: int | None = Field(
        default=None,
        ge=0,
        description="number of unfinished jobs before this one, for an API key of priority `bulk` with those that may "
        "still overtake it; it never grows, and is 0 once the job has started. null if the job has ended, or if "
        "its place is unknown",
    )
    stage: Literal["fetching", "analyzing"] | None = Field(
        default=None, description="what a running job does: it fetches the video of its link, or analyses the video"
    )
    link: JobLink | None = Field(default=None, description="the link to the video; null for an uploaded video")
    work: Work | None = Field(default=None, description="progress details; null before the analysis starts")
    created_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None
    expires_at: datetime | None = Field(
        default=None,
        description="time at which the job and its result are erased; null until the job has ended, and for a kept job",
    )
    kept: bool = Field(default=False, description="whether the job does not expire")
    title: str | None = Field(default=None, description="title that a client gave; null without one")
    options: AnalysisOptions = Field(
        default=DEFAULTS, description="options of the request; null selects the default of the service"
    )
    duration_s: Seconds | None = Field(
        default=None,
        description="length of the video, or of the part that `start_s` and `end_s` select; null while unknown",
    )
    faces: int | None = Field(default=None, ge=0, description="number of faces in the result; null without a result")
    error: JobError | None = None
    size_bytes: int = Field(description="of the video; 0 until its link has been fetched")
    sha256: str = Field(description="of the video, lower-case hexadecimal; empty until its link has been fetched")
    webhook: Webhook | None = Field(default=None, description="null if none was requested")
    links: JobLinks


class JobChange(Schema):
    """A change of a job; absent fields stay as they are."""

    kept: bool | None = Field(default=None, description="whether the job does not expire; null changes nothing")
    title: Annotated[str, Field(max_length=200)] | None = Field(default=None, description="null removes the title")


class AnsweredJob(Job):
    """An ended job with its result."""

    result: Result | None = Field(default=None, description="null if the job has no result")


class LinkedVideo(AnalysisOptions):
    """A video to fetch from a link, and the options of its analysis."""

    url: str = Field(
        max_length=4096,
        description="`https://…`, or `s3://bucket/key` or `http://…` where `link_schemes` of `GET /v1/limits` has it",
        examples=["https://example.org/recordings/interview.mp4"],
    )


class StoredUpload(AnalysisOptions):
    """A complete resumable upload, and the options of its analysis."""

    upload_id: str = Field(pattern="^[0-9a-f]{32}$", description="last part of the `Location` of `POST /v1/uploads`")


class ResumableUpload(Schema):
    """The state of a resumable upload."""

    upload_id: str
    offset: int = Field(ge=0, description="number of bytes received")
    length: int = Field(ge=0, description="number of bytes of the whole file")
    expires_at: datetime = Field(description="when the upload is erased unless bytes arrive")
    job_id: str | None = Field(default=None, description="of the job that it became; null before")


class JobPage(Schema):
    """One page of jobs, newest first."""

    jobs: list[Job]
    next_cursor: str | None = Field(default=None, description="`cursor` of the next page; null on the last one")


class Alive(Schema):
    """`GET /healthz`: liveness."""

    status: Literal["alive"] = "alive"


class Check(Schema):
    """One readiness check."""

    name: str
    ok: bool
    detail: str | None = Field(default=None, description="reason of a failed check")


class Readiness(Schema):
    """`GET /readyz`: readiness."""

    status: Literal["ready"] = "ready"
    checks: list[Check]


class ServiceLimits(Schema):
    """`GET /v1/limits`: the limits of a video and the retention time of its result."""

    max_upload_bytes: int = Field(description="maximum size of an upload")
    upload_ttl_s: int = Field(
        default=0, description="seconds without a byte after which a resumable upload is erased; 0 without such uploads"
    )
    max_duration_s: Seconds = Field(description="maximum length of a video")
    max_pixels: int = Field(description="maximum number of pixels in a frame")
    max_pictures: int = Field(description="maximum number of pictures in one request to `POST /v1/pictures`")
    max_pictures_bytes: int = Field(description="maximum size of such a request")
    max_picture_pixels: int = Field(description="maximum number of pixels in a picture")
    result_ttl_s: int = Field(description="seconds after the end of a job until it and its result are erased")
    link_schemes: list[str] = Field(
        default=[], description="schemes of links that may be submitted in place of a file; empty if there are none"
    )
    keeps_results: bool = Field(default=False, description="whether results are kept until they are deleted")
    max_kept: int = Field(default=0, description="maximum number of jobs that a client may keep")
    stored_bytes: int | None = Field(
        default=None, description="size of all stored files, at most a minute old; null if keys separate callers"
    )


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
