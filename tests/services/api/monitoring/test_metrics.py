"""Metrics and log lines of requests."""

import logging
import time

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from redis import Redis

from duygu.shared.config.api_keys import KeyLimits, Scope, add_key
from duygu.shared.config.settings import Settings
from duygu.shared.jobs.heartbeat import send_heartbeat
from tests.services.conftest import serving, submit
from tests.support.workers.scripted_worker import Script


def scraped(api: httpx.Client) -> dict[tuple[str, frozenset[str]], float]:
    """Every sample by its name and the values of its labels."""
    response = api.get("/metrics")
    assert response.status_code == 200
    families = text_string_to_metric_families(response.text)
    samples = [sample for family in families for sample in family.samples]
    return {(sample.name, frozenset(sample.labels.values())): sample.value for sample in samples}


def test_requests_are_counted_by_route(api: httpx.Client) -> None:
    """Under the route's pattern, never under a path that anybody may invent; problems by their code."""
    job = submit(api, Script().upload())
    api.get(job["links"]["self"])
    api.get(f"/v1/jobs/{'0' * 32}")
    api.get("/invented")
    api.head("/healthz")
    api.request("PROPFIND", "/healthz")
    found = scraped(api)
    assert found["duygu_http_requests_total", frozenset({"POST", "/v1/videos", "202"})] == 1
    assert found["duygu_http_requests_total", frozenset({"GET", "/v1/jobs/{job_id}", "200"})] == 1
    assert found["duygu_http_requests_total", frozenset({"GET", "/v1/jobs/{job_id}", "404"})] == 1
    assert found["duygu_http_requests_total", frozenset({"GET", "none", "404"})] == 1
    assert found["duygu_http_requests_total", frozenset({"HEAD", "/healthz", "200"})] == 1
    assert ("duygu_http_requests_total", frozenset({"GET", "/healthz", "200"})) not in found
    assert found["duygu_http_requests_total", frozenset({"other", "/healthz", "405"})] == 1
    assert found["duygu_http_problems_total", frozenset({"job_not_found"})] == 1
    assert found["duygu_http_request_seconds_count", frozenset({"POST", "/v1/videos"})] == 1
    assert not any("invented" in value for _, values in found for value in values)


def test_queues_are_seen(api: httpx.Client, redis: Redis) -> None:
    """How many jobs wait, for how long, and how many workers there are."""
    submit(api, Script().upload())
    submit(api, Script().upload())
    send_heartbeat(redis, "videos", "somebody")
    api.post("/v1/uploads", headers={"Tus-Resumable": "1.0.0", "Upload-Length": "5"})
    found = scraped(api)
    assert found["duygu_uploads_open", frozenset()] == 1
    queue = frozenset({"videos"})
    assert (found["duygu_queue_jobs", queue], found["duygu_workers", queue]) == (2, 1)
    assert 0 < found["duygu_queue_age_seconds", queue] < 60
    assert found["duygu_redis_up", frozenset()] == 1


def test_the_age_of_the_queue_begins_with_the_job(api: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """A long upload has not waited: its id was made an hour before it was there."""
    monkeypatch.setattr(
        "duygu.services.api.videos.routes.new_job_id", lambda: f"{int((time.time() - 3600) * 1000):012x}{'0' * 20}"
    )
    submit(api, Script().upload())
    assert 0 < scraped(api)["duygu_queue_age_seconds", frozenset({"videos"})] < 60


def test_without_redis_there_are_metrics_all_the_same(service_settings: Settings) -> None:
    """The metrics report that Redis is unreachable."""
    with serving(service_settings.model_copy(update={"redis_url": "redis://127.0.0.1:1/0"})) as api:
        found = scraped(api)
        assert found["duygu_redis_up", frozenset()] == 0
        assert ("duygu_queue_jobs", frozenset({"videos"})) not in found


def test_only_administrators_see_them(service_settings: Settings) -> None:
    """Where there are keys."""
    path = service_settings.data_dir / "keys.json"
    path.parent.mkdir()
    app, chief = (add_key(path, scope, frozenset({scope}), KeyLimits()) for scope in (Scope.READ, Scope.ADMIN))
    with serving(service_settings.model_copy(update={"keys_file": path})) as api:
        assert api.get("/metrics", headers={"Authorization": f"Bearer {app}"}).status_code == 403
        assert api.get("/metrics", headers={"Authorization": f"Bearer {chief}"}).status_code == 200


def test_responses_have_an_id(api: httpx.Client, caplog: pytest.LogCaptureFixture) -> None:
    """That of the proxy in front if it is a plain one, else a new one; the log has a line for each request."""
    caplog.set_level(logging.INFO)
    assert api.get("/healthz", headers={"X-Request-ID": "abc-1"}).headers["X-Request-ID"] == "abc-1"
    for given in ("", "a b", "x" * 65, "<script>"):
        made = api.get("/healthz", headers={"X-Request-ID": given}).headers["X-Request-ID"]
        assert made != given
        assert len(made) == 16
    lines = [record for record in caplog.records if record.name == "duygu.services.api.monitoring.access_log"]
    assert len(lines) == 5
    assert lines[0].getMessage() == "GET /healthz 200"
