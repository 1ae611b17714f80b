"""`POST /v1/videos`: hand in a video."""

import logging
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from redis.exceptions import RedisError

from duygu.services.api.dependencies import Submitter, TheService
from duygu.services.api.http.problems import Responses, problems
from duygu.services.api.service import Service
from duygu.services.api.videos.prefer import answer, wait_s
from duygu.services.api.videos.submission import Submission, submit
from duygu.services.api.videos.uploads import receive_video, stated_size
from duygu.shared.api_keys import Caller
from duygu.shared.broker import keys
from duygu.shared.config import MB
from duygu.shared.errors import (
    EmptyFileError,
    IdempotencyMismatchError,
    InvalidRequestError,
    NotAVideoError,
    QueueFullError,
    RateLimitedError,
    StorageFullError,
    TooLargeError,
    TooSlowError,
    UnavailableError,
    WebhookRefusedError,
)
from duygu.shared.jobs.queues import waiting
from duygu.shared.jobs.quotas import Counted, charge, give_back, take_bytes, take_upload
from duygu.shared.jobs.record import JobRecord, new_job_id
from duygu.shared.schemas import AnsweredJob, Job
from duygu.shared.webhooks import check_target

logger = logging.getLogger(__name__)

router = APIRouter(tags=["videos"])

LOCATION = {"Location": {"description": "where the job is", "schema": {"type": "string"}}}

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

Prefer = Annotated[str | None, Header(description="`wait=N`: wait up to N seconds for the end of the job (RFC 7240)")]

IdempotencyKey = Annotated[
    str | None, Header(min_length=1, max_length=255, description="a text of your own choice, new for each video")
]

Reuse = Annotated[bool, Query(description="answer with an earlier job that analysed the same bytes, if there is one")]

Annotate = Annotated[
    bool, Query(description="also make the video with what was found in it: `?format=mp4` of the result")
]

WebhookUrl = Annotated[str | None, Header(description="address that the end of the job is posted to, signed")]

REFUSALS = (
    InvalidRequestError,
    EmptyFileError,
    IdempotencyMismatchError,
    NotAVideoError,
    TooLargeError,
    TooSlowError,
    WebhookRefusedError,
    RateLimitedError,
    QueueFullError,
    StorageFullError,
)

ANSWERS: Responses = {
    200: {"model": AnsweredJob, "description": "The job ended while it was waited for"},
    202: {"description": "The job waits or runs", "headers": LOCATION},
    **problems(*REFUSALS),
}


@router.post("/v1/videos", status_code=202, response_model=Job, responses=ANSWERS, openapi_extra=FORM)
async def submit_video(
    request: Request,
    service: TheService,
    caller: Submitter,
    idempotency_key: IdempotencyKey = None,
    reuse: Reuse = False,
    annotate: Annotate = False,
    webhook_url: WebhookUrl = None,
    prefer: Prefer = None,
) -> Response:
    """Hand in a video to be analysed. The answer is a job; `Location` is where to ask how it goes.

    With `Prefer: wait=N` the answer waits up to N seconds for the job to end, and then has the result in it.
    With an `Idempotency-Key` the call may be repeated when its answer was lost: the same key and the same video give
    the same job.
    """
    admission = await run_in_threadpool(_admit, service, caller, request, idempotency_key)
    _check_webhook(service, webhook_url)
    job_id = new_job_id()
    async with AsyncExitStack() as undo:
        undo.push_async_callback(run_in_threadpool, _discard, service, job_id)
        upload = await receive_video(request, service.storage, job_id, service.settings)
        submission = Submission(job_id, upload, idempotency_key, reuse, caller, annotate, webhook_url or "")
        try:
            record = await run_in_threadpool(_accept, service, submission, admission)
        except RedisError:
            undo.pop_all()  # the job may be there all the same; where it is not, the sweeper takes the upload
            raise
        if record.job_id == job_id:
            undo.pop_all()
    return await answer(service, record, wait_s(prefer))


@dataclass(frozen=True, slots=True)
class Admission:
    """An upload that may begin."""

    counted: Counted | None = None  # what of the caller's limits it has used already
    repeats: bool = False  # its `Idempotency-Key` stands for a job: it is taken for a repetition, which costs nothing


def _admit(service: Service, caller: Caller, request: Request, idempotency_key: str | None) -> Admission:
    """Refuse what is known to be too much before a byte of it is read, and count what is not.

    A repetition makes no job: neither a full queue nor a limit of the caller's stands in its way.
    """
    settings = service.settings
    size = stated_size(request, settings.max_upload_bytes)
    known = idempotency_key is not None and service.jobs.claimant(keys.idempotency(caller.name, idempotency_key))
    if not known and waiting(service.videos) >= settings.max_queued:
        raise QueueFullError(f"{settings.max_queued} jobs are queued, the limit of DUYGU_MAX_QUEUED")
    if service.storage.free_bytes() < size + settings.min_free_mb * MB:
        raise StorageFullError
    return Admission(repeats=True) if known else Admission(take_upload(service.redis, caller))


def _accept(service: Service, submission: Submission, admission: Admission) -> JobRecord:
    """Count what has arrived, and make a job of it or find the one that it stands for.

    What was counted is taken back when too many jobs wait by now, or when the upload repeats another one that arrived
    at the same time. A repetition that is none, as its video is another one, is counted after all.
    """
    redis, caller, size = service.redis, submission.caller, submission.upload.size
    arrived = None if admission.repeats else take_bytes(redis, caller, size)
    try:
        record = submit(service, submission)
    except RateLimitedError:
        give_back(redis, admission.counted)
        give_back(redis, arrived)
        raise
    except IdempotencyMismatchError:
        if admission.repeats:
            charge(redis, caller, size)
        raise
    is_new = record.job_id == submission.job_id
    if is_new and admission.repeats:
        charge(redis, caller, size)  # the earlier job was erased meanwhile
    elif not is_new and submission.idempotency_key is not None and not submission.reuse:
        give_back(redis, admission.counted)
        give_back(redis, arrived)
    return record


def _discard(service: Service, job_id: str) -> None:
    """Erase an upload that became no job. Where that fails the sweeper tries again; the answer has its own reason."""
    try:
        service.storage.erase(job_id)
    except UnavailableError as error:
        logger.error("the upload of job %s is left to the sweeper: %s", job_id, error.detail)


def _check_webhook(service: Service, url: str | None) -> None:
    if url is None:
        return
    if not service.settings.webhooks:
        raise WebhookRefusedError("Webhooks are disabled: DUYGU_WEBHOOK_SECRET is not set")
    check_target(url, service.networks)
