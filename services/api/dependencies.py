"""What handlers ask for by the type of an argument."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends, Path, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from duygu.services.api.service import Service
from duygu.shared.api_keys import Caller, Scope
from duygu.shared.errors import JobNotFoundError
from duygu.shared.jobs.record import JobRecord
from duygu.shared.storage.base import JOB_ID


async def _service(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


TheService = Annotated[Service, Depends(_service)]
"""The one service of this application."""

Authorization = Annotated[
    HTTPAuthorizationCredentials | None,
    Depends(HTTPBearer(auto_error=False, scheme_name="API key", description="where the service has keys")),
]


def _allowed(scope: Scope) -> Callable[..., Awaitable[Caller]]:
    # Not in a thread, as none of these waits for anything: the way there and back takes longer than the work.
    async def caller(service: TheService, authorization: Authorization = None) -> Caller:
        found = service.keys.caller(authorization.credentials if authorization else None)
        found.require(scope)
        return found

    return caller


Submitter = Annotated[Caller, Depends(_allowed(Scope.SUBMIT))]
"""Who hands something in or erases it. Raises UnauthorizedError or ForbiddenError."""

Reader = Annotated[Caller, Depends(_allowed(Scope.READ))]
"""Who looks at something. Raises UnauthorizedError or ForbiddenError."""

Administrator = Annotated[Caller, Depends(_allowed(Scope.ADMIN))]
"""Who watches over the service. Raises UnauthorizedError or ForbiddenError."""

JobId = Annotated[str, Path(description="as `POST /v1/videos` gave it")]


def _find(service: Service, caller: Caller, job_id: str) -> JobRecord:
    """A job of the caller's. Whether others have such a job is nobody's business."""
    record = service.jobs.read(job_id) if JOB_ID.fullmatch(job_id) else None
    if record is None or not caller.may_see(record.owner):
        raise JobNotFoundError
    return record


def _job_to_read(service: TheService, caller: Reader, job_id: JobId) -> JobRecord:
    return _find(service, caller, job_id)


def _job_to_change(service: TheService, caller: Submitter, job_id: JobId) -> JobRecord:
    return _find(service, caller, job_id)


KnownJob = Annotated[JobRecord, Depends(_job_to_read)]
"""The job that the path names, to be looked at. Raises JobNotFoundError when the caller has none such."""

ChangeableJob = Annotated[JobRecord, Depends(_job_to_change)]
"""The job that the path names, to be changed. Raises JobNotFoundError when the caller has none such."""
