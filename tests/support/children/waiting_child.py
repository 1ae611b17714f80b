"""A child process that waits for its order, and sends the length of the name in it and the content of its file."""

import os
import sys

from duygu.shared.runtime.processes.orders import receive_order


def reply() -> bytes:
    """What the process sends."""
    received = receive_order(sys.stdin.fileno())
    if received is None:
        return b"no order"
    order, files = received
    return b"%d %s" % (len(order["name"]), os.pread(files[order["file"]], 100, 0))


if __name__ == "__main__":
    os.write(sys.stdout.fileno(), reply())
