"""`POST /v1/videos`: submit a video for analysis."""

from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from redis.exceptions import RedisError

from duygu.services.api.dependencies import ServiceDep, SubmitCaller
from duygu.services.api.http.problems import Responses, problems
from duygu.services.api.jobs.baselines import BASELINE_ERRORS, require_baseline_job
from duygu.services.api.service import ServiceContext
from duygu.services.api.videos.admission import accept, admit, discard
from duygu.services.api.videos.edits_of import EDITS_OF_ERRORS, require_edited_job, require_same_video
from duygu.services.api.videos.json_body import is_json
from duygu.services.api.videos.multipart_form import Upload
from duygu.services.api.videos.named_video import submit_named
from duygu.services.api.videos.prefer import respond, wait_s
from duygu.services.api.videos.submission import Submission
from duygu.services.api.videos.uploads import declared_size, receive_video
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
    UploadIncompleteError,
    UploadLockedError,
    UploadNotFoundError,
    WebhookRefusedError,
)
from duygu.shared.jobs.record import JobRecord, new_job_id
from duygu.shared.network.webhooks import check_endpoint
from duygu.shared.schemas.base import JOB_ID
from duygu.shared.schemas.job import AnsweredJob, Job, LinkedVideo, StoredUpload
from duygu.shared.schemas.options import ERRORS as OPTION_ERRORS
from duygu.shared.schemas.options import AnalysisOptions, require_labels

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
                "schema": {"oneOf": [LinkedVideo.model_json_schema(), StoredUpload.model_json_schema()]},
                "examples": {
                    "link": {
                        "summary": "A link, of which half a minute is analysed",
                        "value": {
                            "url": "https://example.org/recordings/interview.mp4?signature=3f9a",
                            "start_s": 60,
                            "end_s": 90,
                        },
                    },
                    "upload": {
                        "summary": "A complete upload of `/v1/uploads`",
                        "value": {"upload_id": "019ad3c1f0a84b1c9b2e7d6f5a40c3e1", "max_faces": 2},
                    },
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

EditsOf = Annotated[
    str | None,
    Query(
        pattern=JOB_ID.pattern,
        description="finished job of the same file: the annotated video shows its faces with its edits",
    ),
]

WebhookUrl = Annotated[str | None, Header(description="URL that receives a signed message at the end of the job")]

ERRORS: tuple[type[DuyguError], ...] = (
    InvalidRequestError,
    *OPTION_ERRORS.values(),
    *BASELINE_ERRORS,
    *EDITS_OF_ERRORS,
    EmptyFileError,
    IdempotencyMismatchError,
    NotAVideoError,
    TooLargeError,
    TooSlowError,
    WebhookRefusedError,
    LinkRefusedError,
    UploadNotFoundError,
    UploadIncompleteError,
    UploadLockedError,
    RateLimitedError,
    QueueFullError,
    StorageFullError,
)

RESPONSES: Responses = {
    200: {
        "model": AnsweredJob,
        "description": "The job has ended: with its result, if it succeeded",
    },
    202: {"description": "The job is queued or running", "headers": LOCATION},
    **problems(*ERRORS),
}


@router.post("/v1/videos", status_code=202, response_model=Job, responses=RESPONSES, openapi_extra=FORM)
async def submit_video(
    request: Request,
    service: ServiceDep,
    caller: SubmitCaller,
    idempotency_key: IdempotencyKey = None,
    reuse: Reuse = False,
    annotate: Annotate = False,
    blurred: Blurred = False,
    edits_of: EditsOf = None,
    webhook_url: WebhookUrl = None,
    prefer: Prefer = None,
) -> Response:
    """Submit a video for analysis: as a file, as a link, or as a resumable upload. The response is a job.

    With `Prefer: wait=N` the response is delayed until the job has ended, for at most N seconds, and includes the
    result. With an `Idempotency-Key` the request can be repeated after a lost response: the same key and the same video
    give the same job.
    """
    _check_webhook(service, webhook_url)
    if edits_of:
        await run_in_threadpool(require_edited_job, service, caller, edits_of, annotate=annotate)
    draft = Submission(
        new_job_id(),
        Upload(0, ""),
        idempotency_key,
        reuse,
        caller,
        annotate,
        blurred,
        edits_of or "",
        webhook_url or "",
    )
    submit_body = submit_named if is_json(request) else _submit_form
    record = await submit_body(request, service, draft)
    return await respond(service, record, wait_s(prefer))


async def _submit_form(request: Request, service: ServiceContext, draft: Submission) -> JobRecord:
    """Store the video of a form, and create or find its job."""
    size = declared_size(request, service.settings.max_upload_bytes)
    admission = await run_in_threadpool(admit, service, draft.caller, size, draft.idempotency_key)
    async with AsyncExitStack() as undo:
        undo.push_async_callback(run_in_threadpool, discard, service, draft.job_id)
        upload = await receive_video(request, service.storage, draft.job_id, service.settings)
        submission = replace(draft, upload=upload)
        await run_in_threadpool(require_same_video, service, submission)
        require_labels(upload.options, service.model.labels)
        await run_in_threadpool(require_baseline_job, service, draft.caller, upload.options)
        try:
            record = await run_in_threadpool(accept, service, submission, admission)
        except RedisError:
            undo.pop_all()  # the job may exist nevertheless; otherwise the sweeper deletes the upload
            raise
        if record.job_id == draft.job_id:
            undo.pop_all()
    return record


def _check_webhook(service: ServiceContext, url: str | None) -> None:
    if url is None:
        return
    if not service.settings.webhooks:
        raise WebhookRefusedError("Webhooks are disabled: DUYGU_WEBHOOK_SECRET is not set")
    check_endpoint(url, service.webhook_policy)
