"""Spans exported by OTLP over HTTP. OpenTelemetry's own variables set endpoint, headers, sampling and service name."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from duygu.shared.runtime.telemetry.tracing import Fact

PREFIX = "duygu."
"""Prefix of the names of our attributes."""


class OpenTelemetry:
    """`Traces` exported through the OpenTelemetry SDK; needs the extra `tracing`."""

    def __init__(self, program: str) -> None:
        resource = Resource.create({SERVICE_NAME: os.environ.get("OTEL_SERVICE_NAME", program)})
        self.provider = TracerProvider(resource=resource)
        self.provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer = self.provider.get_tracer("duygu")
        self._propagator = TraceContextTextMapPropagator()

    @contextmanager
    def span(self, name: str, parent: str = "", **facts: Fact) -> Iterator[None]:
        """Record the block as a span. Of an exception only the type is recorded: its message may hold personal data."""
        context = self._propagator.extract({"traceparent": parent}) if parent else None
        with self._tracer.start_as_current_span(
            name, context, attributes=_named(facts), record_exception=False, set_status_on_exception=False
        ) as running:
            try:
                yield
            except BaseException as error:
                running.set_status(trace.StatusCode.ERROR, type(error).__name__)
                raise

    def note(self, **facts: Fact) -> None:
        """Set attributes of the current span."""
        trace.get_current_span().set_attributes(_named(facts))

    def fail(self, code: str) -> None:
        """Set the status of the current span to error."""
        trace.get_current_span().set_status(trace.StatusCode.ERROR, code)

    def traceparent(self) -> str:
        """The current span as a value of W3C's header `traceparent`."""
        carrier: dict[str, str] = {}
        self._propagator.inject(carrier)
        return carrier.get("traceparent", "")

    def close(self) -> None:
        """Export the spans that are still buffered."""
        self.provider.shutdown()


def _named(facts: dict[str, Fact]) -> dict[str, Fact]:
    return {f"{PREFIX}{name}": value for name, value in facts.items()}
