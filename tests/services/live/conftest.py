"""Live sessions through real sockets, a real Redis and real workers."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from redis import Redis

from duygu.shared.config.settings import Settings
from tests.services.conftest import serving, wait_until, worker
from tests.support.sockets import LIVE, jpeg

StartLiveWorker = Callable[[], Any]


@pytest.fixture
def live_settings(settings: Settings, valkey_url: str, redis: Redis) -> Settings:
    """Settings with the shipped model and an empty Redis."""
    return settings.model_copy(update={"redis_url": valkey_url, "stream_idle_s": 20})


@pytest.fixture
def address(live_settings: Settings) -> Iterator[str]:
    """Address of an API that runs in this process."""
    with serving(live_settings) as client:
        yield str(client.base_url)


@pytest.fixture
def start_live_worker(live_settings: Settings, redis: Redis) -> Iterator[StartLiveWorker]:
    """A function that starts a worker for live sessions and returns once the worker is ready."""
    with ExitStack() as running:

        def start() -> Any:
            there = redis.zcard("duygu:workers:streams")
            process = running.enter_context(worker(live_settings, "duygu.services.cli", "worker", "streams"))
            wait_until(lambda: redis.zcard("duygu:workers:streams") > there)
            return process

        yield start


@pytest.fixture
def served(address: str, start_live_worker: StartLiveWorker) -> str:
    """Address of an API with one live worker."""
    start_live_worker()
    return address


@pytest.fixture(scope="module")
def pictures() -> list[bytes]:
    """The frames of LIVE as JPEG."""
    return [jpeg(LIVE.picture(time_s)) for time_s in LIVE.times()]
