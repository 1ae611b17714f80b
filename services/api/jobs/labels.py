"""`/v1/jobs/{id}/labels`: the labels of raters for a result, and moments to label that show nothing of the model."""

import re
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Path, Query, Request, Response
from pydantic import Field

from duygu.services.api.dependencies import ReadableJob, ServiceDep, WritableJob
from duygu.services.api.http.problems import Responses, problems
from duygu.services.api.jobs.face_presence import read_presence
from duygu.services.api.jobs.stored_result import stored_json, stored_result
from duygu.services.api.service import ServiceContext
from duygu.shared.errors import (
    EditConflictError,
    InvalidLabelError,
    InvalidRequestError,
    JobNotFoundError,
    LabelsOverlapError,
    OtherVideoError,
    ResultExpiredError,
    ResultNotReadyError,
    TooLargeError,
    TooManyLabelsError,
    TooSlowError,
    UnknownFaceError,
)
from duygu.shared.jobs.edits import EditList
from duygu.shared.jobs.labels import ANY, RaterLabels
from duygu.shared.jobs.record import JobRecord
from duygu.shared.schemas.base import Schema, Seconds
from duygu.shared.schemas.job import JobStatus
from duygu.shared.schemas.result import Result
from duygu.shared.workbench.edits.origin import Tracer
from duygu.shared.workbench.labels.formats.reading import LabelFile, read_label_file
from duygu.shared.workbench.labels.label import CANNOT_TELL, RATER_PATTERN, Label, Labels
from duygu.shared.workbench.labels.placement import shown, to_store
from duygu.shared.workbench.labels.sampling import MAX_MINUTES
from duygu.shared.workbench.labels.task import LabellingTask, task

router = APIRouter(prefix="/v1/jobs", tags=["labels"])


class RaterSummary(Schema):
    """How much a rater has labelled."""

    rater: str
    version: int = Field(description="grows with every change; the `ETag` of the labels")
    labels: int = Field(ge=0, description="number of labels, `cannot_tell` included")
    cannot_tell: int = Field(ge=0)
    labelled_s: Seconds = Field(description="sum of the lengths of the labels")


class Raters(Schema):
    """The raters of a result, by name."""

    raters: list[RaterSummary]


class ImportedLabels(Schema):
    """The labels of a file, as they are stored now."""

    labels: list[Label]
    skipped: list[str] = Field(description="tiers and codes of the file that are no labels")


async def _content(request: Request) -> bytes:
    return await request.body()


FileContent = Annotated[bytes, Depends(_content)]

FILE_BODY = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}

FILE_NAME = re.compile(r"\.(?:[a-z]{2,4}|3gp|3g2|mp4|m4v|mp2)$", re.IGNORECASE)
"""End of a title that is the name of a video file. Any other title says nothing about the file."""

RaterName = Annotated[str, Path(pattern=RATER_PATTERN, description="name of the rater")]

IfMatch = Annotated[
    str | None, Header(description="`ETag` of the labels that are replaced; 412 if they have changed since")
]

WITH_ETAG: Responses = {
    200: {"headers": {"ETag": {"description": "version of the labels", "schema": {"type": "string"}}}},
}

READ_ERRORS = (JobNotFoundError, InvalidRequestError, ResultExpiredError)

CHANGE_ERRORS = (ResultNotReadyError, EditConflictError, TooLargeError, TooSlowError)

LABEL_ERRORS = (InvalidLabelError, UnknownFaceError, LabelsOverlapError, TooManyLabelsError)


@router.get("/{job_id}/labels", responses=problems(JobNotFoundError, InvalidRequestError))
def read_raters(record: ReadableJob, service: ServiceDep) -> Raters:
    """List the raters with their numbers of labels."""
    found = service.labels.read_all(record.job_id)
    return Raters(raters=[_summary(rater, labels) for rater, labels in found.items()])


@router.get("/{job_id}/labels/{rater}", responses={**WITH_ETAG, **problems(*READ_ERRORS)})
def read_labels(record: ReadableJob, rater: RaterName, service: ServiceDep, response: Response) -> list[Label]:
    """Read the labels of a rater, by face and time."""
    return _label_list(service.labels.read(record.job_id, rater), record, service, response)


