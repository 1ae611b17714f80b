"""Errors of the client: failed responses, retries and invalid addresses."""

import json
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from duygu.client import Service, analyze, responses, resumable, uploads
from duygu.shared.errors import ConfigurationError, DuyguError, NotAVideoError, UnavailableError
from tests.support.results.known import two_faces

Reply = tuple[int, str]
StartService = Callable[..., Service]

QUEUED = (202, json.dumps({"job_id": "1", "ended_at": None, "error": None}))
DONE = (200, json.dumps({"job_id": "1", "ended_at": "2026-11-25T11:06:04Z", "error": None}))
RESULT = (200, two_faces().model_dump_json())
AWAY = (503, json.dumps({"code": "unavailable", "detail": "Redis does not respond"}))
PROXY = (502, "<html>502 Bad Gateway</html>")


class _Handler(BaseHTTPRequestHandler):
    replies: list[Reply]

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.do_GET()

    def do_GET(self) -> None:
        status, text = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        self.send_response(status)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - named by http.server
        """Log nothing."""


@pytest.fixture
def start_service() -> Iterator[StartService]:
    """Starts services with scripted responses, the last of which is repeated."""
    with ExitStack() as running:

        def start(*replies: Reply) -> Service:
            handler = type("Handler", (_Handler,), {"replies": list(replies)})
            server = running.enter_context(ThreadingHTTPServer(("127.0.0.1", 0), handler))
            thread = threading.Thread(target=server.serve_forever, args=(0.05,))
            thread.start()
            running.callback(thread.join)
            running.callback(server.shutdown)
            return Service(f"http://127.0.0.1:{server.server_port}")

        yield start


@pytest.fixture
def video(tmp_path: Path) -> Path:
    """A file whose content does not matter."""
    path = tmp_path / "video.mp4"
    path.write_bytes(b"video")
    return path


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Short pauses and an early end of retries."""
    for module in (responses, uploads):
        monkeypatch.setattr(module, "FIRST_PAUSE_S", 0.01)
    monkeypatch.setattr(responses, "RETRY_S", 2.0)


def test_a_request_is_retried_while_the_service_is_away(start_service: StartService, video: Path) -> None:
    """Requests are retried after 503 of the service or of a proxy."""
    service = start_service(QUEUED, AWAY, PROXY, QUEUED, AWAY, DONE, AWAY, PROXY, RESULT)
    assert analyze(video, service) == two_faces()


def test_retries_end_when_the_service_stays_away(
    start_service: StartService, video: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the retry time, the last error is raised."""
    monkeypatch.setattr(responses, "RETRY_S", 0.1)
    with pytest.raises(UnavailableError, match="Redis does not respond"):
        analyze(video, start_service(QUEUED, AWAY))


def test_an_upload_is_repeated_under_the_same_key(
    start_service: StartService, video: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A repeated upload has the same key, as the first may have become a job; each video has its own key."""
    keys: list[str] = []

    def receive(handler: _Handler) -> None:
        handler.rfile.read(int(handler.headers["content-length"]))
        keys.append(handler.headers["idempotency-key"])
        handler.do_GET()

    monkeypatch.setattr(_Handler, "do_POST", receive)
    for _ in range(2):
        assert analyze(video, start_service(AWAY, PROXY, QUEUED, AWAY, DONE, RESULT)) == two_faces()
    assert len(keys) == 6
    assert keys == [keys[0]] * 3 + [keys[3]] * 3
    assert len(set(keys)) == 2


def test_a_video_is_read_while_it_is_sent(
    start_service: StartService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client streams a file that is sent in one request, instead of loading it into memory."""
    monkeypatch.setattr(resumable, "LARGE_BYTES", 100_000_000)
    path = tmp_path / "large.mp4"
    with path.open("wb") as file:
        file.truncate(60_000_000)
    received = 0

    def receive(handler: _Handler) -> None:
        nonlocal received
        size = int(handler.headers["content-length"])
        while received < size:
            received += len(handler.rfile.read(min(65_536, size - received)))
        handler.do_GET()

    monkeypatch.setattr(_Handler, "do_POST", receive)
    service = start_service(QUEUED, AWAY, DONE, RESULT)
    tracemalloc.start()
    try:
        analyze(path, service)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert received > 60_000_000
    assert peak < 20_000_000


@pytest.mark.parametrize(
    ("reply", "kind", "complaint"),
    [
        (PROXY, UnavailableError, "responds with 502 Bad Gateway"),
        ((200, "<html>Log in</html>"), DuyguError, "responds with 200 OK, but is not a Duygu service"),
        ((404, '{"detail": "Not Found"}'), DuyguError, "responds with 404 Not Found"),
        ((404, "[]"), DuyguError, "responds with 404 Not Found"),
        ((500, "\xff"), DuyguError, "responds with 500"),
        ((415, '{"code": "not_a_video", "detail": "It is text"}'), NotAVideoError, "It is text"),
    ],
)
def test_every_unexpected_response_is_a_duygu_error(
    start_service: StartService, video: Path, reply: Reply, kind: type[DuyguError], complaint: str
) -> None:
    """Pages of proxies, JSON of other services and problems all raise a DuyguError."""
    with pytest.raises(kind, match=complaint):
        analyze(video, start_service(reply))


def test_no_service_at_the_address(video: Path) -> None:
    """A refused connection raises the error of the HTTP client without retries."""
    with pytest.raises(httpx.ConnectError):
        analyze(video, Service("http://127.0.0.1:9"))


@pytest.mark.parametrize("url", ["127.0.0.1:8000", "localhost:8000", "ws://127.0.0.1:8000", "http://", ""])
def test_an_address_without_http_is_refused(url: str) -> None:
    """An invalid URL is rejected when the Service is created."""
    with pytest.raises(ConfigurationError, match="is not the URL of a service, such as http"):
        Service(url)
