"""`GET /v1/jobs/{id}/result`: what was found in a video, in the form that was asked for."""

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query, Response

from duygu.services.api.dependencies import KnownJob, TheService
from duygu.services.api.http.byte_ranges import Conditions, file_response
from duygu.services.api.http.negotiation import preferred
from duygu.services.api.http.problems import problem_response, problems
from duygu.services.api.service import Service
from duygu.shared.errors import (
    CancelledError,
    DuyguError,
    InvalidRequestError,
    JobNotFoundError,
    NotAnnotatedError,
    NotAVideoError,
    RangeNotSatisfiableError,
    ResultExpiredError,
    ResultNotReadyError,
    VideoError,
)
from duygu.shared.exports import EXPORTS, PICTURES, ExportName
from duygu.shared.schemas import JobStatus, Result
from duygu.shared.storage.base import FILM, PLOT, RESULT

router = APIRouter(prefix="/v1/jobs", tags=["jobs"])

MISSING = (
    JobNotFoundError,
    ResultNotReadyError,
    CancelledError,
    ResultExpiredError,
    NotAnnotatedError,
    RangeNotSatisfiableError,
    InvalidRequestError,
    VideoError,
    NotAVideoError,
)


Format = Annotated[ExportName | None, Query(description="form of the answer; goes before `Accept`")]
Accept = Annotated[str, Header(description="media types, with `q` where some are better; the best known one is taken")]

_TYPES = {name: export.media_type.partition(";")[0] for name, export in EXPORTS.items()} | PICTURES
MEDIA_TYPES = {name: _TYPES[name] for name in ExportName}

BY_MEDIA_TYPE = {media_type: name for name, media_type in MEDIA_TYPES.items()}

CONTENT: dict[str, Any] = {media_type: {} for name, media_type in MEDIA_TYPES.items() if name != ExportName.JSON}

FILES = {ExportName.PNG: PLOT, ExportName.MP4: FILM}
"""Where the worker has put the forms that are pictures."""


@router.get(
    "/{job_id}/result",
    response_model=Result,
    responses={
        200: {"content": CONTENT},
        206: {"description": "The part of a picture or film that `Range` asks for"},
        304: {"description": "The picture or film is the one that is known"},
        **problems(*MISSING),
    },
)
def read_result(
    record: KnownJob,
    service: TheService,
    conditions: Annotated[Conditions, Depends()],
    format: Format = None,  # noqa: A002
    accept: Accept = "*/*",
) -> Response:
    """Every face of a video, and what it showed when. For a job that failed this answers with the job's error."""
    if record.error:
        return _failure(record.error)
    if record.status != JobStatus.SUCCEEDED:
        raise ResultNotReadyError
    name = format or BY_MEDIA_TYPE.get(preferred(accept, [*BY_MEDIA_TYPE]) or "", ExportName.JSON)
    if name == ExportName.MP4 and not record.annotate:
        raise NotAnnotatedError
    try:
        if name in FILES:
            return _picture(service, record.job_id, name, conditions)
        content = service.storage.read(record.job_id, RESULT)
    except FileNotFoundError as error:
        raise ResultExpiredError from error
    return _text(content, name, record.job_id)


def _failure(error: DuyguError) -> Response:
    """A failed job's own error. The service has not failed in answering, so what says so becomes a conflict."""
    return problem_response(error, status=HTTPStatus.CONFLICT if error.status >= 500 else error.status)


def _picture(service: Service, job_id: str, name: ExportName, conditions: Conditions) -> Response:
    """A file as it is, or the part of it that a player asks for."""
    headers = {
        "Vary": "Accept",
        "Cache-Control": "private, no-cache",
        "Content-Disposition": f'inline; filename="{job_id}.{name}"',
    }
    return file_response(service.storage, job_id, FILES[name], PICTURES[name], conditions, headers)


def _text(content: bytes, name: ExportName, job_id: str) -> Response:
    export = EXPORTS[name]
    if name == ExportName.JSON:
        return Response(content, media_type=export.media_type, headers={"Vary": "Accept"})
    headers = {"Vary": "Accept", "Content-Disposition": f'attachment; filename="{job_id}.{name}"'}
    text = export.write(Result.model_validate_json(content))
    return Response(text, media_type=export.media_type, headers=headers)
