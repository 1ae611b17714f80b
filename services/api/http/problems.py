"""Errors as RFC 9457 problems: the responses, and their description in OpenAPI."""

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
    InvalidStudyError,
    MethodNotAllowedError,
    NotFoundError,
    RangeNotSatisfiableError,
    UnauthorizedError,
    UnavailableError,
    UnknownParameterError,
    UpgradeRequiredError,
)
from duygu.shared.schemas.job import Problem

logger = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"

HTML = "text/html"

MAX_FAULTS_IN_DETAIL = 5
"""Number of validation errors in `detail`; `errors` has all."""

FRAMEWORK_ERRORS: dict[int, type[DuyguError]] = {
    400: InvalidRequestError,
    404: NotFoundError,
    405: MethodNotAllowedError,
}
"""HTTP errors of the framework that have their own code."""

COMMON_ERRORS: tuple[type[DuyguError], ...] = (
    UnauthorizedError,
    ForbiddenError,
    CrossSiteError,
    HostNotAllowedError,
    UnknownParameterError,
    UnavailableError,
)
"""Errors of every endpoint."""

Responses = dict[int | str, dict[str, Any]]


class ProblemResponse(JSONResponse):
    """A response with a problem."""

    media_type = MEDIA_TYPE


def problem_response(error: DuyguError, *, status: int | None = None, **more: object) -> ProblemResponse:
    """The response for an error. `status` replaces that of the error; `more` adds members."""
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
    """The OpenAPI description of the errors of an endpoint."""
    by_status: defaultdict[int, list[type[DuyguError]]] = defaultdict(list)
    for error in dict.fromkeys([*errors, *COMMON_ERRORS]):
        by_status[error.status].append(error)
    return {status: _description(found) for status, found in sorted(by_status.items())}


def _description(errors: list[type[DuyguError]]) -> dict[str, Any]:
    described: dict[str, Any] = {
        "description": "; ".join(f"{error.title} (`{error.code}`)" for error in errors),
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    if any(error.retry_after_s is not None for error in errors):
        retry_after = {"description": "seconds after which to retry", "schema": {"type": "integer"}}
        described["headers"] = {"Retry-After": retry_after}
    return described


def handle_problems(app: FastAPI) -> None:
    """Register the handlers of known errors. AccessLogMiddleware handles unexpected ones."""
    app.add_exception_handler(DuyguError, _known_error)
    app.add_exception_handler(RequestValidationError, _invalid_request)
    app.add_exception_handler(HTTPException, _framework_error)
    app.add_exception_handler(RedisError, _redis_unavailable)


def _known_error(request: Request, error: Exception) -> ProblemResponse:
    if isinstance(error, InvalidStudyError) and error.errors:
        return _counted(request, error, errors=error.errors)
    return _counted(request, cast(DuyguError, error))


def _invalid_request(request: Request, error: Exception) -> ProblemResponse:
    faults = [
        {"at": ".".join(str(part) for part in fault["loc"]), "message": fault["msg"].removeprefix("Value error, ")}
        for fault in cast(RequestValidationError, error).errors()
    ]
    detail = "; ".join(f"{fault['at']}: {fault['message']}" for fault in faults[:MAX_FAULTS_IN_DETAIL])
    return _counted(request, InvalidRequestError(detail), errors=faults)


def _framework_error(request: Request, error: Exception) -> Response:
    raised = cast(HTTPException, error)
    otherwise = InvalidRequestError if raised.status_code < 500 else DuyguError
    known = FRAMEWORK_ERRORS.get(raised.status_code, otherwise)
    status = None if raised.status_code in FRAMEWORK_ERRORS else raised.status_code
    response = _counted(request, known(), status=status)
    if raised.status_code == HTTPStatus.NOT_FOUND and _wants_page(request):
        return not_found_page()
    response.headers.update(raised.headers or {})
    if response.headers.get("Allow") == "GET":
        response.headers["Allow"] = "GET, HEAD"
    return response


def _wants_page(request: Request) -> bool:
    """Whether a browser navigated to the address; paths under /v1/ belong to the API."""
    accept = request.headers.get("Accept", "*/*")
    return not request.url.path.startswith("/v1/") and preferred(accept, [MEDIA_TYPE, HTML]) == HTML


def _redis_unavailable(request: Request, error: Exception) -> ProblemResponse:
    """Redis is unreachable, full, loading or read-only, which may be temporary."""
    away = isinstance(error, RedisConnectionError | RedisTimeoutError)
    logger.warning("Redis is unavailable: %s", error, exc_info=None if away else error)  # else possibly a bug here
    return _counted(request, UnavailableError())


def _counted(request: Request, error: DuyguError, *, status: int | None = None, **more: object) -> ProblemResponse:
    request.app.state.metrics.problems.labels(error.code).inc()
    return problem_response(error, status=status, **more)
