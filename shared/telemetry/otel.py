"""Spans sent by OTLP over HTTP. Endpoint, headers, sampling and names are set by OpenTelemetry's own variables."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from duygu.shared.telemetry.tracing import Fact

PREFIX = "duygu."
"""Of the names of what spans are told with."""


class OpenTelemetry:
    """Traces as shared/telemetry/tracing.py describes them."""

    def __init__(self, program: str) -> None:
        resource = Resource.create({SERVICE_NAME: os.environ.get("OTEL_SERVICE_NAME", program)})
        self.provider = TracerProvider(resource=resource)
        self.provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer = self.provider.get_tracer("duygu")
        self._propagator = TraceContextTextMapPropagator()

    @contextmanager
    def span(self, name: str, parent: str = "", **facts: Fact) -> Iterator[None]:
        """Tell how long the block takes; what it raises is told by its kind alone, for messages may be about people."""
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
        """Add to the span that runs."""
        trace.get_current_span().set_attributes(_named(facts))

    def fail(self, code: str) -> None:
        """Say that what the running span tells of has failed."""
        trace.get_current_span().set_status(trace.StatusCode.ERROR, code)

    def traceparent(self) -> str:
        """The span that runs, as W3C's header has it."""
        carrier: dict[str, str] = {}
        self._propagator.inject(carrier)
        return carrier.get("traceparent", "")

    def close(self) -> None:
        """Send what has not been sent yet."""
        self.provider.shutdown()


def _named(facts: dict[str, Fact]) -> dict[str, Fact]:
    return {f"{PREFIX}{name}": value for name, value in facts.items()}
