"""`GET /v1/jobs/{id}/result`: what was found in a video."""

from fastapi import APIRouter, Response

from services.api.dependencies import KnownJob, TheService
from services.api.problems import problems
from shared.errors import (
    CancelledError,
    DuyguError,
    InvalidRequestError,
    JobNotFoundError,
    ResultExpiredError,
    ResultNotReadyError,
    VideoError,
)
from shared.schemas import JobStatus, Result
from shared.storage import RESULT

router = APIRouter(prefix="/v1/jobs", tags=["jobs"])

MISSING = (
    JobNotFoundError,
    ResultNotReadyError,
    CancelledError,
    ResultExpiredError,
    InvalidRequestError,
    VideoError,
    DuyguError,
)


@router.get("/{job_id}/result", response_model=Result, responses=problems(*MISSING))
def read_result(record: KnownJob, service: TheService) -> Response:
    """Every face of a video, and what it felt when. For a job that failed this answers with the job's error."""
    if record.error:
        raise record.error
    if record.status != JobStatus.SUCCEEDED:
        raise ResultNotReadyError
    try:
        return Response(service.storage.read(record.job_id, RESULT), media_type="application/json")
    except FileNotFoundError as error:
        raise ResultExpiredError from error
