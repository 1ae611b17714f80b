"""`/v1/studies`: studies that the service keeps, and their tables as a ZIP."""

from typing import Annotated

from fastapi import APIRouter, Depends, Header, Path, Query, Response
from fastapi.concurrency import run_in_threadpool

from duygu.services.api.dependencies import ReadCaller, ServiceDep, SubmitCaller
from duygu.services.api.http.byte_ranges import Conditions
from duygu.services.api.http.problems import Responses, problems
from duygu.services.api.service import ServiceContext
from duygu.services.api.studies.exports import WAIT_S, erase_exports_of_study, respond
from duygu.services.api.studies.orders import CheckedStudy, check, named_jobs, order_of
from duygu.services.api.videos.prefer import WAIT, wait_s
from duygu.shared.config.api_keys import Caller, Scope
from duygu.shared.errors import (
    EraseFailedError,
    InvalidRequestError,
    InvalidStudyError,
    JobNotFoundError,
    QueueFullError,
    RangeNotSatisfiableError,
    RateLimitedError,
    ResultNotReadyError,
    StudyConflictError,
    StudyNotFoundError,
    TooLargeError,
    TooManyStudiesError,
    TooSlowError,
)
from duygu.shared.schemas.base import JOB_ID
from duygu.shared.schemas.study import Study, StudyContent, StudyExport, StudyJob, StudyLinks, StudyPage, StudySummary
from duygu.shared.workbench.sheets.exports import ExportOrder
from duygu.shared.workbench.sheets.kept import paths_of
from duygu.shared.workbench.sheets.store import ANY, StudyRecord

router = APIRouter(prefix="/v1/studies", tags=["studies"])

MAX_NAMED = 200
"""Maximum number of jobs in the query of an export; a kept study may have more."""

Jobs = Annotated[
    str,
    Query(min_length=1, max_length=33 * MAX_NAMED, description=f"ids of at most {MAX_NAMED} jobs, separated by commas"),
]
Prefer = Annotated[
    str | None, Header(description=f"`wait=N` waits up to N seconds, at most 60, for the ZIP; {WAIT_S} without it")
]
IfMatch = Annotated[str | None, Header(description="`ETag` of the study that is replaced; 412 if it has changed since")]
Cursor = Annotated[
    str | None,
    Query(pattern=f"^({JOB_ID.pattern})?$", description="`next_cursor` of the previous page; empty for the first page"),
]
Limit = Annotated[int, Query(ge=1, le=100, description="maximum number of studies per page")]

ETAG = {"ETag": {"description": "version of the study", "schema": {"type": "string"}}}

ZIPPED: Responses = {
    200: {"content": {"application/zip": {}}, "description": "The ZIP of the tables"},
    202: {
        "model": StudyExport,
        "description": "The ZIP is being computed; repeat the request",
        "headers": {"Retry-After": {"description": "seconds after which to repeat it", "schema": {"type": "integer"}}},
    },
    206: {"description": "The byte range of the ZIP that `Range` requests"},
    304: {"description": "The ZIP has not changed"},
}

EXPORT_ERRORS = (
    InvalidRequestError,
    InvalidStudyError,
    ResultNotReadyError,
    RateLimitedError,
    QueueFullError,
    RangeNotSatisfiableError,
)

BODY_ERRORS = (InvalidRequestError, TooLargeError, TooSlowError)


def _find(service: ServiceContext, caller: Caller, study_id: str) -> StudyRecord:
    """A study of the caller. The studies of other callers are reported as missing."""
    record = service.studies.read(study_id) if JOB_ID.fullmatch(study_id) else None
    if record is None or not caller.may_see(record.owner):
        raise StudyNotFoundError
    return record


StudyId = Annotated[str, Path(description="`study_id` of the study")]


def _to_read(service: ServiceDep, caller: ReadCaller, study_id: StudyId) -> StudyRecord:
    return _find(service, caller, study_id)


def _to_change(service: ServiceDep, caller: SubmitCaller, study_id: StudyId) -> StudyRecord:
    return _find(service, caller, study_id)


ReadableStudy = Annotated[StudyRecord, Depends(_to_read)]
WritableStudy = Annotated[StudyRecord, Depends(_to_change)]


@router.get("", responses=problems(InvalidRequestError))
def list_studies(service: ServiceDep, caller: ReadCaller, cursor: Cursor = None, limit: Limit = 20) -> StudyPage:
    """List the studies of the caller, newest first. A key with the scope `admin` lists all studies."""
    owner = None if Scope.ADMIN in caller.scopes else caller.name
    records, following = service.studies.page(owner, cursor, limit)
    return StudyPage(studies=[_summary(record) for record in records], next_cursor=following)


@router.post(
    "",
    status_code=201,
    responses={201: {"headers": ETAG}, **problems(*BODY_ERRORS, TooManyStudiesError)},
)
def create_study(service: ServiceDep, caller: SubmitCaller, content: StudyContent, response: Response) -> Study:
    """Keep a study. It may be incomplete: `faults` lists what has to be corrected before it can be exported."""
    limit = caller.limits.studies
    record = service.studies.create(caller.name, content, service.settings.max_studies if limit is None else limit)
    response.headers["Location"] = _path(record.study_id)
    return _study(service, caller, record, response)


