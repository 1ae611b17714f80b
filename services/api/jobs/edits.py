"""`/v1/jobs/{id}/edits`: the edits of a result. The computed result never changes."""

from collections.abc import Callable, Sequence
from typing import Annotated

from fastapi import APIRouter, Header, Response

from duygu.services.api.dependencies import ReadableJob, ServiceDep, WritableJob
from duygu.services.api.http.problems import Responses, problems
from duygu.services.api.jobs.stored_result import stored_result
from duygu.services.api.service import ServiceContext
from duygu.shared.errors import (
    BaselineNoFaceError,
    BaselineTooShortError,
    BaselineUnsupportedError,
    EditConflictError,
    FacesOverlapError,
    InvalidEditError,
    InvalidRequestError,
    JobNotFoundError,
    NoEditError,
    ResultExpiredError,
    ResultNotReadyError,
    TooLargeError,
    TooManyEditsError,
    TooSlowError,
    UnknownFaceError,
)
from duygu.shared.jobs.edits import ATTEMPTS, EditList, without_last
from duygu.shared.jobs.record import JobRecord
from duygu.shared.schemas.job import JobStatus
from duygu.shared.workbench.edits.editing import apply_edits
from duygu.shared.workbench.edits.file import EditFile
from duygu.shared.workbench.edits.operations import Edit

router = APIRouter(prefix="/v1/jobs", tags=["edits"])


IfMatch = Annotated[
    str | None, Header(description="`ETag` of the edits that the change is based on; 412 if they have changed since")
]

WITH_ETAG: Responses = {
    200: {"headers": {"ETag": {"description": "version of the edits", "schema": {"type": "string"}}}},
}

READ_ERRORS = (JobNotFoundError, InvalidRequestError)

BASELINE_ERRORS = (BaselineNoFaceError, BaselineTooShortError, BaselineUnsupportedError)

CHANGE_ERRORS = (*READ_ERRORS, ResultNotReadyError, ResultExpiredError, EditConflictError, TooLargeError, TooSlowError)


@router.get("/{job_id}/edits", responses={**WITH_ETAG, **problems(*READ_ERRORS)})
def read_edits(record: ReadableJob, service: ServiceDep, response: Response) -> EditFile:
    """Read the edits of a result. The response is also a file for `duygu edit` and `duygu analyze --edits`."""
    return _edit_file(record, service.edits.read(record.job_id), response)


@router.post(
    "/{job_id}/edits",
    responses={
        **WITH_ETAG,
        **problems(
            *CHANGE_ERRORS,
            *BASELINE_ERRORS,
            InvalidEditError,
            UnknownFaceError,
            FacesOverlapError,
            TooManyEditsError,
        ),
    },
)
def add_edit(
    record: WritableJob, service: ServiceDep, edit: Edit, response: Response, if_match: IfMatch = None
) -> EditFile:
    """Add an edit: `rename`, `merge`, `split`, `exclude`, `include`, `baseline` or `threshold`.

    Results and exports contain it.
    """
    if record.status != JobStatus.SUCCEEDED:
        raise ResultNotReadyError
    result = stored_result(service, record.job_id)

    def add(known: EditList) -> Sequence[Edit]:
        edits = [*known.edits, edit]
        apply_edits(result, edits)  # raises for an edit that does not apply
        return edits

    return _edit_file(record, _change(service, record.job_id, if_match, add), response)


@router.delete(
    "/{job_id}/edits/last",
    responses={**WITH_ETAG, **problems(*READ_ERRORS, EditConflictError, NoEditError)},
)
def undo_edit(record: WritableJob, service: ServiceDep, response: Response, if_match: IfMatch = None) -> EditFile:
    """Undo the last edit. Without edits, the result is the computed one again, byte for byte."""
    return _edit_file(record, _change(service, record.job_id, if_match, without_last), response)


def _change(
    service: ServiceContext, job_id: str, if_match: str | None, change: Callable[[EditList], Sequence[Edit]]
) -> EditList:
    """Apply a change to the edits: once if the client named their version, else until no other change interferes."""
    for _ in range(ATTEMPTS):
        known = service.edits.read(job_id)
        if if_match not in (None, "*", etag(known)):
            raise EditConflictError(f"the edits have version {known.version}; If-Match was {if_match}")
        try:
            return service.edits.replace(job_id, known, change(known))
        except EditConflictError:
            continue
    raise EditConflictError


def etag(edits: EditList) -> str:
    """The entity tag of a version of the edits."""
    return f'"{edits.version}"'


def _edit_file(record: JobRecord, edits: EditList, response: Response) -> EditFile:
    response.headers["ETag"] = etag(edits)
    response.headers["Cache-Control"] = "private, no-cache"
    return EditFile(version=edits.version, sha256=record.sha256 or None, edits=list(edits.edits))
