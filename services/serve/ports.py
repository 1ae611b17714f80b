"""Checks whether a port is in use."""

import socket
from contextlib import suppress

PORT_IN_USE_HINT = "stop the program that uses it, or choose another port with --port or DUYGU_PORT"
"""How to resolve a port conflict."""


def is_port_in_use(host: str, port: int) -> bool:
    """Whether another program listens on a port; never for port 0, which selects a free one."""
    if not port:
        return False
    with suppress(OSError), socket.create_connection((host, port), timeout=1):
        return True
    return False
