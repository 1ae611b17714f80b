"""The health of a container's worker, which is derived from heartbeats."""

import time

from redis import Redis
from rq import Queue, SimpleWorker

from duygu.services.worker.health import lives_here
from duygu.shared.broker import keys
from duygu.shared.jobs.heartbeat import ALIVE_S, send_heartbeat


def test_a_worker_lives_on_its_own_host(redis: Redis) -> None:
    """A worker is live for its host and its queue until its heartbeats stop."""
    worker = SimpleWorker([Queue("videos", connection=redis)], connection=redis)
    worker.register_birth()  # type: ignore[no-untyped-call]
    assert worker.hostname
    assert not lives_here(redis, "videos", worker.hostname)
    send_heartbeat(redis, "videos", worker.name)
    assert lives_here(redis, "videos", worker.hostname)
    assert not lives_here(redis, "videos", "elsewhere")
    assert not lives_here(redis, "streams", worker.hostname)
    redis.zadd(keys.workers("videos"), {worker.name: time.time() - ALIVE_S - 1})
    assert not lives_here(redis, "videos", worker.hostname)
