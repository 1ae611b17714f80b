"""Errors are problems with documented codes."""

import json
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
from redis import Redis

from duygu.services.api.http.problems import problems
from duygu.shared.config.settings import Settings
from duygu.shared.errors import QueueFullError, TooLargeError
from duygu.shared.runtime.telemetry.logs import JsonFormatter
from tests.services.conftest import serving, submit
from tests.support.workers.scripted_worker import Script


@pytest.fixture
def full_redis(redis: Redis) -> Iterator[Redis]:
    """A Redis that has reached its memory limit."""
    redis.config_set("maxmemory", "1")
    yield redis
    redis.config_set("maxmemory", "0")


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nothing", 404, "not_found"),
        ("GET", "/v1/nothing", 404, "not_found"),
        ("PUT", "/v1/videos", 405, "method_not_allowed"),
        ("PUT", "/v1/jobs", 405, "method_not_allowed"),
    ],
)
def test_unknown_addresses_and_methods(api: httpx.Client, method: str, path: str, status: int, code: str) -> None:
    """Errors of the framework are problems."""
    response = api.request(method, path)
    assert response.headers["Content-Type"] == "application/problem+json"
    problem = response.json()
    assert (response.status_code, problem["status"], problem["code"]) == (status, status, code)
    assert ("Allow" in response.headers) == (status == 405)


def test_the_socket_is_no_page(api: httpx.Client) -> None:
    """A plain HTTP request to the socket gives 426, as through a proxy that drops the Upgrade header."""
    response = api.get("/v1/stream")
    assert (response.status_code, response.json()["code"]) == (426, "upgrade_required")
    assert response.headers["Upgrade"] == "websocket"


def test_a_fault_of_ours_is_a_problem_without_details(
    service_settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """An unhandled error gives 500 `internal`; its details are logged and not returned."""

    def broken(*_: object) -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr("duygu.shared.jobs.store.JobStore.page", broken)
    caplog.handler.setFormatter(JsonFormatter())
    allowing = service_settings.model_copy(update={"cors_origins": "https://app.example"})
    with serving(allowing) as api:
        response = api.get("/v1/jobs", headers={"X-Request-ID": "abc-1", "Origin": "https://app.example"})
        head = api.head("/v1/jobs")
        metrics = api.get("/metrics").text
    assert (response.status_code, response.json()["code"]) == (500, "internal")
    assert "secret" not in response.text
    assert response.headers["X-Request-ID"] == "abc-1"
    assert response.headers["Access-Control-Allow-Origin"] == "https://app.example"
    assert "Content-Security-Policy" in response.headers
    assert (head.status_code, head.content) == (500, b"")
    assert 'duygu_http_requests_total{method="GET",route="/v1/jobs",status="500"} 1.0' in metrics
    assert 'duygu_http_requests_total{method="HEAD",route="/v1/jobs",status="500"} 1.0' in metrics
    assert 'duygu_http_problems_total{code="internal"} 2.0' in metrics
    tracebacks = [line for line in map(json.loads, caplog.text.splitlines()) if "traceback" in line]
    assert [line.get("request_id") for line in tracebacks] == ["abc-1", head.headers["X-Request-ID"]]
    assert all("secret" in line["traceback"] for line in tracebacks)


def test_a_response_that_breaks_off_is_seen(
    service_settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """An error after the start of a response interrupts it and is counted and logged under the request id."""

    async def broken(*_: object) -> AsyncIterator[None]:
        yield None
        raise RuntimeError("secret")

    monkeypatch.setattr("duygu.services.api.jobs.events.follow", broken)
    caplog.handler.setFormatter(JsonFormatter())
    with serving(service_settings) as api:
        events = submit(api, Script().upload())["links"]["events"]
        with pytest.raises(httpx.RemoteProtocolError):
            api.get(events, headers={"X-Request-ID": "abc-2"})
        metrics = api.get("/metrics").text
    route = "/v1/jobs/{job_id}/events"
    assert f'duygu_http_broken_responses_total{{method="GET",route="{route}"}} 1.0' in metrics
    assert 'duygu_http_problems_total{code="internal"} 1.0' in metrics
    tracebacks = [line for line in map(json.loads, caplog.text.splitlines()) if "traceback" in line]
    assert [line["request_id"] for line in tracebacks] == ["abc-2"]


def test_a_full_redis_is_unavailable(full_redis: Redis, api: httpx.Client) -> None:
    """A full Redis gives 503 with `Retry-After`; reads still work, and no partial job is stored."""
    response = api.post("/v1/videos", files={"video": ("a.mp4", Script().upload())})
    assert (response.status_code, response.json()["code"]) == (503, "unavailable")
    assert "Retry-After" in response.headers
    assert api.get("/v1/jobs").json()["jobs"] == []
    full_redis.config_set("maxmemory", "0")
    submit(api, Script().upload())


def test_descriptions_name_codes_and_retry_after() -> None:
    """OpenAPI lists the codes of each error response and its `Retry-After` header."""
    described = problems(TooLargeError, QueueFullError)
    assert "`too_large`" in described[413]["description"]
    assert "`queue_full`" in described[503]["description"]
    assert "Retry-After" in described[503]["headers"]
    assert "headers" not in described[413]
