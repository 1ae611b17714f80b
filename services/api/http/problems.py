"""Errors as RFC 9457 problems: how they are answered, and how OpenAPI describes them."""

import logging
from collections import defaultdict
from http import HTTPStatus
from typing import Any, cast

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError
from starlette.exceptions import HTTPException

from duygu.services.api.http.negotiation import preferred
from duygu.services.api.pages import not_found_page
from duygu.shared.errors import (
    CrossSiteError,
    DuyguError,
    ForbiddenError,
    HostNotAllowedError,
    InvalidRequestError,
    MethodNotAllowedError,
    NotFoundError,
    RangeNotSatisfiableError,
    UnauthorizedError,
    UnavailableError,
    UnknownParameterError,
    UpgradeRequiredError,
)
from duygu.shared.schemas import Problem

logger = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"

HTML = "text/html"

MOST_TOLD = 5
"""Faults of a request that its detail tells; `errors` has all."""

BY_STATUS: dict[int, type[DuyguError]] = {404: NotFoundError, 405: MethodNotAllowedError}
"""Errors of the framework that have a code of their own."""

EVERYWHERE: tuple[type[DuyguError], ...] = (
    UnauthorizedError,
    ForbiddenError,
    CrossSiteError,
    HostNotAllowedError,
    UnknownParameterError,
    UnavailableError,
)
"""Errors that every call may answer with."""

Responses = dict[int | str, dict[str, Any]]


class ProblemResponse(JSONResponse):
    """An error as an answer."""

    media_type = MEDIA_TYPE


def problem_response(error: DuyguError, *, status: int | None = None, **more: object) -> ProblemResponse:
    """Tell of an error. `status` where it is not the error's own, `more` for members beyond the usual ones."""
    status = status or error.status
    problem = Problem(title=error.title, status=status, code=error.code, detail=error.detail)
    headers = {"Retry-After": str(error.retry_after_s)} if error.retry_after_s is not None else {}
    if isinstance(error, UnauthorizedError):
        headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, UpgradeRequiredError):
        headers |= {"Upgrade": "websocket", "Connection": "Upgrade"}
    if isinstance(error, RangeNotSatisfiableError):
        headers["Content-Range"] = f"bytes */{error.size}"
    content = {**problem.model_dump(exclude_none=True), **more}
    return ProblemResponse(content, status_code=status, headers=headers)


def problems(*errors: type[DuyguError]) -> Responses:
    """Describe errors that a call may answer with, for OpenAPI."""
    by_status: defaultdict[int, list[type[DuyguError]]] = defaultdict(list)
    for error in dict.fromkeys([*errors, *EVERYWHERE]):
        by_status[error.status].append(error)
    return {status: _description(found) for status, found in sorted(by_status.items())}


def _description(errors: list[type[DuyguError]]) -> dict[str, Any]:
    described: dict[str, Any] = {
        "description": "; ".join(f"{error.title} (`{error.code}`)" for error in errors),
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    if any(error.retry_after_s is not None for error in errors):
        retry_after = {"description": "Seconds after which to try again", "schema": {"type": "integer"}}
        described["headers"] = {"Retry-After": retry_after}
    return described


def handle_problems(app: FastAPI) -> None:
    """Make the application answer every known error as a problem; Observation answers those that nobody expects."""
    app.add_exception_handler(DuyguError, _told)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _framework)
    app.add_exception_handler(RedisError, _unavailable)


def _told(request: Request, error: Exception) -> ProblemResponse:
    return _counted(request, cast(DuyguError, error))


def _invalid(request: Request, error: Exception) -> ProblemResponse:
    faults = [
        {"at": ".".join(str(part) for part in fault["loc"]), "message": fault["msg"]}
        for fault in cast(RequestValidationError, error).errors()
    ]
    detail = "; ".join(f"{fault['at']}: {fault['message']}" for fault in faults[:MOST_TOLD])
    return _counted(request, InvalidRequestError(detail), errors=faults)


def _framework(request: Request, error: Exception) -> Response:
    answer = cast(HTTPException, error)
    otherwise = InvalidRequestError if answer.status_code < 500 else DuyguError
    known = BY_STATUS.get(answer.status_code, otherwise)
    response = _counted(request, known(), status=answer.status_code)
    if answer.status_code == HTTPStatus.NOT_FOUND and _is_visit(request):
        return not_found_page()
    response.headers.update(answer.headers or {})
    if response.headers.get("Allow") == "GET":
        response.headers["Allow"] = "GET, HEAD"
    return response


def _is_visit(request: Request) -> bool:
    """Whether a person came by with a browser: below /v1/ there is nothing but the API."""
    accept = request.headers.get("Accept", "*/*")
    return not request.url.path.startswith("/v1/") and preferred(accept, [MEDIA_TYPE, HTML]) == HTML


def _unavailable(request: Request, error: Exception) -> ProblemResponse:
    """Redis is away, full, loading or read-only: it may be otherwise soon."""
    away = isinstance(error, RedisConnectionError | RedisTimeoutError)
    logger.warning("Redis cannot be used: %s", error, exc_info=None if away else error)  # else it may be ours
    return _counted(request, UnavailableError())


def _counted(request: Request, error: DuyguError, *, status: int | None = None, **more: object) -> ProblemResponse:
    request.app.state.metrics.problems.labels(error.code).inc()
    return problem_response(error, status=status, **more)
