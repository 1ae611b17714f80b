"""A module of the package that runs in a child process and sends its output through a pipe."""

import json
import os
import select
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from duygu.shared.errors import CancelledError
from duygu.shared.paths import IMPORT_PATH
from duygu.shared.runtime.processes.orders import send_order
from duygu.shared.runtime.processes.stderr_tail import StderrTail
from duygu.shared.runtime.unix import require_unix

SILENCE_S = 30.0
"""Maximum time between two outputs of a process that decodes a file; after it, the process is killed."""

POLL_S = 0.1
"""Interval at which `should_stop` is polled, in seconds."""

ENVIRONMENT = {
    "PYTHONPATH": str(IMPORT_PATH),
    "PYTHONDONTWRITEBYTECODE": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "2",  # the C library would reserve 64 MB of address space, which is limited, for each thread
}
"""The environment of the process: no secret of this one."""


class ModuleProcess:
    """`python -m MODULE ORDER` with open files and a minimal environment. It is killed when the context exits."""

    def __init__(self, module: str, order: dict[str, Any] | None, files: Sequence[int], **environment: str) -> None:
        """Start the process without waiting for it.

        Raises OSError if it cannot be started, and ConfigurationError where this is no Unix.

        order        parameters of the process, as JSON on its command line; None for a process that waits for `give`
        files        file descriptors that it inherits
        environment  further variables
        """
        require_unix()
        argument = [] if order is None else [json.dumps(order)]
        self._channel, inherited = socket.socketpair()
        with inherited:
            self._process = subprocess.Popen(  # noqa: S603 - our own module and an order made here
                [sys.executable, "-X", "faulthandler", "-m", module, *argument],
                stdin=inherited.fileno(),
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                pass_fds=files,
                env={**ENVIRONMENT, **environment},
                bufsize=0,
            )
        self._pipes = [pipe for pipe in (self._channel, self._process.stdout) if pipe]
        self._input, self._output = (pipe.fileno() for pipe in self._pipes)
        self._stderr = StderrTail(self._process)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def give(self, order: dict[str, Any], files: Sequence[int]) -> bool:
        """Send the order to a process that waits for it; whether it was still there. Arguments as for the start."""
        try:
            send_order(self._channel, order, files)
        except (BrokenPipeError, ConnectionResetError):
            return False
        return True

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """Exit status, or the negative number of a signal; None while the process runs."""
        return self._process.poll()

    def read(self, size: int, deadline: float, should_stop: Callable[[], bool] | None = None) -> bytes:
        """Wait for output: 1 to `size` bytes, or none at its end.

        deadline  by `time.monotonic`

        Raises TimeoutError after the deadline, and CancelledError once `should_stop` returns True.
        """
        while not select.select([self._output], [], [], max(min(POLL_S, deadline - time.monotonic()), 0.0))[0]:
            if should_stop and should_stop():
                raise CancelledError
            if time.monotonic() >= deadline:
                raise TimeoutError
        if should_stop and should_stop():
            raise CancelledError
        return os.read(self._output, size)

    def write(self, content: bytes) -> None:
        """Write to the standard input. Nothing is written if the process has ended; `read` then reports the end."""
        with suppress(BrokenPipeError, ConnectionResetError):
            os.write(self._input, content)

    def wait(self) -> int:
        """Wait for the exit, and return the exit status or the negative number of a signal."""
        return self._process.wait()

    def ending(self) -> str:
        """Wait for the exit, and describe it with the last lines of the standard error, for the log."""
        return self._stderr.ending()

    def kill(self) -> None:
        """Send SIGKILL."""
        self._process.kill()

    def close(self) -> None:
        """Kill the process, and close its pipes."""
        self._process.kill()
        self._process.wait()
        self._stderr.close()
        for pipe in self._pipes:
            pipe.close()
