"""What handlers ask for by the type of an argument."""

from typing import Annotated

from fastapi import Depends, Path, Request

from services.api.service import Service
from shared.errors import JobNotFoundError
from shared.jobs import JobRecord
from shared.storage import JOB_ID


def _service(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


TheService = Annotated[Service, Depends(_service)]
"""The one service of this application."""


def _known_job(
    service: TheService, job_id: Annotated[str, Path(description="as `POST /v1/videos` gave it")]
) -> JobRecord:
    record = service.jobs.read(job_id) if JOB_ID.fullmatch(job_id) else None
    if record is None:
        raise JobNotFoundError
    return record


KnownJob = Annotated[JobRecord, Depends(_known_job)]
"""The job that the path names. Raises JobNotFoundError when there is none."""
