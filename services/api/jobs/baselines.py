"""`/v1/jobs/{id}/baseline`: the resting face in a recording, as baseline of another one."""

from typing import Annotated

from fastapi import APIRouter, Query

from duygu.services.api.dependencies import ReadableJob, ServiceDep
from duygu.services.api.http.problems import problems
from duygu.services.api.jobs.stored_result import stored_result
from duygu.services.api.service import ServiceContext
from duygu.shared.baselines.recordings import recorded_baseline, require_same_model
from duygu.shared.config.api_keys import Caller
from duygu.shared.errors import (
    BaselineNoFaceError,
    BaselineSeveralFacesError,
    BaselineTooShortError,
    BaselineUnsupportedError,
    InvalidBaselineError,
    InvalidRequestError,
    JobNotFoundError,
    ResultExpiredError,
    ResultNotReadyError,
    UnknownFaceError,
)
from duygu.shared.jobs.record import JobRecord
from duygu.shared.schemas.job import JobStatus
from duygu.shared.schemas.options import AnalysisOptions
from duygu.shared.schemas.result import RecordedBaseline

router = APIRouter(prefix="/v1/jobs", tags=["edits"])

BASELINE_ERRORS = (
    BaselineNoFaceError,
    BaselineSeveralFacesError,
    BaselineTooShortError,
    BaselineUnsupportedError,
)

FaceId = Annotated[int | None, Query(ge=1, description="whose, if the recording has several faces")]


@router.get(
    "/{job_id}/baseline",
    responses=problems(
        JobNotFoundError,
        InvalidRequestError,
        ResultNotReadyError,
        ResultExpiredError,
        UnknownFaceError,
        *BASELINE_ERRORS,
    ),
)
def read_baseline(record: ReadableJob, service: ServiceDep, face_id: FaceId = None) -> RecordedBaseline:
    """The resting face in a recording, for the edit `baseline` of another result of the same person.

    It is the mean over the whole recording. Edits apply: a face that is excluded is not among the faces.
    """
    if record.status != JobStatus.SUCCEEDED:
        raise ResultNotReadyError
    return _baseline(service, record, face_id)


def require_baseline_job(service: ServiceContext, caller: Caller, options: AnalysisOptions) -> None:
    """Check the job whose recording is the baseline of an analysis, if the options name one.

    Raises InvalidBaselineError for a job that does not exist, belongs to another caller or has no result, and a
    BaselineError for a recording that cannot be a baseline.
    """
    if (job_id := options.baseline_job) is None:
        return
    record = service.jobs.read(job_id)
    if record is None or not caller.may_see(record.owner):
        raise InvalidBaselineError(f"`baseline` {job_id}: there is no such job")
    if record.status != JobStatus.SUCCEEDED:
        raise InvalidBaselineError(f"`baseline` {job_id}: the job has no result; it is {record.status}")
    try:
        require_same_model(_baseline(service, record, None), service.model)
    except ResultExpiredError as error:
        raise InvalidBaselineError(f"`baseline` {job_id}: the result of the job was deleted") from error


def _baseline(service: ServiceContext, record: JobRecord, face_id: int | None) -> RecordedBaseline:
    edits = service.edits.read(record.job_id)
    return recorded_baseline(stored_result(service, record.job_id, edits), face_id)
