"""Redis goes away in the middle of everything, and comes back."""

import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from duygu.shared.broker.connections import redis_url
from duygu.shared.broker.embedded import EmbeddedValkey
from duygu.shared.config.settings import Settings
from tests.services.conftest import ended, running, serving, submit, wait_until, worker
from tests.support.workers.scripted_worker import Script

AWAY_S = 2.0


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[EmbeddedValkey]:
    """A server that may be killed."""
    with EmbeddedValkey(tmp_path) as server:
        yield server


def test_no_accepted_job_is_lost(valkey: EmbeddedValkey, service_settings: Settings, tmp_path: Path) -> None:
    """A running and a queued job survive a killed Redis, with each event once; meanwhile the API responds with 503."""
    url = redis_url(Settings(data_dir=tmp_path))
    settings = service_settings.model_copy(update={"redis_url": url})
    with serving(settings) as api, worker(settings, "tests.support.workers.scripted_worker", "videos") as process:
        first = submit(api, Script(duration_s=4.0).upload())["job_id"]
        second = submit(api, Script().upload())["job_id"]
        running(api, first)
        valkey._process.kill()
        valkey._process.wait()
        killed = time.monotonic()
        for response in (
            api.get(f"/v1/jobs/{first}"),
            api.post("/v1/videos", files={"video": ("a.mp4", Script().upload())}),
            api.get("/readyz"),
        ):
            assert (response.status_code, response.json()["code"]) == (503, "unavailable")
        time.sleep(max(AWAY_S - (time.monotonic() - killed), 0))
        valkey.restart()
        wait_until(lambda: api.get(f"/v1/jobs/{first}").status_code == 200)
        for job_id in (first, second):
            assert ended(api, job_id)["status"] == "succeeded"
            events = api.get(f"/v1/jobs/{job_id}/events").text
            assert [events.count(f"event: {name}\n") for name in ("queued", "started", "succeeded")] == [1, 1, 1]
        assert api.get(f"/v1/jobs/{first}/events").text.count("event: window\n") == 8
        assert process.poll() is None


def test_listeners_come_back(valkey: EmbeddedValkey, service_settings: Settings, tmp_path: Path) -> None:
    """A stream of events ends when Redis goes away, without an error, so that the client reconnects."""
    settings = service_settings.model_copy(update={"redis_url": redis_url(Settings(data_dir=tmp_path))})
    with serving(settings) as api:
        job_id = submit(api, Script().upload())["job_id"]
        with api.stream("GET", f"/v1/jobs/{job_id}/events") as response:
            lines = response.iter_lines()
            assert next(line for line in lines if line.startswith("event:")) == "event: queued"
            valkey._process.kill()
            started = time.monotonic()
            assert [line for line in lines if line.startswith("event:")] == []
            assert time.monotonic() - started < 10
        valkey._process.wait()
        valkey.restart()
        wait_until(lambda: api.get(f"/v1/jobs/{job_id}").status_code == 200)
        missed = api.delete(f"/v1/jobs/{job_id}")
        assert missed.status_code == 204


def test_a_client_that_stops_listening_is_let_go(api: httpx.Client) -> None:
    """Its connection to Redis is free again for others."""
    job_id = submit(api, Script().upload())["job_id"]
    for _ in range(3):
        with api.stream("GET", f"/v1/jobs/{job_id}/events") as response:
            next(response.iter_lines())
    assert api.get(f"/v1/jobs/{job_id}").status_code == 200
