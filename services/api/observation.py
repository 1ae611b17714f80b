"""Every request is counted, timed and logged, under an id that the answer carries."""

import logging
import re
import secrets
import time
from http import HTTPStatus

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.api.metrics import Metrics
from shared.logs import about

logger = logging.getLogger(__name__)

REQUEST_ID = "X-Request-ID"

GOOD_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
"""An id that a proxy may give; anything else is replaced."""

UNKNOWN = "none"
"""The route of what is none of ours: its path is not repeated, for anybody may invent paths. Parts of pages have it
too, thirty for each visit, which are no news."""


class Observation:
    """Watches the requests of an application."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and note how it was answered."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        request_id = _request_id(scope)
        started = time.perf_counter()

        async def watch(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[REQUEST_ID] = request_id
                self._note(scope, message["status"], time.perf_counter() - started)
            await send(message)

        with about(request_id=request_id):
            return await self._app(scope, receive, watch)

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        method, route = scope["method"], getattr(scope.get("route"), "path", UNKNOWN)
        self._metrics.requests.labels(method, route, status).inc()
        self._metrics.seconds.labels(method, route).observe(seconds)
        facts = {"method": method, "route": route, "status": status, "seconds": round(seconds, 4)}
        level = logging.DEBUG if route == UNKNOWN and status < HTTPStatus.BAD_REQUEST else logging.INFO
        logger.log(level, "%s %s %s", method, route, status, extra={"facts": facts})


def _request_id(scope: Scope) -> str:
    given = Headers(scope=scope).get(REQUEST_ID, "")
    return given if GOOD_ID.fullmatch(given) else secrets.token_hex(8)
