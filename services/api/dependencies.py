"""Dependencies of the handlers, as annotated types: the service, the caller and the job of the path."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends, Path, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from duygu.services.api.service import ServiceContext
from duygu.shared.config.api_keys import Caller, Scope
from duygu.shared.errors import JobNotFoundError
from duygu.shared.jobs.record import JobRecord
from duygu.shared.schemas.base import JOB_ID


async def _service(request: Request) -> ServiceContext:
    service: ServiceContext = request.app.state.service
    return service


ServiceDep = Annotated[ServiceContext, Depends(_service)]
"""The connections and settings of the application."""

Authorization = Annotated[
    HTTPAuthorizationCredentials | None,
    Depends(HTTPBearer(auto_error=False, scheme_name="API key", description="required if the service has API keys")),
]


def _allowed(scope: Scope) -> Callable[..., Awaitable[Caller]]:
    # A coroutine, not a thread: the check never blocks, and a thread switch would cost more than the check.
    async def caller(service: ServiceDep, authorization: Authorization = None) -> Caller:
        found = service.keys.caller(authorization.credentials if authorization else None)
        found.require(scope)
        return found

    return caller


SubmitCaller = Annotated[Caller, Depends(_allowed(Scope.SUBMIT))]
"""A caller with the scope `submit`. Raises UnauthorizedError or ForbiddenError."""

ReadCaller = Annotated[Caller, Depends(_allowed(Scope.READ))]
"""A caller with the scope `read`. Raises UnauthorizedError or ForbiddenError."""

AdminCaller = Annotated[Caller, Depends(_allowed(Scope.ADMIN))]
"""A caller with the scope `admin`. Raises UnauthorizedError or ForbiddenError."""

JobId = Annotated[str, Path(description="`job_id` of the job, as returned by `POST /v1/videos`")]


def _find(service: ServiceContext, caller: Caller, job_id: str) -> JobRecord:
    """A job of the caller. The jobs of other callers are reported as missing."""
    record = service.jobs.read(job_id) if JOB_ID.fullmatch(job_id) else None
    if record is None or not caller.may_see(record.owner):
        raise JobNotFoundError
    return record


def _job_to_read(service: ServiceDep, caller: ReadCaller, job_id: JobId) -> JobRecord:
    return _find(service, caller, job_id)


def _job_to_change(service: ServiceDep, caller: SubmitCaller, job_id: JobId) -> JobRecord:
    return _find(service, caller, job_id)


ReadableJob = Annotated[JobRecord, Depends(_job_to_read)]
"""The job of the path, for a caller with the scope `read`. Raises JobNotFoundError."""

WritableJob = Annotated[JobRecord, Depends(_job_to_change)]
"""The job of the path, for a caller with the scope `submit`. Raises JobNotFoundError."""
