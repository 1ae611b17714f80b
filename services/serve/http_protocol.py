"""The HTTP protocol of uvicorn, with limits on the head of a request: its request line and headers."""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from duygu.services.api.http.problems import problem_response
from duygu.shared.errors import DuyguError, HeadTooLargeError, InvalidRequestError

MAX_HEAD_BYTES = 64 * 1024
"""Maximum size of the head of a request. The parser of uvicorn collects it in memory without a limit."""

HEAD_TIMEOUT_S = 30.0
"""Seconds for the head of a request to arrive; beyond this time the connection is closed."""


class HttpProtocol(HttpToolsProtocol):
    """The HTTP protocol of uvicorn, with a maximum size and duration of the head of a request.

    A head that is too large gives 431 `head_too_large`, and a malformed one 400 `invalid_request`; both close the
    connection.
    """

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._received: int | None = 0  # bytes of an unfinished head; None while a body or a response is under way
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for the first request."""
        super().connection_made(transport)
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """End the connection."""
        self._end_head()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse data, unless the head has become too large."""
        if self.transport.is_closing():
            return
        if self._received is not None:
            self._received += len(data)
        super().data_received(data)
        if (self._received or 0) > MAX_HEAD_BYTES and not self.transport.is_closing():
            self._refuse(_too_large())

    def on_message_begin(self) -> None:
        """Begin a request."""
        super().on_message_begin()
        self._expect_head()

    def on_headers_complete(self) -> None:
        """Start the request. A raised error stops the parser."""
        self._end_head()
        size = len(self.url) + sum(len(name) + len(value) + len(": \r\n") for name, value in self.headers)
        if size > MAX_HEAD_BYTES:
            self._refuse(_too_large())
            raise _too_large()
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        """Respond to a malformed request with a problem, unless a response has begun already."""
        if not self.transport.is_closing():
            self._refuse(InvalidRequestError(msg), status=400)

    def _expect_head(self) -> None:
        self._end_head()
        self._received = 0
        self._timer = self.loop.call_later(HEAD_TIMEOUT_S, self.transport.close)

    def _end_head(self) -> None:
        self._received = None
        if self._timer is not None:
            self._timer.cancel()

    def _refuse(self, error: DuyguError, *, status: int | None = None) -> None:
        """Send a problem and close the connection."""
        response = problem_response(error, status=status)
        headers = [*response.raw_headers, (b"connection", b"close")]
        lines = [b"HTTP/1.1 %d \r\n" % response.status_code, *(b"%s: %s\r\n" % header for header in headers), b"\r\n"]
        self.transport.write(b"".join(lines) + bytes(response.body))
        self.transport.close()


def _too_large() -> HeadTooLargeError:
    return HeadTooLargeError(f"The request line and headers exceed the limit of {MAX_HEAD_BYTES // 1024} KiB")
