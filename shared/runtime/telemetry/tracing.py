"""The interface for traces: the spans of one request through the API and the workers.

Implementations: `OpenTelemetry` in shared/runtime/telemetry/otel.py, `NoTraces` in shared/runtime/telemetry/opening.py.
"""

from contextlib import AbstractContextManager
from typing import Any, Protocol

Fact = str | int | float


class Traces(Protocol):
    """Records spans and their attributes."""

    @property
    def provider(self) -> Any:
        """OpenTelemetry's tracer provider, for the instrumentation of FastAPI; None where traces are off."""
        ...

    def span(self, name: str, parent: str = "", **facts: Fact) -> AbstractContextManager[None]:
        """Record the block as a span. `parent` is the `traceparent` of a span in another process."""
        ...

    def note(self, **facts: Fact) -> None:
        """Set attributes of the current span."""
        ...

    def fail(self, code: str) -> None:
        """Set the status of the current span to error."""
        ...

    def traceparent(self) -> str:
        """The current span as a value of W3C's header `traceparent`; empty without a span."""
        ...

    def close(self) -> None:
        """Export the spans that are still buffered."""
        ...
