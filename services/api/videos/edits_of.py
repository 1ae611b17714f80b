"""`edits_of` of `POST /v1/videos`: the job whose edits an annotated video shows."""

from duygu.services.api.service import ServiceContext
from duygu.services.api.videos.submission import Submission
from duygu.shared.config.api_keys import Caller
from duygu.shared.errors import InvalidRequestError, JobNotFoundError, OtherVideoError, ResultNotReadyError
from duygu.shared.jobs.record import JobRecord
from duygu.shared.schemas.job import JobStatus

EDITS_OF_ERRORS = (JobNotFoundError, ResultNotReadyError, OtherVideoError)


def require_edited_job(service: ServiceContext, caller: Caller, job_id: str, *, annotate: bool) -> None:
    """Check, before the video is received, that a job has a result whose edits a video can show.

    Raises InvalidRequestError without `annotate`, JobNotFoundError for a job that does not exist or that the caller may
    not see, and ResultNotReadyError for one that has no result.
    """
    if not annotate:
        raise InvalidRequestError("`edits_of` needs `annotate=true`: the edits are shown by the annotated video")
    if _edited_job(service, caller, job_id).status != JobStatus.SUCCEEDED:
        raise ResultNotReadyError(f"`edits_of` {job_id}: the job has no result")


def require_same_video(service: ServiceContext, submission: Submission) -> None:
    """Check that the received video is that of the job. Raises JobNotFoundError and OtherVideoError."""
    if not (job_id := submission.edits_of):
        return
    known, received = _edited_job(service, submission.caller, job_id).sha256, submission.upload.sha256
    if known != received:
        raise OtherVideoError(f"`edits_of` {job_id} is a job of the video with the sha256 {known}, not {received}")


def _edited_job(service: ServiceContext, caller: Caller, job_id: str) -> JobRecord:
    record = service.jobs.read(job_id)
    if record is None or not caller.may_see(record.owner):
        raise JobNotFoundError(f"`edits_of` {job_id}: there is no such job")
    return record
