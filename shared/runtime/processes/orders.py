"""The order of a process that was started before its order was known."""

import json
import os
import socket
from collections.abc import Sequence
from typing import Any

MAX_FILES = 16
"""Maximum number of open files of an order."""

PIECE_BYTES = 1 << 16


def send_order(channel: socket.socket, order: dict[str, Any], files: Sequence[int]) -> None:
    """Send an order and the files that it refers to by descriptor. Raises BrokenPipeError if the process has ended."""
    line = json.dumps([order, list(files)]).encode() + b"\n"
    sent = socket.send_fds(channel, [line], list(files))
    channel.sendall(line[sent:])


def receive_order(channel: int) -> tuple[dict[str, Any], dict[int, int]] | None:
    """Wait for the order on a Unix socket; None if the sender ends without one.

    Returns the order, and by each descriptor that it names the one that the file has in this process.
    """
    line = b""
    received: list[int] = []
    with socket.socket(fileno=os.dup(channel)) as source:
        while not line.endswith(b"\n"):
            piece, files, _, _ = socket.recv_fds(source, PIECE_BYTES, MAX_FILES)
            if not piece:
                return None
            line, received = line + piece, received + files
    order, named = json.loads(line)
    return order, dict(zip(named, received, strict=True))
