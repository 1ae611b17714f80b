"""Traces: how one request goes on in a worker, told to OpenTelemetry where an endpoint is set.

What speaks to OpenTelemetry is in shared/telemetry/otel.py, which needs the extra `tracing`.
"""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Protocol

from duygu.shared.errors import ConfigurationError

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
"""Variables of OpenTelemetry; one of them set means that traces are wanted."""

Fact = str | int | float


class Traces(Protocol):
    """Where spans are told to."""

    @property
    def provider(self) -> Any:
        """What OpenTelemetry calls a tracer provider, for the framework; None where nobody is told."""
        ...

    def span(self, name: str, parent: str = "", **facts: Fact) -> AbstractContextManager[None]:
        """Tell how long the block takes. `parent` is a `traceparent` that came from elsewhere."""
        ...

    def note(self, **facts: Fact) -> None:
        """Add to the span that runs."""
        ...

    def fail(self, code: str) -> None:
        """Say that what the running span tells of has failed."""
        ...

    def traceparent(self) -> str:
        """The span that runs, as W3C's header `traceparent` has it; empty where there is none."""
        ...

    def close(self) -> None:
        """Send what has not been sent yet."""
        ...


class NoTraces:
    """Nobody is told."""

    provider = None

    @contextmanager
    def span(self, name: str, parent: str = "", **facts: Fact) -> Iterator[None]:
        """Run the block."""
        yield

    def note(self, **facts: Fact) -> None:
        """Forget it."""

    def fail(self, code: str) -> None:
        """Forget it."""

    def traceparent(self) -> str:
        """Nothing."""
        return ""

    def close(self) -> None:
        """Nothing was kept."""


def open_traces(program: str) -> Traces:
    """Traces of a program, such as `duygu-api`. Raises ConfigurationError where they are wanted and cannot be told."""
    if not any(os.environ.get(name) for name in ENDPOINTS):
        return NoTraces()
    try:
        from duygu.shared.telemetry.otel import OpenTelemetry
    except ImportError as error:
        raise ConfigurationError("an endpoint for traces is set, but the extra `tracing` is not installed") from error
    return OpenTelemetry(program)
