"""What an export of a study contains: its rows, and its jobs as they are now."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from duygu.services.api.service import ServiceContext
from duygu.shared.config.api_keys import Caller
from duygu.shared.errors import InvalidStudyError, JobNotFoundError, ResultNotReadyError
from duygu.shared.jobs.record import JobRecord
from duygu.shared.schemas.base import JOB_ID
from duygu.shared.schemas.study import StudyCells, StudyContent, StudyFault
from duygu.shared.version import VERSION
from duygu.shared.workbench.sheets.exports import ExportedJob, ExportOrder
from duygu.shared.workbench.sheets.kept import jobs_of, parse_kept, paths_of
from duygu.shared.workbench.sheets.line import FaultCode

SHOWN = 5
"""Faults in the detail of an error; `errors` has all."""

MISSING = {
    FaultCode.JOB_NOT_FOUND: JobNotFoundError.title,
    FaultCode.RESULT_NOT_READY: ResultNotReadyError.title,
}


@dataclass(frozen=True, slots=True)
class CheckedStudy:
    """A study with the jobs that its owner may see."""

    content: StudyContent
    jobs: Mapping[str, JobRecord]
    faults: Sequence[StudyFault]


def check(service: ServiceContext, caller: Caller, owner: str, content: StudyContent) -> CheckedStudy:
    """Find the jobs of a study and what is wrong with it.

    owner  of the study; an `admin` may put the jobs of others into studies of its own only
    """
    found = service.jobs.read_all(jobs_of(content.rows))
    jobs = {job_id: record for job_id, record in found.items() if record and _visible(caller, owner, record)}
    titles = {job_id: record.title for job_id, record in jobs.items()}
    parsed = parse_kept(content.rows, content.markers, paths_of(titles))
    return CheckedStudy(content, jobs, [*_faults_of_jobs(content.rows, jobs), *parsed.faults])


def _visible(caller: Caller, owner: str, record: JobRecord) -> bool:
    return record.owner == owner or (caller.name == owner and caller.may_see(record.owner))


def _faults_of_jobs(rows: Iterable[StudyCells], jobs: Mapping[str, JobRecord]) -> Iterator[StudyFault]:
    for number, row in enumerate(rows, 1):
        named = [("job_id", row.job_id), *([("baseline", row.baseline)] if JOB_ID.fullmatch(row.baseline) else [])]
        for column, job_id in named:
            if code := _missing(jobs.get(job_id)):
                message = f"row {number}, column {column}: {MISSING[code]}"
                yield StudyFault(table="rows", row=number, column=column, code=code, message=message)


def _missing(record: JobRecord | None) -> FaultCode | None:
    """Why a job cannot be exported. One that failed is a row with its error, as in `duygu study`."""
    if record is None:
        return FaultCode.JOB_NOT_FOUND
    return None if record.ended else FaultCode.RESULT_NOT_READY


def order_of(service: ServiceContext, owner: str, study_id: str, checked: CheckedStudy) -> ExportOrder:
    """What a worker exports. Raises InvalidStudyError with every fault."""
    rows = checked.content.rows
    if not rows:
        raise InvalidStudyError("the study has no rows")
    if checked.faults:
        raise _invalid(checked.faults)
    paths = paths_of({job_id: record.title for job_id, record in checked.jobs.items()})
    return ExportOrder(
        version=VERSION,
        owner=owner,
        study_id=study_id,
        rows=rows,
        markers=checked.content.markers,
        settings=checked.content.settings,
        jobs=[_exported(service, checked.jobs[job_id], paths[job_id]) for job_id in jobs_of(rows)],
    )


def _exported(service: ServiceContext, record: JobRecord, path: str) -> ExportedJob:
    error = record.error
    edits = service.edits.read(record.job_id).version
    return ExportedJob(
        job_id=record.job_id,
        path=path,
        edits=edits,
        error=error.code if error else "",
        detail=error.detail if error else "",
    )


def _invalid(faults: Sequence[StudyFault]) -> InvalidStudyError:
    error = InvalidStudyError("; ".join(fault.message for fault in faults[:SHOWN]))
    error.errors = [fault.model_dump(mode="json") for fault in faults]
    return error


def named_jobs(service: ServiceContext, caller: Caller, job_ids: Sequence[str]) -> StudyContent:
    """A study of jobs without further columns: each is a participant of its own.

    Raises JobNotFoundError and ResultNotReadyError with the id of the job.
    """
    found = service.jobs.read_all([job_id for job_id in job_ids if JOB_ID.fullmatch(job_id)])
    records = [_named(caller, job_id, found.get(job_id)) for job_id in job_ids]
    paths = paths_of({record.job_id: record.title for record in records})
    return StudyContent(rows=[_row(record.job_id, paths[record.job_id]) for record in records])


def _row(job_id: str, path: str) -> StudyCells:
    return StudyCells(job_id=job_id, participant=path[:200])


def _named(caller: Caller, job_id: str, record: JobRecord | None) -> JobRecord:
    if record is None or not caller.may_see(record.owner):
        raise JobNotFoundError(f"the job {job_id[:32]} does not exist")
    if not record.ended:
        raise ResultNotReadyError(f"the job {job_id} has no result yet")
    return record
