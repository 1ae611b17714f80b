"""Functions to exchange the messages of `/v1/stream` as a client."""

import json
import socket as sockets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import cv2
import httpx
import numpy as np
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.support.media.videos import Scene

LIVE = Scene(duration_s=3.0, fps=10, width=640, height=480)

PATIENCE_S = 30.0


def jpeg(rgb: Any) -> bytes:
    """Encode a picture as JPEG."""
    return bytes(cv2.imencode(".jpg", np.ascontiguousarray(rgb[:, :, ::-1]))[1])


@contextmanager
def open_socket(address: str, **options: Any) -> Iterator[ClientConnection]:
    """Open a socket without reading the first message of the session."""
    url = f"{address.replace('http', 'ws')}/v1/stream"
    with connect(url, compression=None, max_size=None, open_timeout=PATIENCE_S, **options) as socket:
        yield socket


def narrow_connection(address: str) -> sockets.socket:
    """Return a connection with a small receive buffer; a default one holds tens of megabytes on some machines."""
    connection = sockets.socket()
    connection.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4096)
    url = httpx.URL(address)
    connection.connect((url.host, url.port))
    return connection


def receive(socket: ClientConnection) -> dict[str, Any]:
    """Return the next message."""
    return dict(json.loads(socket.recv(PATIENCE_S)))


def send(socket: ClientConnection, kind: str, **fields: Any) -> None:
    """Send a text message."""
    socket.send(json.dumps({"type": kind, **fields}))


def until_closed(socket: ClientConnection) -> tuple[list[dict[str, Any]], int | None, str | None]:
    """Return all remaining messages, and the code and the reason of the close."""
    messages = []
    try:
        while True:
            messages.append(receive(socket))
    except ConnectionClosed:
        return messages, socket.close_code, socket.close_reason


def opens(address: str) -> bool:
    """Return whether a session can be opened."""
    with open_socket(address) as socket:
        return bool(receive(socket)["type"] == "session.created")
