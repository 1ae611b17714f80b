"""Opens the traces that OpenTelemetry's environment variables ask for."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from duygu.shared.errors import ConfigurationError
from duygu.shared.runtime.telemetry.tracing import Fact, Traces

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
"""Variables of OpenTelemetry; traces are on when one of them is set."""


class NoTraces:
    """Traces that are off."""

    provider = None

    @contextmanager
    def span(self, name: str, parent: str = "", **facts: Fact) -> Iterator[None]:
        """Run the block."""
        yield

    def note(self, **facts: Fact) -> None:
        """Do nothing."""

    def fail(self, code: str) -> None:
        """Do nothing."""

    def traceparent(self) -> str:
        """Always empty."""
        return ""

    def close(self) -> None:
        """Do nothing."""


def open_traces(program: str) -> Traces:
    """Traces of a program, such as `duygu-api`.

    Raises ConfigurationError when an endpoint is set but the extra `tracing` is not installed.
    """
    if not any(os.environ.get(name) for name in ENDPOINTS):
        return NoTraces()
    try:
        from duygu.shared.runtime.telemetry.otel import OpenTelemetry
    except ImportError as error:
        raise ConfigurationError("a trace endpoint is configured, but the extra `tracing` is not installed") from error
    return OpenTelemetry(program)
