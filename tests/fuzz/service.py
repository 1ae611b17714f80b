"""A running service for targets: an embedded Valkey, the API, and a worker for videos and for live sessions."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from redis import Redis

from duygu.shared.broker.connections import connect, redis_url
from duygu.shared.broker.embedded import EmbeddedValkey
from duygu.shared.config.settings import Settings
from tests.services.conftest import serving, wait_until, worker
from tests.support.tiny_model import write_tiny_model

MANY = 1_000_000


@contextmanager
def service(folder: Path) -> Iterator[str]:
    """Yield the address of an API that accepts any number of jobs, with a model of random weights."""
    settings = Settings(
        data_dir=folder / "data",
        port=0,
        threads=1,
        model=write_tiny_model(folder / "tiny"),
        max_queued=MANY,
        body_timeout_s=2,
    )
    with EmbeddedValkey(settings.data_dir):
        settings = settings.model_copy(update={"redis_url": redis_url(settings)})
        with (
            serving(settings) as client,
            worker(settings, "duygu.services.cli", "worker", "streams"),
            worker(settings, "duygu.services.cli", "worker", "videos"),
            connect(settings.redis_url) as redis,
        ):
            wait_until(lambda: _works(redis, "streams") and _works(redis, "videos"))
            yield str(client.base_url)


def _works(redis: Redis, queue: str) -> bool:
    return bool(redis.zcard(f"duygu:workers:{queue}"))
