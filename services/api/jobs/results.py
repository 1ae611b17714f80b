"""`GET /v1/jobs/{id}/result`: the result of a job in one of its formats."""

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query, Response

from duygu.services.api.dependencies import ReadableJob, ServiceDep
from duygu.services.api.http.byte_ranges import Conditions, file_response
from duygu.services.api.http.negotiation import preferred
from duygu.services.api.http.problems import problem_response, problems
from duygu.services.api.jobs.stored_result import (
    blurred_file,
    rendered_file,
    rendered_plot,
    stored_json,
    stored_result,
)
from duygu.services.api.service import ServiceContext
from duygu.shared.errors import (
    CancelledError,
    DuyguError,
    InvalidRequestError,
    JobNotFoundError,
    NotAnnotatedError,
    NotAVideoError,
    NotBlurredError,
    RangeNotSatisfiableError,
    ResultExpiredError,
    ResultNotReadyError,
    VideoError,
    VideoNotKeptError,
)
from duygu.shared.exports import EXPORTS, PICTURES, ExportName, extension_of
from duygu.shared.jobs.edits import EditList
from duygu.shared.schemas.job import JobStatus
from duygu.shared.schemas.result import Result
from duygu.shared.storage.base import ANNOTATED_VIDEO, EDITED_ANNOTATED_VIDEO, EDITED_PLOT, PLOT

router = APIRouter(prefix="/v1/jobs", tags=["jobs"])

ERRORS = (
    JobNotFoundError,
    ResultNotReadyError,
    CancelledError,
    ResultExpiredError,
    NotAnnotatedError,
    RangeNotSatisfiableError,
    InvalidRequestError,
    VideoError,
    NotAVideoError,
    VideoNotKeptError,
    NotBlurredError,
)


Speaking = Annotated[bool, Query(description="mark in subtitles where a person speaks, if `measures` had `movements`")]

Format = Annotated[ExportName | None, Query(description="format of the response; takes precedence over `Accept`")]
Accept = Annotated[str, Header(description="acceptable media types with optional `q` weights")]

_TYPES = {name: export.media_type.partition(";")[0] for name, export in EXPORTS.items()} | PICTURES
MEDIA_TYPES = {name: _TYPES[name] for name in ExportName}

BY_MEDIA_TYPE = {media_type: name for name, media_type in MEDIA_TYPES.items() if name != ExportName.BLURRED}
"""`video/mp4` is the annotated video."""

CONTENT: dict[str, Any] = {media_type: {} for name, media_type in MEDIA_TYPES.items() if name != ExportName.JSON}

Edited = Annotated[bool, Query(description="whether the response contains the edits; false: the computed result")]

FILES = {ExportName.PNG: PLOT, ExportName.MP4: ANNOTATED_VIDEO}
"""Stored files of the formats that the worker renders."""

EDITED_FILES = {ExportName.PNG: EDITED_PLOT, ExportName.MP4: EDITED_ANNOTATED_VIDEO}
"""The same with the edits."""


@router.get(
    "/{job_id}/result",
    response_model=Result,
    responses={
        200: {"content": CONTENT},
        206: {"description": "The byte range of a plot or video that `Range` requests"},
        304: {"description": "The plot or video has not changed"},
        **problems(*ERRORS),
    },
)
def read_result(
    record: ReadableJob,
    service: ServiceDep,
    conditions: Annotated[Conditions, Depends()],
    format: Format = None,  # noqa: A002
    accept: Accept = "*/*",
    edited: Edited = True,
    speaking: Speaking = False,
) -> Response:
    """Read the result of a job: every face and its emotions over time. A failed job responds with its error."""
    if record.error:
        return _job_error(record.error)
    if record.status != JobStatus.SUCCEEDED:
        raise ResultNotReadyError
    name = format or BY_MEDIA_TYPE.get(preferred(accept, [*BY_MEDIA_TYPE]) or "", ExportName.JSON)
    edits = service.edits.read(record.job_id) if edited else EditList()
    if name == ExportName.BLURRED:
        return _stored_file(service, record.job_id, name, blurred_file(service, record.job_id), conditions)
    if name in FILES:
        if name == ExportName.MP4 and not record.annotate:
            raise NotAnnotatedError
        if edits.edits:
            file = rendered_file(service, record.job_id, EDITED_FILES[name], edits)
        else:
            file = rendered_plot(service, record.job_id) if name == ExportName.PNG else FILES[name]
        return _stored_file(service, record.job_id, name, file, conditions)
    return _export(service, record.job_id, name, edits, mark_speaking=speaking)


def _job_error(error: DuyguError) -> Response:
    """The error of a failed job. A server error becomes 409, since the service itself has not failed."""
    return problem_response(error, status=HTTPStatus.CONFLICT if error.status >= 500 else error.status)


def _stored_file(service: ServiceContext, job_id: str, name: ExportName, file: str, conditions: Conditions) -> Response:
    """A rendered file, or the byte range that a player requests. Raises ResultExpiredError."""
    headers = {
        "Vary": "Accept",
        "Cache-Control": "private, no-cache",
        "Content-Disposition": f'inline; filename="{job_id}.{extension_of(name)}"',
    }
    try:
        return file_response(service.storage, job_id, file, PICTURES[name], conditions, headers)
    except FileNotFoundError as error:
        raise ResultExpiredError from error


def _export(
    service: ServiceContext, job_id: str, name: ExportName, edits: EditList, *, mark_speaking: bool
) -> Response:
    export = EXPORTS[name]
    if name == ExportName.JSON:
        content = stored_json(service, job_id, edits)
        return Response(content, media_type=export.media_type, headers={"Vary": "Accept"})
    file = f"{job_id}.{extension_of(name)}"
    headers = {"Vary": "Accept", "Content-Disposition": f'attachment; filename="{file}"'}
    text = export.write(stored_result(service, job_id, edits), mark_speaking=mark_speaking)
    return Response(text, media_type=export.media_type, headers=headers)
