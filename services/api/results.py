"""`GET /v1/jobs/{id}/result`: what was found in a video, in the form that was asked for."""

from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Response

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
from shared.exports import EXPORTS, ExportName
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


Format = Annotated[ExportName | None, Query(description="form of the answer; goes before `Accept`")]
Accept = Annotated[str, Header(description="media types in order of preference; the first known one is taken")]

CONTENT: dict[str, Any] = {
    export.media_type.partition(";")[0]: {} for name, export in EXPORTS.items() if name != "json"
}


@router.get(
    "/{job_id}/result",
    response_model=Result,
    responses={200: {"content": CONTENT}, **problems(*MISSING)},
)
def read_result(record: KnownJob, service: TheService, format: Format = None, accept: Accept = "*/*") -> Response:  # noqa: A002
    """Every face of a video, and what it felt when. For a job that failed this answers with the job's error."""
    if record.error:
        raise record.error
    if record.status != JobStatus.SUCCEEDED:
        raise ResultNotReadyError
    try:
        content = service.storage.read(record.job_id, RESULT)
    except FileNotFoundError as error:
        raise ResultExpiredError from error
    return _answer(content, format or _preferred(accept), record.job_id)


def _preferred(accept: str) -> ExportName:
    """The first media type of an `Accept` header that there is an export for; JSON where there is none."""
    wanted = [part.partition(";")[0].strip().lower() for part in accept.split(",")]
    known = {export.media_type.partition(";")[0]: name for name, export in EXPORTS.items()}
    return next((known[media_type] for media_type in wanted if media_type in known), ExportName.JSON)


def _answer(content: bytes, name: ExportName, job_id: str) -> Response:
    export = EXPORTS[name]
    if name == ExportName.JSON:
        return Response(content, media_type=export.media_type, headers={"Vary": "Accept"})
    headers = {"Vary": "Accept", "Content-Disposition": f'attachment; filename="{job_id}.{name}"'}
    text = export.write(Result.model_validate_json(content))
    return Response(text, media_type=export.media_type, headers=headers)
