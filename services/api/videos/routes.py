"""`POST /v1/videos`: submit a video for analysis."""

import logging
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from redis.exceptions import RedisError

from duygu.services.api.dependencies import ServiceDep, SubmitCaller
from duygu.services.api.http.problems import Responses, problems
from duygu.services.api.service import ServiceContext
from duygu.services.api.videos.json_body import is_json, read_json
from duygu.services.api.videos.multipart_form import Upload
from duygu.services.api.videos.prefer import respond, wait_s
from duygu.services.api.videos.submission import Submission, submit
from duygu.services.api.videos.uploads import declared_size, receive_video
from duygu.shared.analysis_options import ERRORS as OPTION_ERRORS
from duygu.shared.analysis_options import AnalysisOptions, require_labels
from duygu.shared.api_keys import Caller
from duygu.shared.broker import keys
from duygu.shared.config import MB
from duygu.shared.errors import (
    DuyguError,
    EmptyFileError,
    IdempotencyMismatchError,
    InvalidRequestError,
    LinkRefusedError,
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
from duygu.shared.jobs.quotas import Charge, charge, count_bytes, count_upload, refund
from duygu.shared.jobs.record import JobRecord, new_job_id
from duygu.shared.schemas import AnsweredJob, Job, LinkedVideo
from duygu.shared.webhooks import check_endpoint

logger = logging.getLogger(__name__)

router = APIRouter(tags=["videos"])

LOCATION = {"Location": {"description": "path of the job", "schema": {"type": "string"}}}

FORM: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["video"],
                    "properties": {
                        "video": {"type": "string", "format": "binary", "description": "the video file"},
                        **AnalysisOptions.model_json_schema()["properties"],
                    },
                },
                "encoding": {"labels": {"style": "form", "explode": True}},
            },
            "application/json": {
                "schema": LinkedVideo.model_json_schema(),
                "examples": {
                    "link": {
                        "summary": "A link, of which half a minute is analysed",
                        "value": {
                            "url": "https://example.org/recordings/interview.mp4?signature=3f9a",
                            "start_s": 60,
                            "end_s": 90,
                        },
                    }
                },
            },
        },
    }
}
"""The request body in OpenAPI. The handler reads the stream itself, so the framework cannot derive it."""

Prefer = Annotated[
    str | None,
    Header(description="`wait=N`: delay the response until the job has ended, for at most N seconds (RFC 7240)"),
]

IdempotencyKey = Annotated[
    str | None,
    Header(
        min_length=1,
        max_length=255,
        description="client-generated key, unique per video; repeating it returns the same job",
    ),
]

Reuse = Annotated[
    bool, Query(description="return an earlier job of the same file or, for a link, of the same link, if there is one")
]

Annotate = Annotated[
    bool, Query(description="also create an annotated video, available as `?format=mp4` of the result")
]

Blurred = Annotated[
    bool,
    Query(description="also create the video with every face covered, available as `?format=blurred` of the result"),
]

WebhookUrl = Annotated[str | None, Header(description="URL that receives a signed message at the end of the job")]

ERRORS: tuple[type[DuyguError], ...] = (
    InvalidRequestError,
    *OPTION_ERRORS.values(),
    EmptyFileError,
    IdempotencyMismatchError,
    NotAVideoError,
    TooLargeError,
    TooSlowError,
    WebhookRefusedError,
    LinkRefusedError,
    RateLimitedError,
    QueueFullError,
    StorageFullError,
)

ANSWERS: Responses = {
    200: {
        "model": AnsweredJob,
        "description": "The job has ended: with its result, if it succeeded",
    },
    202: {"description": "The job is queued or running", "headers": LOCATION},
    **problems(*ERRORS),
}


@router.post("/v1/videos", status_code=202, response_model=Job, responses=ANSWERS, openapi_extra=FORM)
async def submit_video(
    request: Request,
    service: ServiceDep,
    caller: SubmitCaller,
    idempotency_key: IdempotencyKey = None,
    reuse: Reuse = False,
    annotate: Annotate = False,
    blurred: Blurred = False,
    webhook_url: WebhookUrl = None,
    prefer: Prefer = None,
) -> Response:
    """Submit a video for analysis: as a file, or as a link to one. The response is a job, and `Location` is its path.

    With `Prefer: wait=N` the response is delayed until the job has ended, for at most N seconds, and includes the
    result. With an `Idempotency-Key` the request can be repeated after a lost response: the same key and the same video
    give the same job.
    """
    admission = await run_in_threadpool(_admit, service, caller, request, idempotency_key)
    _check_webhook(service, webhook_url)
    draft = Submission(
        new_job_id(), Upload(0, ""), idempotency_key, reuse, caller, annotate, blurred, webhook_url or ""
    )
    accept = _accept_named if is_json(request) else _accept_form
    record = await accept(request, service, draft, admission)
    return await respond(service, record, wait_s(prefer))


