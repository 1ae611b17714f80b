"""Talking to `/v1/stream` as a client does, message by message."""

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

from tests.support.videos import Scene

LIVE = Scene(duration_s=3.0, fps=10, width=640, height=480)

PATIENCE_S = 30.0


def jpeg(rgb: Any) -> bytes:
    """An encoded picture."""
    return bytes(cv2.imencode(".jpg", np.ascontiguousarray(rgb[:, :, ::-1]))[1])


@contextmanager
def open_socket(address: str, **options: Any) -> Iterator[ClientConnection]:
    """A socket; the session's first message has not been read."""
    url = f"{address.replace('http', 'ws')}/v1/stream"
    with connect(url, compression=None, max_size=None, **options) as socket:
        yield socket


def narrow_connection(address: str) -> sockets.socket:
    """A connection that holds little of what was not read; a wide one takes tens of megabytes on some machines."""
    connection = sockets.socket()
    connection.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4096)
    url = httpx.URL(address)
    connection.connect((url.host, url.port))
    return connection


def receive(socket: ClientConnection) -> dict[str, Any]:
    """The next message."""
    return dict(json.loads(socket.recv(PATIENCE_S)))


def send(socket: ClientConnection, kind: str, **fields: Any) -> None:
    """Send a text message."""
    socket.send(json.dumps({"type": kind, **fields}))


def until_closed(socket: ClientConnection) -> tuple[list[dict[str, Any]], int | None, str | None]:
    """All messages that are still to come, and how the socket was closed."""
    messages = []
    try:
        while True:
            messages.append(receive(socket))
    except ConnectionClosed:
        return messages, socket.close_code, socket.close_reason


def opens(address: str) -> bool:
    """Whether a session can be had."""
    with open_socket(address) as socket:
        return bool(receive(socket)["type"] == "session.created")
