"""Tracing with and without an endpoint."""

import subprocess
import sys

import pytest

from duygu.shared.errors import ConfigurationError
from duygu.shared.paths import ROOT
from duygu.shared.runtime.telemetry.opening import ENDPOINTS, NoTraces, open_traces

PROBE = """
import sys
from duygu.shared.runtime.telemetry.opening import open_traces
traces = open_traces("probe")
with traces.span("job", "", job_id="1"):
    traces.note(attempt=1)
    assert traces.traceparent() == ""
print([name for name in sys.modules if name.startswith("opentelemetry")])
"""


def test_without_an_endpoint_nothing_is_loaded() -> None:
    """Without an endpoint, no package of OpenTelemetry is imported."""
    done = subprocess.run([sys.executable, "-c", PROBE], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    assert isinstance(open_traces("probe"), NoTraces)


@pytest.mark.parametrize("name", ENDPOINTS)
def test_an_endpoint_without_the_packages_is_an_error(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An endpoint without the packages is an error at the start that names the extra."""
    monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.setitem(sys.modules, "duygu.shared.runtime.telemetry.otel", None)
    with pytest.raises(ConfigurationError, match="tracing"):
        open_traces("probe")


def test_a_span_has_its_parent(monkeypatch: pytest.MonkeyPatch) -> None:
    """A span has the given parent, and is the parent of the spans within it."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "parentbased_always_off")  # no span is exported
    traces = open_traces("probe")
    parent = f"00-{'a' * 32}-{'b' * 16}-00"
    with traces.span("job", parent):
        within = traces.traceparent()
    assert within.split("-")[1] == "a" * 32
    assert within.split("-")[2] != "b" * 16
    assert traces.traceparent() == ""
    traces.close()
