"""A child process that is started before it is needed, so that its imports delay nothing."""

import threading
import weakref
from collections.abc import Sequence
from typing import Any

from duygu.shared.runtime.processes.module_process import ModuleProcess


class Standby:
    """Keeps one process of a module waiting for its order. It ends with this object, or with this process."""

    def __init__(self, module: str, *, keep: bool) -> None:
        """Start the process without waiting for it.

        keep  whether `replenish` starts another one, for callers that need one process after the other

        Raises OSError if it cannot be started, and ConfigurationError where this is no Unix.
        """
        self._module, self._keep = module, keep
        self._lock = threading.Lock()
        self._waiting: list[ModuleProcess] = [ModuleProcess(module, None, ())]
        weakref.finalize(self, _close, self._waiting)

    def take(self, order: dict[str, Any], files: Sequence[int]) -> ModuleProcess | None:
        """The waiting process, which now has its order; None if none waits.

        order, files  as for ModuleProcess
        """
        with self._lock:
            process = self._waiting.pop() if self._waiting else None
        if process and not process.give(order, files):
            process.close()  # it was killed while it waited
            return None
        return process

    def replenish(self) -> None:
        """Start another process, unless one waits."""
        with self._lock:
            if self._keep and not self._waiting:
                self._waiting.append(ModuleProcess(self._module, None, ()))


def _close(processes: list[ModuleProcess]) -> None:
    for process in processes:
        process.close()
