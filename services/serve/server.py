"""The HTTP server: uvicorn with limits on messages and on the time of a shutdown."""

import asyncio
import socket
from collections.abc import Callable

import uvicorn
from fastapi import FastAPI
from uvicorn._types import ASGISendEvent
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from duygu.services.api.shutdown import Shutdown
from duygu.services.serve.http_protocol import HttpProtocol
from duygu.shared.config.settings import Settings
from duygu.shared.live.messages import CloseCode

GRACEFUL_SHUTDOWN_S = 5.0
"""Seconds for open requests to finish at shutdown, and for a client to read the last message of a socket."""

KEEP_ALIVE_S = 75
"""Seconds after which an idle connection is closed. Clients and proxies that keep connections for less time than this
(60 s is common; httpx has 5 s, as uvicorn by default) never send a request on one that is being closed."""

MAX_MESSAGE_BYTES = 16 * 1024 * 1024
"""Maximum size of a WebSocket message; a larger one closes the socket with code 1009."""


class SocketProtocol(WebSocketsSansIOProtocol):
    """The WebSocket protocol of uvicorn, with closes that reach the client, and that end if it does not read.

    A connection that is closed while data arrives is reset by the kernel, which can discard the close frame on its way.
    So after its own close frame the server discards what arrives until the client closes, for GRACEFUL_SHUTDOWN_S.
    """

    def on_task_complete(self, task: asyncio.Task[None]) -> None:
        """Abort the transport after a grace period: closing would wait forever for a client that does not read."""
        super().on_task_complete(task)
        self.loop.call_later(GRACEFUL_SHUTDOWN_S, self.transport.abort)

    def data_received(self, data: bytes) -> None:
        """Process data, unless an invalid frame has closed the socket."""
        if self.conn.parser_exc is None:
            super().data_received(data)

    def handle_parser_exception(self) -> None:
        """Close the socket after an invalid or too large message."""
        close = self.conn.close_sent
        if close is not None:
            self._close_and_discard(close.code, close.reason)

    def shutdown(self) -> None:
        """Close the socket, as the server shuts down."""
        if self.close_sent or not self.handshake_complete:
            super().shutdown()
            return
        self.stop_keepalive()
        self.conn.send_close(CloseCode.RESTARTING)
        self._close_and_discard(CloseCode.RESTARTING, "")

    async def send(self, message: ASGISendEvent) -> None:
        """Send a message. Raises ClientDisconnected after a close."""
        if self.close_sent:
            raise ClientDisconnected
        await super().send(message)

    def _close_and_discard(self, code: int, reason: str) -> None:
        """Send the close frame of the connection, and read on until the client closes."""
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        if self.read_paused:
            self.read_paused = False
            self.transport.resume_reading()
        self.close_timer = self.loop.call_later(GRACEFUL_SHUTDOWN_S, self.transport.abort)
        if self.conn.parser_exc is not None and self.transport.can_write_eof():
            self.transport.write_eof()  # the end of the client's data is then the only sign of its close


class Server(uvicorn.Server):
    """uvicorn, which calls `announce` with its URL once it listens, and `on_shutdown` when it begins to shut down."""

    def __init__(
        self,
        app: FastAPI,
        settings: Settings,
        announce: Callable[[str], None],
        on_shutdown: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__(uvicorn_config(app, settings))
        self._shutdown: Shutdown = app.state.shutdown
        self._announce, self._on_shutdown = announce, on_shutdown

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the responses that wait for events, and let the others finish within GRACEFUL_SHUTDOWN_S."""
        self._on_shutdown()
        self._shutdown.begin()
        await super().shutdown(sockets)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to listen."""
        await super().startup(sockets)
        for server in self.servers:
            for listener in server.sockets:
                self._announce(_url(listener))


def uvicorn_config(app: FastAPI, settings: Settings) -> uvicorn.Config:
    """The configuration of uvicorn."""
    return uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        log_config=None,  # the command configures the log
        access_log=False,
        server_header=False,
        http=HttpProtocol,
        ws=SocketProtocol,
        ws_max_size=MAX_MESSAGE_BYTES,
        ws_per_message_deflate=False,  # compressed pictures do not shrink further
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=int(GRACEFUL_SHUTDOWN_S),
    )


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
