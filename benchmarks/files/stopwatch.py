"""CPU time per stage."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Stopwatch:
    """CPU seconds per stage, of the calling thread. A stage within another counts only once, for the inner one."""

    spent: dict[str, float] = field(default_factory=dict)
    calls: dict[str, int] = field(default_factory=dict)
    _inner: threading.local = field(default_factory=threading.local)

    def timed(self, stage: str, call: Callable[..., Any]) -> Callable[..., Any]:
        """Wrap a function to measure its time."""

        def watched(*arguments: Any, **named: Any) -> Any:
            outer = getattr(self._inner, "s", 0.0)
            self._inner.s, started = 0.0, time.thread_time()
            try:
                return call(*arguments, **named)
            finally:
                total = time.thread_time() - started
                self.spent[stage] = self.spent.get(stage, 0.0) + total - self._inner.s
                self.calls[stage] = self.calls.get(stage, 0) + 1
                self._inner.s = outer + total

        return watched