@router.put(
    "/{job_id}/labels/{rater}",
    responses={**WITH_ETAG, **problems(*READ_ERRORS, *CHANGE_ERRORS, *LABEL_ERRORS)},
)
def replace_labels(
    record: WritableJob,
    rater: RaterName,
    service: ServiceDep,
    labels: Labels,
    response: Response,
    if_match: IfMatch = None,
) -> list[Label]:
    """Replace the labels of a rater; an empty list removes the rater. Faces are those of the result with its edits."""
    if record.status != JobStatus.SUCCEEDED:
        raise ResultNotReadyError
    stored = to_store(labels, _tracer(service, record.job_id)) if labels else []
    changed = service.labels.replace(record.job_id, rater, stored, _expected(if_match))
    return _label_list(changed, record, service, response)


@router.post(
    "/{job_id}/labels/{rater}/import",
    responses={**WITH_ETAG, **problems(*READ_ERRORS, *CHANGE_ERRORS, *LABEL_ERRORS, OtherVideoError)},
    openapi_extra=FILE_BODY,
)
def import_labels(
    record: WritableJob,
    rater: RaterName,
    service: ServiceDep,
    content: FileContent,
    response: Response,
    if_match: IfMatch = None,
) -> ImportedLabels:
    """Replace the labels of a rater by those of a file: CSV, JSON, ELAN (.eaf) or BORIS (.boris, .csv, .tsv)."""
    if record.status != JobStatus.SUCCEEDED:
        raise ResultNotReadyError
    result = stored_result(service, record.job_id, service.edits.read(record.job_id))
    file = read_label_file(content, _with_name(result, record), rater)
    stored = to_store(_of_rater(file, rater), _tracer(service, record.job_id))
    changed = service.labels.replace(record.job_id, rater, stored, _expected(if_match))
    return ImportedLabels(labels=_label_list(changed, record, service, response), skipped=list(file.skipped))


def _with_name(result: Result, record: JobRecord) -> Result:
    """The result with the file name of its video: the one that it has, else the title if this is a file name."""
    if result.video.name or not FILE_NAME.search(record.title):
        return result
    return result.model_copy(update={"video": result.video.model_copy(update={"name": record.title})})


def _of_rater(file: LabelFile, rater: str) -> list[Label]:
    """The labels of the only rater of a file, or of the one with this name."""
    if len(file.labels) == 1:
        return next(iter(file.labels.values()))
    if rater not in file.labels:
        raise InvalidLabelError(f"the file has labels of the raters {', '.join(file.labels)}, but not of {rater}")
    return file.labels[rater]


@router.get("/{job_id}/labels/{rater}/task", responses=problems(*READ_ERRORS, ResultNotReadyError))
def read_task(
    record: ReadableJob,
    rater: RaterName,
    service: ServiceDep,
    minutes: Annotated[
        float, Query(ge=0, le=MAX_MINUTES, description="length of the task; 0: no moments, but the faces all the time")
    ] = 20,
    seed: Annotated[int, Query(ge=0, lt=2**32, description="equal seeds select the same moments")] = 1,
) -> LabellingTask:
    """Moments to label, in random order, with the places of the faces. The response contains nothing of the model."""
    if record.status != JobStatus.SUCCEEDED:
        raise ResultNotReadyError
    result = stored_result(service, record.job_id, service.edits.read(record.job_id))
    return task(result, minutes, seed, rater)


def face_tracer(service: ServiceContext, job_id: str, edits: EditList) -> Tracer:
    """Traces the faces of the result with edits to the computed ones. Raises ResultExpiredError."""
    faces = service.presence.get(job_id, lambda: read_presence(stored_json(service, job_id)))
    return Tracer(faces, edits.edits)


def _tracer(service: ServiceContext, job_id: str) -> Tracer:
    return face_tracer(service, job_id, service.edits.read(job_id))


def _expected(if_match: str | None) -> int:
    """The version that `If-Match` names. Raises EditConflictError for one that no labels have."""
    if if_match in (None, "*"):
        return ANY
    version = if_match.strip('"')
    if not version.isdecimal():
        raise EditConflictError(f"no labels have the version {if_match}")
    return int(version)


def _label_list(found: RaterLabels, record: JobRecord, service: ServiceContext, response: Response) -> list[Label]:
    response.headers["ETag"] = f'"{found.version}"'
    response.headers["Cache-Control"] = "private, no-cache"
    return shown(found.labels, _tracer(service, record.job_id)) if found.labels else []


def _summary(rater: str, found: RaterLabels) -> RaterSummary:
    return RaterSummary(
        rater=rater,
        version=found.version,
        labels=len(found.labels),
        cannot_tell=sum(label.emotion == CANNOT_TELL for label in found.labels),
        labelled_s=round(sum(label.end_s - label.start_s for label in found.labels), 3),
    )
