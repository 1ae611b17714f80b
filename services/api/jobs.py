"""`/v1/jobs`: what became of the videos that were handed in."""

from typing import Annotated

from fastapi import APIRouter, Query

from services.api.dependencies import KnownJob, TheService
from services.api.problems import problems
from services.api.views import job_view
from shared.errors import InvalidRequestError, JobNotFoundError
from shared.queues import withdraw
from shared.schemas import Job, JobPage
from shared.storage import JOB_ID

router = APIRouter(prefix="/v1/jobs", tags=["jobs"])

Cursor = Annotated[str | None, Query(pattern=f"^{JOB_ID.pattern}$", description="`next_cursor` of the page before")]
Limit = Annotated[int, Query(ge=1, le=100, description="jobs on a page")]


@router.get("", responses=problems(InvalidRequestError))
def list_jobs(service: TheService, cursor: Cursor = None, limit: Limit = 20) -> JobPage:
    """The jobs that are kept, newest first."""
    records, following = service.jobs.page(cursor, limit)
    return JobPage(jobs=[job_view(record) for record in records], next_cursor=following)


@router.get("/{job_id}", responses=problems(JobNotFoundError, InvalidRequestError))
def read_job(record: KnownJob) -> Job:
    """How a job goes."""
    return job_view(record)


@router.delete("/{job_id}", status_code=204, responses=problems(JobNotFoundError, InvalidRequestError))
def erase_job(record: KnownJob, service: TheService) -> None:
    """Stop a job if it has not ended, and erase its video, its result and everything that was told about it."""
    service.jobs.erase(record.job_id)
    withdraw(service.videos, record.job_id)
    service.storage.erase(record.job_id)
