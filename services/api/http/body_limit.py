"""Limits the size and the duration of request bodies that the framework reads into memory."""

import asyncio

from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from duygu.services.api.http.problems import problem_response
from duygu.services.api.monitoring.metrics import Metrics
from duygu.shared.errors import RequestError, TooLargeError, TooSlowError

MAX_BYTES = 2_000_000
"""Maximum size of a body; the labels of a long video have a few hundred kilobytes."""

MAX_BYTES_OF = {"/v1/jobs": 32_000_000}
"""The same for other paths; the result of an hour with five faces has about 20 megabytes."""

MAX_BYTES_IN = {"/v1/studies": 8_000_000}
"""The same for a path and those below; a study may have 500 rows with 50 further columns."""

STREAMED_PATHS = frozenset({"/v1/videos", "/v1/pictures"})
"""Paths whose handlers stream and limit the body themselves."""

STREAMED_ROOM = "/v1/uploads"
"""The same for this path and those below."""


class BodyLimitMiddleware:
    """Reads the body of a request, unless a handler streams it, and passes the request on with the complete body."""

    def __init__(self, app: ASGIApp, timeout_s: float, metrics: Metrics) -> None:
        self._app = app
        self._timeout_s = timeout_s
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on or respond with a problem."""
        if scope["type"] != "http" or not _has_small_body(request := Request(scope, receive)):
            return await self._app(scope, receive, send)
        try:
            async with asyncio.timeout(self._timeout_s):
                body = await _read(request)
        except RequestError as error:
            return await self._refuse(error, scope, receive, send)
        except TimeoutError:
            late = TooSlowError(f"The body was not complete after {self._timeout_s:g} s")
            return await self._refuse(late, scope, receive, send)
        except ClientDisconnect:
            return None
        return await self._app(scope, _replay(body, receive), send)

    async def _refuse(self, error: RequestError, scope: Scope, receive: Receive, send: Send) -> None:
        self._metrics.problems.labels(error.code).inc()
        await problem_response(error)(scope, receive, send)


def _most_bytes(path: str) -> int:
    room = next((most for room, most in MAX_BYTES_IN.items() if path == room or path.startswith(f"{room}/")), MAX_BYTES)
    return MAX_BYTES_OF.get(path, room)


def _has_small_body(request: Request) -> bool:
    has_body = "content-length" in request.headers or "transfer-encoding" in request.headers
    path = request.url.path
    return has_body and path not in STREAMED_PATHS and not path.startswith(STREAMED_ROOM)


async def _read(request: Request) -> bytes:
    """The body. Raises TooLargeError as soon as it is longer than the maximum of the path."""
    most = _most_bytes(request.url.path)
    pieces, size = [], 0
    async for piece in request.stream():
        size += len(piece)
        if size > most:
            raise TooLargeError(f"The body is larger than {most} bytes")
        pieces.append(piece)
    return b"".join(pieces)


def _replay(body: bytes, receive: Receive) -> Receive:
    """A `receive` that returns the body once, then what the client sends: its disconnection."""
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return waiting.pop() if waiting else await receive()

    return replay
