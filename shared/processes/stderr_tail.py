"""The last lines that a child process wrote to its standard error, kept for the log."""

import subprocess
import threading

TAIL_BYTES = 4096
"""A Python traceback or a dump of `faulthandler` ends within so many bytes."""

READ_BYTES = 4096

JOIN_S = 1.0
"""Longest wait for the end of the output; a grandchild that holds the pipe open would never let it end."""


class StderrTail:
    """Drains a child's standard error in a thread, so that the child never blocks on it, and keeps the end."""

    def __init__(self, process: "subprocess.Popen[bytes]", *, limit: int = TAIL_BYTES) -> None:
        """Start draining.

        process  started with `stderr=subprocess.PIPE`; the pipe is closed at its end
        limit    bytes to keep
        """
        self._process, self._limit = process, limit
        self._tail = b""
        self._thread = threading.Thread(target=self._drain, name="stderr-tail", daemon=True)
        self._thread.start()

    def ending(self) -> str:
        """How the child ended, for the log: its exit status or signal, then its last lines. Waits for its end."""
        code = self._process.wait()
        cause = f"signal {-code}" if code < 0 else f"status {code}"
        last = self.text()
        return f"{cause}; its last lines:\n{last}" if last else f"{cause}; it wrote nothing to stderr"

    def text(self) -> str:
        """What is kept, once the child has ended: at most `limit` bytes, and no line that was cut at its start."""
        self.close()
        tail = self._tail
        if len(tail) > self._limit:
            _, _, tail = tail[-self._limit :].partition(b"\n")
        return tail.decode("utf-8", "replace").strip()

    def close(self) -> None:
        """Wait for the thread. Call it after the child has ended."""
        self._thread.join(JOIN_S)

    def _drain(self) -> None:
        if self._process.stderr is None:
            return
        with self._process.stderr as pipe:
            while piece := pipe.read(READ_BYTES):
                # One byte more than the limit shows that something was left out.
                self._tail = (self._tail + piece)[-self._limit - 1 :]
