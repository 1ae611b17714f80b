"""`/v1/jobs`: list, read, keep and erase jobs."""

import hashlib
from typing import Annotated

from fastapi import APIRouter, Header, Query, Response

from duygu.services.api.dependencies import ReadableJob, ReadCaller, ServiceDep, SubmitCaller, WritableJob
from duygu.services.api.http.etags import matches
from duygu.services.api.http.problems import Responses, problems
from duygu.services.api.jobs.serializers import serialize_jobs
from duygu.services.api.studies.exports import erase_exports_of_job
from duygu.shared.config.api_keys import Scope
from duygu.shared.errors import (
    CancelledError,
    CannotKeepError,
    EraseFailedError,
    InvalidRequestError,
    JobNotFoundError,
    TooLargeError,
    TooManyKeptError,
    TooSlowError,
)
from duygu.shared.jobs.queues import webhook_task, withdraw
from duygu.shared.schemas.base import JOB_ID
from duygu.shared.schemas.job import Job, JobChange, JobPage

router = APIRouter(prefix="/v1/jobs", tags=["jobs"])

Cursor = Annotated[
    str | None,
    Query(pattern=f"^({JOB_ID.pattern})?$", description="`next_cursor` of the previous page; empty for the first page"),
]
Limit = Annotated[int, Query(ge=1, le=100, description="maximum number of jobs per page")]


IfNoneMatch = Annotated[str | None, Header(description="`ETag` of an earlier response; 304 if the job has not changed")]

UNCHANGED: Responses = {
    200: {"headers": {"ETag": {"description": "identifies the state of the job", "schema": {"type": "string"}}}},
    304: {"description": "The job has not changed"},
}


@router.get("", responses=problems(InvalidRequestError))
def list_jobs(service: ServiceDep, caller: ReadCaller, cursor: Cursor = None, limit: Limit = 20) -> JobPage:
    """List the stored jobs of the caller, newest first. A key with the scope `admin` lists all jobs."""
    owner = None if Scope.ADMIN in caller.scopes else caller.name
    records, following = service.jobs.page(owner, cursor, limit)
    return JobPage(jobs=serialize_jobs(service, records), next_cursor=following)


@router.get("/{job_id}", response_model=Job, responses={**UNCHANGED, **problems(JobNotFoundError, InvalidRequestError)})
def read_job(record: ReadableJob, service: ServiceDep, if_none_match: IfNoneMatch = None) -> Response:
    """Read the state of a job. With a current `ETag` in `If-None-Match` the response is 304."""
    (job,) = serialize_jobs(service, [record])
    content = job.model_dump_json()
    etag = f'"{hashlib.sha256(content.encode()).hexdigest()[:32]}"'
    headers = {"ETag": etag, "Cache-Control": "private, no-cache"}
    if matches(if_none_match, etag):
        return Response(status_code=304, headers=headers)
    return Response(content, media_type="application/json", headers=headers)


@router.patch(
    "/{job_id}",
    responses=problems(
        JobNotFoundError, InvalidRequestError, CannotKeepError, TooManyKeptError, TooLargeError, TooSlowError
    ),
)
def change_job(record: WritableJob, caller: SubmitCaller, service: ServiceDep, change: JobChange) -> Job:
    """Keep a job, which then does not expire, let it expire again, or give it a title."""
    if change.kept:
        limit = caller.limits.jobs_kept
        service.jobs.keep(record, service.settings.max_kept if limit is None else limit)
    elif change.kept is False:
        service.jobs.release(record)
    if "title" in change.model_fields_set:
        service.jobs.set_title(record.job_id, (change.title or "").strip())
    changed = service.jobs.read(record.job_id)
    if changed is None:
        raise JobNotFoundError
    (job,) = serialize_jobs(service, [changed])
    return job


@router.delete(
    "/{job_id}",
    status_code=204,
    response_class=Response,
    responses=problems(JobNotFoundError, InvalidRequestError, EraseFailedError),
)
def erase_job(record: WritableJob, service: ServiceDep) -> None:
    """Cancel a job that has not ended, and erase its upload, result and events."""
    service.jobs.fail(record.job_id, CancelledError())
    withdraw(service.videos, record.job_id)
    if record.webhook:
        withdraw(service.webhooks, webhook_task(record.job_id))
    erase_exports_of_job(service, record.job_id)
    service.storage.erase(record.job_id)  # before the record, so that a failed deletion can be repeated
    service.jobs.erase(record.job_id)
