"""Schemas of jobs, of uploads and of webhook messages."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from duygu.shared.schemas.base import Probability, Schema, Seconds
from duygu.shared.schemas.options import DEFAULTS, AnalysisOptions
from duygu.shared.schemas.result import Result


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
    owner: str | None = Field(
        default=None, description="name of the API key that submitted the video; null without API keys"
    )
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
