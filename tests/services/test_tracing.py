"""One trace from the request to the worker."""

from collections.abc import Iterator

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from duygu.shared.config.settings import Settings
from tests.services.conftest import ended, serving, submit, wait_until, worker
from tests.support.servers.collector import Collector, collecting
from tests.support.workers.scripted_worker import MARK, Script

CALLER = ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7")
"""The trace and the span of somebody who calls the API, from W3C's recommendation."""


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    """JobEvent by everything that is started."""
    with collecting() as running:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", running.url)
        monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "100")
        yield running


def named(collector: Collector, name: str) -> list[tuple[str, Span]]:
    """The spans of a name, with the service of each."""
    return [(program, span) for program, span in collector.spans if span.name == name]


def test_a_job_is_part_of_its_request(collector: Collector, service_settings: Settings) -> None:
    """The caller's trace goes on in the API and in the worker, with each stage of the job below it."""
    with serving(service_settings) as api, worker(service_settings, "tests.support.workers.scripted_worker", "videos"):
        api.headers["traceparent"] = f"00-{CALLER[0]}-{CALLER[1]}-01"
        job_id = submit(api, Script().upload())["job_id"]
        del api.headers["traceparent"]
        ended(api, job_id)
        wait_until(lambda: named(collector, "job"))
    [(program, request)] = named(collector, "POST /v1/videos")
    assert (program, request.trace_id.hex(), request.parent_span_id.hex()) == ("duygu-api", *CALLER)
    [(program, job)] = named(collector, "job")
    assert (program, job.trace_id, job.parent_span_id) == ("duygu-worker-videos", request.trace_id, request.span_id)
    assert {entry.key for entry in job.attributes} == {"duygu.job_id", "duygu.attempt", "duygu.waited_s"}
    for name in ("fetch", "analyze", "store"):
        [(_, stage)] = named(collector, name)
        assert (stage.trace_id, stage.parent_span_id) == (job.trace_id, job.span_id)


def test_the_span_of_a_failed_job_has_its_error(collector: Collector, service_settings: Settings) -> None:
    """A span has the code of an error but not its detail, which may concern a personal file."""
    with serving(service_settings) as api, worker(service_settings, "tests.support.workers.scripted_worker", "videos"):
        ended(api, submit(api, Script(hungry=True).upload())["job_id"])
        ended(api, submit(api, MARK + b"no script", "holiday.mp4")["job_id"])
        wait_until(lambda: len(named(collector, "job")) == 2)
    assert {(span.status.code, span.status.message) for _, span in named(collector, "job")} == {
        (Status.STATUS_CODE_ERROR, "out_of_memory"),
        (Status.STATUS_CODE_ERROR, "internal"),
    }
    assert not any(b"holiday" in span.SerializeToString() for _, span in collector.spans)
    assert not any(span.events for _, span in collector.spans)
