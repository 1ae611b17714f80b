"""`POST /v1/jobs`: a result that was made elsewhere, as by a live session or `duygu analyze --json`, becomes a job."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import ValidationError

from duygu.services.api.dependencies import ServiceDep, SubmitCaller
from duygu.services.api.http.problems import Responses, problems
from duygu.services.api.jobs.result_checks import check_result
from duygu.services.api.jobs.serializers import job_path, serialize_jobs
from duygu.services.api.service import ServiceContext
from duygu.shared.config.api_keys import Caller
from duygu.shared.config.settings import MB
from duygu.shared.errors import (
    ForbiddenError,
    InvalidRequestError,
    InvalidResultError,
    JobNotFoundError,
    RateLimitedError,
    StorageFullError,
    TooLargeError,
    TooSlowError,
    UnauthorizedError,
)
from duygu.shared.jobs.queues import enqueue_render
from duygu.shared.jobs.quotas import count_bytes, count_upload
from duygu.shared.jobs.record import JobRecord, new_job_id
from duygu.shared.model.recipe import explain
from duygu.shared.schemas.job import Job, JobStatus
from duygu.shared.schemas.result import Result
from duygu.shared.storage.base import PLOT, RESULT

router = APIRouter(prefix="/v1/jobs", tags=["jobs"])

Title = Annotated[str | None, Query(max_length=200, description="title of the job")]

ERRORS = (
    UnauthorizedError,
    ForbiddenError,
    InvalidRequestError,
    InvalidResultError,
    TooLargeError,
    TooSlowError,
    RateLimitedError,
    StorageFullError,
)

BODY = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Result"}}},
    }
}

RESPONSES: Responses = {
    201: {"headers": {"Location": {"description": "path of the job", "schema": {"type": "string"}}}},
    **problems(*ERRORS),
}


@router.post("", status_code=201, response_model=Job, responses=RESPONSES, openapi_extra=BODY)
async def import_result(
    request: Request, response: Response, service: ServiceDep, caller: SubmitCaller, title: Title = None
) -> Job:
    """Store a result as a job that has succeeded. It is listed, edited, labelled, exported and erased as any other.

    The video is not stored: a page plays the file that the person chooses, compared by the `sha256` of the result.
    """
    content = await request.body()
    job = await run_in_threadpool(_store, service, _Import(content, caller, (title or "").strip()))
    response.headers["Location"] = job_path(job.job_id)
    return job


@dataclass(frozen=True, slots=True)
class _Import:
    """A result to store."""

    content: bytes
    caller: Caller
    title: str


def _store(service: ServiceContext, given: _Import) -> Job:
    result = _parsed(given.content)
    if service.storage.free_bytes() < len(given.content) + service.settings.min_free_mb * MB:
        raise StorageFullError
    count_upload(service.redis, given.caller)
    count_bytes(service.redis, given.caller, len(given.content))
    job_id = new_job_id()
    with service.storage.writer(job_id, RESULT) as file:
        file.write(result.model_copy(update={"job_id": job_id}).model_dump_json().encode())
    record = _create(service, job_id, result, given)
    enqueue_render(service.videos, job_id, PLOT, 0, service.settings.job_timeout_s)
    (job,) = serialize_jobs(service, [record])
    return job


def _parsed(content: bytes) -> Result:
    try:
        result = Result.read(content)
    except ValidationError as error:
        raise InvalidResultError(f"The body is not a result: {explain(error)[:300]}") from error
    check_result(result)
    return result


def _create(service: ServiceContext, job_id: str, result: Result, given: _Import) -> JobRecord:
    """The record of the job, which has succeeded."""
    record = JobRecord(
        job_id,
        JobStatus.QUEUED,
        datetime.now(UTC),
        sha256=result.video.sha256 or "",
        owner=given.caller.name,
        title=given.title,
        kept=service.settings.keeps_results,
    )
    with service.redis.pipeline() as pipeline:
        service.jobs.create(record, pipeline)
        pipeline.execute()
    begun = service.jobs.begin(job_id)
    if begun:
        service.jobs.succeed(job_id, begun.events + 1, faces=len(result.faces))
    stored = service.jobs.read(job_id)
    if stored is None:
        raise JobNotFoundError
    return stored
