"""Shutdown of a service while requests are open."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx
import pytest

from duygu.services.api.app import create_app
from duygu.services.serve.server import Server
from duygu.shared.config.settings import Settings
from tests.services.conftest import PATIENCE_S, submit, wait_until
from tests.support.workers.scripted_worker import Script

VIDEO = Script().upload()
FORM = {"Content-Type": "multipart/form-data; boundary=b"}
HEAD = b'--b\r\nContent-Disposition: form-data; name="video"; filename="a"\r\n\r\n'
TAIL = b"\r\n--b--\r\n"

Stop = Callable[[], float]


@contextmanager
def stoppable(settings: Settings) -> Iterator[tuple[httpx.Client, Stop]]:
    """A client of an API, and what stops that API; it returns the seconds that it took."""
    addresses: list[str] = []
    server = Server(create_app(settings), settings, addresses.append)
    thread = threading.Thread(target=server.run)
    thread.start()

    def stop() -> float:
        began = time.monotonic()
        server.should_exit = True
        thread.join()
        return time.monotonic() - began

    try:
        wait_until(lambda: addresses)
        with httpx.Client(base_url=addresses[0], timeout=PATIENCE_S) as client:
            yield client, stop
    finally:
        stop()


def test_listeners_do_not_hold_it_up(service_settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    """Event streams end cleanly, waiting clients get 202, and no error is logged."""
    responses: list[httpx.Response] = []
    with stoppable(service_settings) as (api, stop):
        events = submit(api, VIDEO)["links"]["events"]

        def wait_for_the_end() -> None:
            responses.append(api.post("/v1/videos", files={"video": VIDEO}, headers={"Prefer": "wait=60"}))

        waiting = threading.Thread(target=wait_for_the_end)
        waiting.start()
        wait_until(lambda: len(api.get("/v1/jobs").json()["jobs"]) == 2)
        with api.stream("GET", events) as stream:
            lines = stream.iter_lines()
            assert next(line for line in lines if line.startswith("event")) == "event: queued"
            assert stop() < 3
            assert not [line for line in lines if line.startswith("event")]
        waiting.join()
    assert [response.status_code for response in responses] == [202]
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == []


@pytest.mark.parametrize(("finishes", "status"), [(True, 202), (False, 503)])
def test_an_upload_under_way_is_finished_or_refused(
    service_settings: Settings, monkeypatch: pytest.MonkeyPatch, *, finishes: bool, status: int
) -> None:
    """An upload that arrives in time becomes a job; a slower one gets 503 and is discarded."""
    responses: list[httpx.Response] = []
    begun, goes_on = threading.Event(), threading.Event()
    monkeypatch.setattr("duygu.services.serve.server.GRACEFUL_SHUTDOWN_S", 1.0)

    def body() -> Iterator[bytes]:
        yield HEAD + VIDEO
        begun.set()
        goes_on.wait(PATIENCE_S)
        yield TAIL

    with stoppable(service_settings) as (api, stop):
        upload = threading.Thread(
            target=lambda: responses.append(api.post("/v1/videos", content=body(), headers=FORM)), daemon=True
        )
        upload.start()
        begun.wait(PATIENCE_S)
        wait_until(lambda: list((service_settings.data_dir / "jobs").rglob("upload*")))
        if finishes:
            threading.Timer(0.3, goes_on.set).start()
        stop()
        goes_on.set()
        upload.join()
    assert [response.status_code for response in responses] == [status]
    kept = [path.name for path in (service_settings.data_dir / "jobs").rglob("*") if path.is_file()]
    assert kept == (["upload"] if finishes else [])
    if not finishes:
        assert responses[0].json()["code"] == "unavailable"
        assert "Retry-After" in responses[0].headers
