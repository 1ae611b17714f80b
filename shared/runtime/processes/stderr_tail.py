"""The last lines that a child process wrote to its standard error, kept for the log."""

import subprocess
import threading

TAIL_BYTES = 4096
"""Large enough for a Python traceback or a dump of `faulthandler`."""

READ_BYTES = 4096

JOIN_S = 1.0
"""Longest wait for the end of the output; a grandchild that keeps the pipe open would block it for ever."""


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
        """Wait for the child's exit and return its status or signal and its last lines, for the log."""
        code = self._process.wait()
        cause = f"signal {-code}" if code < 0 else f"status {code}"
        last = self.text()
        return f"{cause}; its last lines:\n{last}" if last else f"{cause}; it wrote nothing to stderr"

    def text(self) -> str:
        """Return at most `limit` bytes of the output's end, without a partial first line. Call it after the exit."""
        self.close()
        tail = self._tail
        if len(tail) > self._limit:
            _, _, tail = tail[-self._limit :].partition(b"\n")
        return tail.decode("utf-8", "replace").strip()

    def close(self) -> None:
        """Wait for the thread. Call it after the child has exited."""
        self._thread.join(JOIN_S)

    def _drain(self) -> None:
        if self._process.stderr is None:
            return
        with self._process.stderr as pipe:
            while piece := pipe.read(READ_BYTES):
                # One byte beyond the limit shows that output was discarded.
                self._tail = (self._tail + piece)[-self._limit - 1 :]
