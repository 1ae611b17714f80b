"""`POST /v1/videos`: hand in a video."""

from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool

from services.api.dependencies import TheService
from services.api.problems import problems
from services.api.service import Service
from services.api.uploads import receive_video
from services.api.views import job_path, job_view
from shared.errors import EmptyFileError, InvalidRequestError, NotAVideoError, QueueFullError, TooLargeError
from shared.jobs import JobRecord, new_job_id
from shared.queues import enqueue_video
from shared.schemas import Job, JobStatus

router = APIRouter(tags=["videos"])

FORM: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["video"],
                    "properties": {"video": {"type": "string", "format": "binary", "description": "The video file"}},
                }
            }
        },
    }
}
"""The body as OpenAPI has it: it is read as it arrives, so the framework cannot know."""

REFUSALS = (InvalidRequestError, EmptyFileError, NotAVideoError, TooLargeError, QueueFullError)


@router.post("/v1/videos", status_code=202, responses=problems(*REFUSALS), openapi_extra=FORM)
async def submit_video(request: Request, response: Response, service: TheService) -> Job:
    """Hand in a video to be analysed. The answer is a job; `Location` is where to ask how it goes."""
    await run_in_threadpool(_refuse_when_full, service)
    job_id = new_job_id()
    with ExitStack() as undo:
        undo.callback(service.storage.erase, job_id)
        upload = await receive_video(request, service.storage, job_id, service.settings.max_upload_bytes)
        record = JobRecord(job_id, JobStatus.QUEUED, datetime.now(UTC), size=upload.size, sha256=upload.sha256)
        await run_in_threadpool(_enqueue, service, record)
        undo.pop_all()
    response.headers["Location"] = job_path(job_id)
    return job_view(record)


def _refuse_when_full(service: Service) -> None:
    if service.videos.count >= service.settings.max_queued:
        raise QueueFullError


def _enqueue(service: Service, record: JobRecord) -> None:
    """Make the job and its task in one step, or neither."""
    with service.redis.pipeline() as pipeline:
        pipeline.multi()
        service.jobs.create(record, pipeline)
        enqueue_video(service.videos, record.job_id, service.settings.job_timeout_s, pipeline)
        pipeline.execute()
