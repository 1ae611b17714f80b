"""Whether a port can be listened on."""

import socket
from contextlib import suppress

TAKEN = "stop the program that uses it, or choose another port with --port or DUYGU_PORT"
"""What to do about a port that is in use."""


def is_taken(host: str, port: int) -> bool:
    """Whether another program answers at a port; 0 stands for any free one. One that has just ended does not count."""
    if not port:
        return False
    with suppress(OSError), socket.create_connection((host, port), timeout=1):
        return True
    return False
