"""A TCP proxy that breaks connections."""

import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

PIECE = 65_536


class CuttingProxy:
    """Forwards connections to a service. The n-th is cut after `cuts[n]` bytes of the service, if it has an entry."""

    def __init__(self, target: tuple[str, int], cuts: Sequence[int]) -> None:
        self._target, self._cuts = target, list(cuts)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.connections = 0
        self.port = int(self._listener.getsockname()[1])

    def accept(self) -> None:
        """Accept connections until the proxy is closed."""
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                left = self._cuts[self.connections] if self.connections < len(self._cuts) else None
                self.connections += 1
                server = socket.create_connection(self._target)
                threading.Thread(target=self._forward, args=(client, server), daemon=True).start()
                threading.Thread(target=self._back, args=(client, server, left), daemon=True).start()

    def close(self) -> None:
        """Accept no more connections."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _forward(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while piece := client.recv(PIECE):
                server.sendall(piece)
        _cut(client, server)

    def _back(self, client: socket.socket, server: socket.socket, left: int | None) -> None:
        with suppress(OSError):
            while piece := server.recv(PIECE):
                passed = piece if left is None else piece[:left]
                client.sendall(passed)
                if left is not None and (left := left - len(passed)) <= 0:
                    break
        _cut(client, server)


def _cut(*connections: socket.socket) -> None:
    for connection in connections:
        with suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)
        connection.close()


@contextmanager
def cutting(port: int, *cuts: int) -> Iterator[CuttingProxy]:
    """Run a proxy for a port of this machine within the block."""
    proxy = CuttingProxy(("127.0.0.1", port), cuts)
    thread = threading.Thread(target=proxy.accept, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        proxy.close()
        thread.join()
