"""Schemas of the service: health and limits."""

from typing import Literal

from pydantic import Field

from duygu.shared.schemas.base import Schema, Seconds


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
    max_studies: int = Field(default=0, description="maximum number of studies that a client may keep")
    stored_bytes: int | None = Field(
        default=None, description="size of all stored files, at most a minute old; null if keys separate callers"
    )
