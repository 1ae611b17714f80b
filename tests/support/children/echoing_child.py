"""A child process that sends its order, the variable SHOWN, and every piece of its input up to an empty line."""

import os
import sys

if __name__ == "__main__":
    shown = os.environ.get("SHOWN", "REDIS_URL" if "REDIS_URL" in os.environ else "")
    os.write(sys.stdout.fileno(), f"{sys.argv[1]} {shown}".strip().encode())
    while (piece := os.read(sys.stdin.fileno(), 100)).strip():
        os.write(sys.stdout.fileno(), piece)
