"""`GET /v1/jobs/{id}/video`: the uploaded video, where the service keeps uploads."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from duygu.services.api.dependencies import ReadableJob, ServiceDep
from duygu.services.api.http.byte_ranges import Conditions, file_response
from duygu.services.api.http.problems import problems
from duygu.shared.errors import InvalidRequestError, JobNotFoundError, RangeNotSatisfiableError, VideoNotKeptError
from duygu.shared.schemas.job import JobStatus
from duygu.shared.storage.base import UPLOAD

router = APIRouter(prefix="/v1/jobs", tags=["jobs"])

MEDIA_TYPE = "video/mp4"
"""Browsers determine the format of a video by its content."""


@router.get(
    "/{job_id}/video",
    response_class=Response,
    responses={
        200: {"content": {MEDIA_TYPE: {}}},
        206: {"description": "The byte range that `Range` requests"},
        304: {"description": "The video has not changed"},
        **problems(JobNotFoundError, InvalidRequestError, VideoNotKeptError, RangeNotSatisfiableError),
    },
)
def read_uploaded_video(
    record: ReadableJob, service: ServiceDep, conditions: Annotated[Conditions, Depends()]
) -> Response:
    """Read the uploaded video of a job that has succeeded, where `DUYGU_KEEP_UPLOADS=1`."""
    if record.status != JobStatus.SUCCEEDED or not service.settings.keep_uploads:
        raise VideoNotKeptError
    headers = {"Cache-Control": "private, no-cache", "Content-Disposition": f'attachment; filename="{record.job_id}"'}
    try:
        return file_response(service.storage, record.job_id, UPLOAD, MEDIA_TYPE, conditions, headers)
    except FileNotFoundError as error:
        raise VideoNotKeptError from error
