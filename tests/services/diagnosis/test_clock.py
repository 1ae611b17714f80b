"""The clock of this machine against others."""

import http.server
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate

import httpx
import pytest

from duygu.services.diagnosis.clock import MOST_SKEW_S, check_clock, skew
from duygu.services.diagnosis.findings import CheckFailedError
from duygu.shared.config.settings import Settings


@contextmanager
def server_at(offset_s: float | None) -> Iterator[str]:
    """An HTTP server whose clock is so far ahead; None: it tells no time."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.send_response_only(404)
            if offset_s is not None:
                self.send_header("Date", formatdate(time.time() + offset_s, usegmt=True))
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_the_clock_of_redis_is_compared(settings: Settings, valkey_url: str) -> None:
    """A real server on this machine has the same clock."""
    assert "s of Redis" in check_clock(settings.model_copy(update={"redis_url": valkey_url}))


def test_the_clock_of_a_service_is_compared(settings: Settings, api: httpx.Client) -> None:
    """A real service sends its time with each response."""
    assert "of the service" in check_clock(settings, str(api.base_url))


@pytest.mark.parametrize(("offset_s", "side"), [(3600.0, "behind"), (-3600.0, "ahead of")])
def test_a_wrong_clock_fails_with_its_side(settings: Settings, offset_s: float, side: str) -> None:
    """An hour of difference is reported with its direction and a hint."""
    with server_at(offset_s) as address, pytest.raises(CheckFailedError, match=f"{side} the service") as failure:
        check_clock(settings, address)
    assert "chrony" in failure.value.hint


def test_the_bucket_is_compared(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bucket refuses signatures of a wrong clock, so the time of its server is read too."""
    stored = settings.model_copy(update={"storage_url": "s3://bucket/jobs"})
    with server_at(-1000) as address:
        monkeypatch.setenv("AWS_ENDPOINT_URL", address)
        with pytest.raises(CheckFailedError, match="the bucket"):
            check_clock(stored)


@pytest.mark.parametrize("address", ["http://127.0.0.1:9", "file:///etc/passwd", "nonsense"])
def test_a_clock_that_cannot_be_read_is_left_out(settings: Settings, address: str) -> None:
    """Other checks report a server that does not respond; nothing but HTTP is opened."""
    assert check_clock(settings, address) == "there is no other clock to compare with"


def test_a_server_without_a_date_is_left_out(settings: Settings) -> None:
    """A missing header is no difference of clocks."""
    with server_at(None) as address:
        assert check_clock(settings, address) == "there is no other clock to compare with"


def test_the_time_of_a_response_is_no_skew() -> None:
    """The other clock is read in the middle of the request, so that a slow response does not count as a difference."""

    def slow() -> tuple[float, float]:
        time.sleep(0.2)
        found = time.time()
        time.sleep(0.2)
        return found, 0.001

    assert abs(skew(slow)[0]) < MOST_SKEW_S