async def _accept_form(
    request: Request, service: ServiceContext, draft: Submission, admission: "Admission"
) -> JobRecord:
    """Store the video of a form, and create or find its job."""
    async with AsyncExitStack() as undo:
        undo.push_async_callback(run_in_threadpool, _discard, service, draft.job_id)
        upload = await receive_video(request, service.storage, draft.job_id, service.settings)
        require_labels(upload.options, service.model.labels)
        try:
            record = await run_in_threadpool(_accept, service, replace(draft, upload=upload), admission)
        except RedisError:
            undo.pop_all()  # the job may exist nevertheless; otherwise the sweeper deletes the upload
            raise
        if record.job_id == draft.job_id:
            undo.pop_all()
    return record


async def _accept_named(
    request: Request, service: ServiceContext, draft: Submission, admission: "Admission"
) -> JobRecord:
    """Create or find the job of a video that the JSON body names."""
    named = await read_json(request, service.settings.body_timeout_s)
    require_labels(named.options, service.model.labels)
    service.link_policy.check(named.link)
    submission = replace(draft, upload=Upload(0, "", named.options), link=named.link, url=named.url)
    return await run_in_threadpool(_accept, service, submission, admission)


@dataclass(frozen=True, slots=True)
class Admission:
    """An upload that may begin."""

    charged: Charge | None = None  # quota of the caller that is used already
    repeats: bool = False  # its `Idempotency-Key` belongs to a job, so it is presumed to be a free repetition


def _admit(service: ServiceContext, caller: Caller, request: Request, idempotency_key: str | None) -> Admission:
    """Check size, queue, disk space and quotas before the body is read, and count the upload.

    A repetition creates no job: neither a full queue nor a quota applies to it.
    """
    settings = service.settings
    size = declared_size(request, settings.max_upload_bytes)
    known = idempotency_key is not None and service.jobs.find_by_index_key(
        keys.idempotency(caller.name, idempotency_key)
    )
    if not known and waiting(service.videos) >= settings.max_queued:
        raise QueueFullError(f"{settings.max_queued} jobs are queued, the limit of DUYGU_MAX_QUEUED")
    if service.storage.free_bytes() < size + settings.min_free_mb * MB:
        raise StorageFullError
    return Admission(repeats=True) if known else Admission(count_upload(service.redis, caller))


def _accept(service: ServiceContext, submission: Submission, admission: Admission) -> JobRecord:
    """Count the received bytes, and create a job or find the existing one.

    The quota is returned when too many jobs are waiting by now, or when the upload repeats a concurrent one. A presumed
    repetition with a different video is counted after all.
    """
    redis, caller, size = service.redis, submission.caller, submission.upload.size
    arrived = None if admission.repeats else count_bytes(redis, caller, size)
    try:
        record = submit(service, submission)
    except RateLimitedError:
        refund(redis, admission.charged)
        refund(redis, arrived)
        raise
    except IdempotencyMismatchError:
        if admission.repeats:
            charge(redis, caller, size)
        raise
    is_new = record.job_id == submission.job_id
    if is_new and admission.repeats:
        charge(redis, caller, size)  # the earlier job was erased meanwhile
    elif not is_new and submission.idempotency_key is not None and not submission.reuse:
        refund(redis, admission.charged)
        refund(redis, arrived)
    return record


def _discard(service: ServiceContext, job_id: str) -> None:
    """Erase an upload without a job. If that fails, the sweeper retries; the response reports the original error."""
    try:
        service.storage.erase(job_id)
    except UnavailableError as error:
        logger.error("the upload of job %s could not be erased; the sweeper retries: %s", job_id, error.detail)


def _check_webhook(service: ServiceContext, url: str | None) -> None:
    if url is None:
        return
    if not service.settings.webhooks:
        raise WebhookRefusedError("Webhooks are disabled: DUYGU_WEBHOOK_SECRET is not set")
    check_endpoint(url, service.webhook_policy)
