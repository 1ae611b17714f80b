"""The health of a container's worker, which is derived from heartbeats."""

import socket
import time

from redis import Redis

from duygu.services.worker.health import lives_here
from duygu.shared.broker import keys
from duygu.shared.jobs.heartbeat import ALIVE_S, send_heartbeat


def test_a_worker_lives_on_its_own_host(redis: Redis) -> None:
    """A worker is live for its host and its queue until its heartbeats stop."""
    here = socket.gethostname()
    assert not lives_here(redis, "videos", here)
    send_heartbeat(redis, "videos", "worker")
    assert lives_here(redis, "videos", here)
    assert not lives_here(redis, "videos", "elsewhere")
    assert not lives_here(redis, "streams", here)
    redis.zadd(keys.hosts("videos"), {here: time.time() - ALIVE_S - 1})
    assert not lives_here(redis, "videos", here)


def test_a_health_check_costs_the_same_beside_many_workers(redis: Redis) -> None:
    """It reads one entry, however many workers serve the queue."""
    send_heartbeat(redis, "videos", "worker")
    redis.zadd(keys.workers("videos"), {f"worker {number}": time.time() for number in range(1000)})
    redis.config_resetstat()
    assert lives_here(redis, "videos", socket.gethostname())
    calls = {name: figures["calls"] for name, figures in redis.info("commandstats").items()}
    assert sum(calls.values()) - calls.get("cmdstat_config|resetstat", 0) - calls.get("cmdstat_info", 0) == 1