@router.get(
    "/export",
    response_class=Response,
    responses={**ZIPPED, **problems(JobNotFoundError, *EXPORT_ERRORS)},
)
async def export_jobs(
    service: ServiceDep,
    caller: ReadCaller,
    conditions: Annotated[Conditions, Depends()],
    jobs: Jobs,
    prefer: Prefer = None,
) -> Response:
    """The tables of `duygu study` over jobs, as a ZIP, each job being a participant of its own."""
    order = await run_in_threadpool(_order_of_jobs, service, caller, jobs)
    return await respond(service, order, _seconds(prefer), conditions)


@router.get("/{study_id}", responses={200: {"headers": ETAG}, **problems(StudyNotFoundError, InvalidRequestError)})
def read_study(record: ReadableStudy, service: ServiceDep, caller: ReadCaller, response: Response) -> Study:
    """Read a study."""
    return _study(service, caller, record, response)


@router.put(
    "/{study_id}",
    responses={200: {"headers": ETAG}, **problems(StudyNotFoundError, StudyConflictError, *BODY_ERRORS)},
)
def replace_study(
    record: WritableStudy,
    service: ServiceDep,
    caller: SubmitCaller,
    content: StudyContent,
    response: Response,
    if_match: IfMatch = None,
) -> Study:
    """Replace a study. Its ZIP is erased."""
    changed = service.studies.replace(record, content, _expected(if_match))
    erase_exports_of_study(service, record.owner, record.study_id)
    return _study(service, caller, changed, response)


@router.delete(
    "/{study_id}",
    status_code=204,
    response_class=Response,
    responses=problems(StudyNotFoundError, InvalidRequestError, EraseFailedError),
)
def delete_study(record: WritableStudy, service: ServiceDep) -> None:
    """Delete a study and its ZIP. Its jobs stay."""
    erase_exports_of_study(service, record.owner, record.study_id)
    service.studies.delete(record)


@router.get(
    "/{study_id}/export",
    response_class=Response,
    responses={**ZIPPED, **problems(StudyNotFoundError, *EXPORT_ERRORS)},
)
async def export_study(
    record: ReadableStudy,
    service: ServiceDep,
    caller: ReadCaller,
    conditions: Annotated[Conditions, Depends()],
    prefer: Prefer = None,
) -> Response:
    """The tables, figures and the report of a study, as a ZIP, with the edits of its results."""
    order = await run_in_threadpool(_order_of_study, service, caller, record)
    return await respond(service, order, _seconds(prefer), conditions)


@router.delete(
    "/{study_id}/export",
    status_code=204,
    response_class=Response,
    responses=problems(StudyNotFoundError, InvalidRequestError, EraseFailedError),
)
def cancel_export(record: WritableStudy, service: ServiceDep) -> None:
    """Stop the computation of the ZIP, or erase it."""
    erase_exports_of_study(service, record.owner, record.study_id)


def _order_of_jobs(service: ServiceContext, caller: Caller, jobs: str) -> ExportOrder:
    content = named_jobs(service, caller, jobs.split(","))
    return order_of(service, caller.name, "", check(service, caller, caller.name, content))


def _order_of_study(service: ServiceContext, caller: Caller, record: StudyRecord) -> ExportOrder:
    checked = check(service, caller, record.owner, record.content)
    return order_of(service, record.owner, record.study_id, checked)


def _seconds(prefer: str | None) -> int:
    return wait_s(prefer) if WAIT.search(prefer or "") else WAIT_S


def _expected(if_match: str | None) -> int:
    """The version that `If-Match` names. Raises StudyConflictError for one that no study has."""
    if if_match in (None, "*"):
        return ANY
    version = if_match.strip('"')
    if not (version.isascii() and version.isdecimal()):
        raise StudyConflictError(f"no study has the version {if_match[:60]}")
    return int(version[:15])


def _path(study_id: str) -> str:
    return f"/v1/studies/{study_id}"


def _study(service: ServiceContext, caller: Caller, record: StudyRecord, response: Response) -> Study:
    response.headers["ETag"] = f'"{record.version}"'
    response.headers["Cache-Control"] = "private, no-cache"
    path, content = _path(record.study_id), record.content
    checked = check(service, caller, record.owner, content)
    return Study(
        **{name: getattr(content, name) for name in StudyContent.model_fields},
        study_id=record.study_id,
        version=record.version,
        created_at=record.created_at,
        changed_at=record.changed_at,
        jobs=_jobs(checked),
        faults=list(checked.faults),
        links=StudyLinks(self=path, export=f"{path}/export"),
    )


def _jobs(checked: CheckedStudy) -> list[StudyJob]:
    records = checked.jobs
    paths = paths_of({job_id: record.title for job_id, record in records.items()})
    return [
        StudyJob(
            job_id=job_id,
            path=paths[job_id],
            status=record.status,
            duration_s=record.work.duration_s if record.work else None,
            faces=record.faces,
        )
        for job_id, record in records.items()
    ]


def _summary(record: StudyRecord) -> StudySummary:
    return StudySummary(
        study_id=record.study_id,
        title=record.title,
        rows=record.rows,
        created_at=record.created_at,
        changed_at=record.changed_at,
    )
