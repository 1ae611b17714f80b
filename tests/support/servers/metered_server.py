"""A proxy that counts the bytes of the responses."""

import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import urlsplit


class MeteredServer(socketserver.ThreadingTCPServer):
    """Forwards connections to `behind`, the address of an HTTP server."""

    daemon_threads = True

    def __init__(self, behind: str) -> None:
        super().__init__(("127.0.0.1", 0), _Passage)
        self.behind = (urlsplit(behind).hostname, urlsplit(behind).port)
        self.sent_bytes = 0

    @property
    def url(self) -> str:
        """The address of the proxy."""
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Passage(socketserver.BaseRequestHandler):
    server: Any

    def handle(self) -> None:
        with socket.create_connection(self.server.behind) as behind:
            threading.Thread(target=_pass_on, args=(self.request, behind), daemon=True).start()
            for piece in _pieces(behind):
                self.server.sent_bytes += len(piece)
                self.request.sendall(piece)


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    for piece in _pieces(source):
        target.sendall(piece)
    with suppress(OSError):  # already closed
        target.shutdown(socket.SHUT_RDWR)


def _pieces(source: socket.socket) -> Iterator[bytes]:
    with suppress(OSError):  # reset by the peer
        while piece := source.recv(65536):
            yield piece


@contextmanager
def metered(behind: str) -> Iterator[MeteredServer]:
    """Run a metered server within the block."""
    with MeteredServer(behind) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
