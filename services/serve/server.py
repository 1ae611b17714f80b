"""How the application is served: uvicorn, with limits that hold for whoever connects."""

import asyncio
import socket
from collections.abc import Callable

import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from duygu.services.api.shutdown import Shutdown
from duygu.shared.config import Settings

GOODBYE_S = 5.0
"""Open requests get this long when the service stops, and a socket's last words to be read."""

MOST_MESSAGE_BYTES = 16 * 1024 * 1024
"""On a socket; a larger one ends it with code 1009."""


class SocketProtocol(WebSocketsSansIOProtocol):
    """uvicorn's sockets, which end although the other side does not read.

    A transport that is closed first sends what it holds, and would wait for ever for somebody who takes nothing.
    """

    def on_task_complete(self, task: asyncio.Task[None]) -> None:
        """Give what was said last some time to be read."""
        super().on_task_complete(task)
        self.loop.call_later(GOODBYE_S, self.transport.abort)


class Server(uvicorn.Server):
    """uvicorn, which calls `announce` with its address once it listens."""

    def __init__(self, app: FastAPI, settings: Settings, announce: Callable[[str], None]) -> None:
        super().__init__(server_config(app, settings))
        self._shutdown: Shutdown = app.state.shutdown
        self._announce = announce

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the requests that only wait for news, and give the others GOODBYE_S."""
        self._shutdown.begin()
        await super().shutdown(sockets)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to listen."""
        await super().startup(sockets)
        for server in self.servers:
            for listener in server.sockets:
                self._announce(_url(listener))


def server_config(app: FastAPI, settings: Settings) -> uvicorn.Config:
    """How the application is served."""
    return uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        log_config=None,  # the log is set up by the command
        access_log=False,
        server_header=False,
        ws=SocketProtocol,
        ws_max_size=MOST_MESSAGE_BYTES,
        ws_per_message_deflate=False,  # pictures do not get smaller
        timeout_graceful_shutdown=int(GOODBYE_S),
    )


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
