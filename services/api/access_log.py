"""Every request is counted, timed and logged under an id that the answer carries, also one that fails unexpectedly."""

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
from duygu.services.api.metrics import Metrics
from duygu.services.api.shutdown import Shutdown
from duygu.shared.errors import DuyguError, UnavailableError
from duygu.shared.telemetry.logs import about

logger = logging.getLogger(__name__)

REQUEST_ID = "X-Request-ID"

GOOD_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
"""An id that a proxy may give; anything else is replaced."""

UNKNOWN = "none"
"""The route of what is none of ours: its path is not repeated, for anybody may invent paths. Parts of pages have it
too, thirty for each visit, which are no news."""


METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

OTHER = "other"
"""The method of a request whose method is none of METHODS: anybody may invent methods, too."""


class Observation:
    """Watches the requests of an application, and answers those that end with an unhandled error.

    It belongs outside of everything that may fail or that changes the method. An answer that has begun cannot become
    an error: it breaks off, so that the client notices, and counts as broken.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics, shutdown: Shutdown) -> None:
        self._app = app
        self._shutdown = shutdown
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and note how it was answered."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        request_id = _request_id(scope)
        started, answered = time.perf_counter(), False

        async def watch(message: Message) -> None:
            nonlocal answered
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[REQUEST_ID] = request_id
                self._note(scope, message["status"], time.perf_counter() - started)
                answered = True
            await send(message)

        with about(request_id=request_id):
            try:
                await self._app(scope, receive, watch)
            except Exception:
                logger.exception("%s %s: unhandled error", *_call(scope))
                self._metrics.problems.labels(DuyguError.code).inc()
                if answered:
                    self._metrics.broken.labels(*_call(scope)).inc()
                else:
                    await _internal_error()(scope, receive, watch)
            except CancelledError:
                if not self._shutdown.begun:
                    raise
                logger.warning("%s %s: cut off, as the service stops", *_call(scope))
                if not answered:
                    await _stopping()(scope, receive, watch)
        return None

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        method, route = _call(scope)
        self._metrics.requests.labels(method, route, status).inc()
        self._metrics.seconds.labels(method, route).observe(seconds)
        facts = {"method": method, "route": route, "status": status, "seconds": round(seconds, 4)}
        level = logging.DEBUG if route == UNKNOWN and status < HTTPStatus.BAD_REQUEST else logging.INFO
        logger.log(level, "%s %s %s", method, route, status, extra={"facts": facts})


def _call(scope: Scope) -> tuple[str, str]:
    """The method and the route of a request, as metrics have them."""
    method = scope["method"] if scope["method"] in METHODS else OTHER
    return method, getattr(scope.get("route"), "path", UNKNOWN)


def _internal_error() -> Response:
    """What an unhandled error is answered with. It tells nothing of what happened."""
    response = problem_response(DuyguError())
    response.headers.update(HEADERS)  # the middleware that adds them is inside of this one
    return response


def _stopping() -> Response:
    """What a request is answered with that was not finished within the time that a stopping service gives it."""
    response = problem_response(UnavailableError("The service is shutting down; retry after it has restarted"))
    response.headers.update(HEADERS)
    return response


def _request_id(scope: Scope) -> str:
    given = Headers(scope=scope).get(REQUEST_ID, "")
    return given if GOOD_ID.fullmatch(given) else secrets.token_hex(8)
