"""`/v1/jobs`: what became of the videos that were handed in."""

import hashlib
from typing import Annotated

from fastapi import APIRouter, Header, Query, Response

from duygu.services.api.dependencies import ChangeableJob, KnownJob, Reader, TheService
from duygu.services.api.http.etags import matches
from duygu.services.api.http.problems import Responses, problems
from duygu.services.api.views import job_view
from duygu.shared.api_keys import Scope
from duygu.shared.errors import CancelledError, EraseFailedError, InvalidRequestError, JobNotFoundError
from duygu.shared.jobs.queues import webhook_task, withdraw
from duygu.shared.schemas import Job, JobPage
from duygu.shared.storage.base import JOB_ID

router = APIRouter(prefix="/v1/jobs", tags=["jobs"])

Cursor = Annotated[
    str | None,
    Query(pattern=f"^({JOB_ID.pattern})?$", description="`next_cursor` of the page before; empty for the first page"),
]
Limit = Annotated[int, Query(ge=1, le=100, description="jobs on a page")]


IfNoneMatch = Annotated[str | None, Header(description="`ETag` of an earlier answer")]

UNCHANGED: Responses = {
    200: {"headers": {"ETag": {"description": "changes with the job", "schema": {"type": "string"}}}},
    304: {"description": "The job is as it was"},
}


@router.get("", responses=problems(InvalidRequestError))
def list_jobs(service: TheService, caller: Reader, cursor: Cursor = None, limit: Limit = 20) -> JobPage:
    """Your jobs that are kept, newest first; an administrator sees everybody's."""
    owner = None if Scope.ADMIN in caller.scopes else caller.name
    records, following = service.jobs.page(owner, cursor, limit)
    return JobPage(jobs=[job_view(record) for record in records], next_cursor=following)


@router.get("/{job_id}", response_model=Job, responses={**UNCHANGED, **problems(JobNotFoundError, InvalidRequestError)})
def read_job(record: KnownJob, if_none_match: IfNoneMatch = None) -> Response:
    """How a job goes. With an earlier answer's `ETag` in `If-None-Match`, nothing is sent until something changed."""
    content = job_view(record).model_dump_json()
    etag = f'"{hashlib.sha256(content.encode()).hexdigest()[:32]}"'
    headers = {"ETag": etag, "Cache-Control": "private, no-cache"}
    if matches(if_none_match, etag):
        return Response(status_code=304, headers=headers)
    return Response(content, media_type="application/json", headers=headers)


@router.delete(
    "/{job_id}",
    status_code=204,
    response_class=Response,
    responses=problems(JobNotFoundError, InvalidRequestError, EraseFailedError),
)
def erase_job(record: ChangeableJob, service: TheService) -> None:
    """Stop a job if it has not ended, and erase its video, its result and everything that was told about it."""
    service.jobs.fail(record.job_id, CancelledError())
    withdraw(service.videos, record.job_id)
    if record.webhook:
        withdraw(service.webhooks, webhook_task(record.job_id))
    service.storage.erase(record.job_id)  # before the record: where it fails, the job is still there to be erased again
    service.jobs.erase(record.job_id)
