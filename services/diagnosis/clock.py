"""The clock of this machine against those of Redis, the bucket and a running service."""

import os
import time
from collections.abc import Callable
from contextlib import suppress
from email.utils import parsedate_to_datetime
from typing import Any, cast
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from redis.exceptions import RedisError

from duygu.services.diagnosis.findings import CheckFailedError
from duygu.shared.broker.connections import connect_briefly
from duygu.shared.config.settings import Settings

MOST_SKEW_S = 2.0
"""Workers compare times of other machines: a heartbeat counts for 15 s, a lease of a live session for 3 s."""

DATE_RESOLUTION_S = 1.0
"""Of the `Date` header."""

RESPONSE_S = 5.0

HINT = "synchronise the clocks of all machines, for example with chrony or systemd-timesyncd"


def check_clock(settings: Settings, service: str | None = None) -> str:
    """The differences to each clock that can be read. Raises CheckFailedError for one that is too large."""
    texts = []
    for name, read in _clocks(settings, service).items():
        with suppress(RedisError, OSError, ValueError):  # other checks report what does not respond
            skew_s, resolution_s = skew(read)
            if abs(skew_s) > MOST_SKEW_S + resolution_s:
                side = "ahead of" if skew_s > 0 else "behind"
                raise CheckFailedError(f"this machine is {abs(skew_s):.1f} s {side} {name}", HINT)
            texts.append(f"within {max(abs(skew_s), resolution_s):.2g} s of {name}")
    return ", ".join(texts) or "there is no other clock to compare with"


def skew(read: Callable[[], tuple[float, float]]) -> tuple[float, float]:
    """Seconds by which this clock is ahead of another, and the resolution of the other."""
    before = time.time()
    there, resolution_s = read()
    return (before + time.time()) / 2 - there, resolution_s


def _clocks(settings: Settings, service: str | None) -> dict[str, Callable[[], tuple[float, float]]]:
    found: dict[str, Callable[[], tuple[float, float]]] = {}
    if settings.redis_url:
        found["Redis"] = lambda: _redis_time(settings.redis_url)
    endpoint = os.environ.get("AWS_ENDPOINT_URL")
    if settings.storage_url.startswith("s3://") and endpoint:
        found["the bucket"] = lambda: _http_date(endpoint)
    if service:
        found["the service"] = lambda: _http_date(f"{service.rstrip('/')}/healthz")
    return found


def _redis_time(url: str) -> tuple[float, float]:
    with connect_briefly(url) as redis:
        seconds, microseconds = cast(tuple[int, int], redis.time())
    return seconds + microseconds / 1e6, 0.001


def _http_date(url: str) -> tuple[float, float]:
    """The time of a server by its `Date` header, in the middle of its second. Raises OSError and ValueError."""
    if not url.startswith(("http://", "https://")):
        raise ValueError("no HTTP address")
    try:
        with urlopen(Request(url, method="HEAD"), timeout=RESPONSE_S) as response:  # noqa: S310 - checked above
            headers: Any = response.headers
    except HTTPError as error:  # an error has a date too
        headers = error.headers
    except URLError as error:
        raise OSError(str(error.reason)) from error
    if "Date" not in headers:
        raise ValueError("no Date header")
    return parsedate_to_datetime(headers["Date"]).timestamp() + DATE_RESOLUTION_S / 2, DATE_RESOLUTION_S / 2
