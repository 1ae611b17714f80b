"""The HTTP server: uvicorn with limits on messages and on the time of a shutdown."""

import asyncio
import socket
from collections.abc import Callable

import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from duygu.services.api.shutdown import Shutdown
from duygu.shared.config import Settings

GRACEFUL_SHUTDOWN_S = 5.0
"""Seconds for open requests to finish at shutdown, and for a client to read the last message of a socket."""

MAX_MESSAGE_BYTES = 16 * 1024 * 1024
"""Maximum size of a WebSocket message; a larger one closes the socket with code 1009."""


class SocketProtocol(WebSocketsSansIOProtocol):
    """The WebSocket protocol of uvicorn, which also closes if the client does not read.

    A closing transport first flushes its buffer, and would wait forever for a client that does not read.
    """

    def on_task_complete(self, task: asyncio.Task[None]) -> None:
        """Abort the transport after a grace period."""
        super().on_task_complete(task)
        self.loop.call_later(GRACEFUL_SHUTDOWN_S, self.transport.abort)


class Server(uvicorn.Server):
    """uvicorn, which calls `announce` with its URL once it listens."""

    def __init__(self, app: FastAPI, settings: Settings, announce: Callable[[str], None]) -> None:
        super().__init__(uvicorn_config(app, settings))
        self._shutdown: Shutdown = app.state.shutdown
        self._announce = announce

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the responses that wait for events, and let the others finish within GRACEFUL_SHUTDOWN_S."""
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
        ws=SocketProtocol,
        ws_max_size=MAX_MESSAGE_BYTES,
        ws_per_message_deflate=False,  # compressed pictures do not shrink further
        timeout_graceful_shutdown=int(GRACEFUL_SHUTDOWN_S),
    )


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
