"""Middleware that counts, times and logs every request under an id, and responds to unhandled errors."""

import logging
import re
import secrets
import time
from asyncio import CancelledError
from http import HTTPStatus

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from duygu.services.api.http.problems import problem_response
from duygu.services.api.http.security_headers import HEADERS
from duygu.services.api.monitoring.metrics import Metrics
from duygu.services.api.shutdown import Shutdown
from duygu.shared.errors import DuyguError, UnavailableError
from duygu.shared.runtime.telemetry.logs import about

logger = logging.getLogger(__name__)

REQUEST_ID = "X-Request-ID"

REQUEST_ID_PATTERN = re.compile(r"[A-Za-z0-9._-]{1,64}")
"""Request ids accepted from a proxy; any other value is replaced."""

NO_ROUTE = "none"
"""Route label of unknown paths, so that clients cannot create labels, and of the static files of the pages."""


KNOWN_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

OTHER_METHOD = "other"
"""Method label of requests with a method outside KNOWN_METHODS."""


class AccessLogMiddleware:
    """Logs and counts requests, and responds to those that end with an unhandled error.

    It wraps every middleware that may fail or that changes the method. After the start of a response an error can no
    longer be reported: the response breaks off, so that the client notices, and counts as broken.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics, shutdown: Shutdown) -> None:
        self._app = app
        self._shutdown = shutdown
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and record its response."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        request_id = _request_id(scope)
        started, started_response = time.perf_counter(), False

        async def observe(message: Message) -> None:
            nonlocal started_response
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[REQUEST_ID] = request_id
                self._record(scope, message["status"], time.perf_counter() - started)
                started_response = True
            await send(message)

        with about(request_id=request_id):
            try:
                await self._app(scope, receive, observe)
            except Exception:
                logger.exception("%s %s: unhandled error", *_method_and_route(scope))
                self._metrics.problems.labels(DuyguError.code).inc()
                if started_response:
                    self._metrics.broken.labels(*_method_and_route(scope)).inc()
                else:
                    await _internal_error()(scope, receive, observe)
            except CancelledError:
                if not self._shutdown.begun:
                    raise
                logger.warning("%s %s: cancelled because the service is shutting down", *_method_and_route(scope))
                if not started_response:
                    await _shutting_down()(scope, receive, observe)
        return None

    def _record(self, scope: Scope, status: int, seconds: float) -> None:
        method, route = _method_and_route(scope)
        self._metrics.requests.labels(method, route, status).inc()
        self._metrics.seconds.labels(method, route).observe(seconds)
        facts = {"method": method, "route": route, "status": status, "seconds": round(seconds, 4)}
        level = logging.DEBUG if route == NO_ROUTE and status < HTTPStatus.BAD_REQUEST else logging.INFO
        logger.log(level, "%s %s %s", method, route, status, extra={"facts": facts})


def _method_and_route(scope: Scope) -> tuple[str, str]:
    """The labels of a request in the metrics: method and route."""
    method = scope["method"] if scope["method"] in KNOWN_METHODS else OTHER_METHOD
    return method, getattr(scope.get("route"), "path", NO_ROUTE)


def _internal_error() -> Response:
    """The response to an unhandled error; it reveals nothing about the error."""
    response = problem_response(DuyguError())
    response.headers.update(HEADERS)  # SecurityHeadersMiddleware is inside this one
    return response


def _shutting_down() -> Response:
    """The response to a request that did not finish within the grace period of a shutdown."""
    response = problem_response(UnavailableError("The service is shutting down; retry after it has restarted"))
    response.headers.update(HEADERS)
    return response


def _request_id(scope: Scope) -> str:
    given = Headers(scope=scope).get(REQUEST_ID, "")
    return given if REQUEST_ID_PATTERN.fullmatch(given) else secrets.token_hex(8)
