"""Heartbeats of workers."""

import time

from redis import Redis

from duygu.shared.broker import keys
from duygu.shared.jobs.heartbeat import ALIVE_S, alive_since, deregister, send_heartbeat


def living(redis: Redis) -> int:
    """Return the number of live workers of a queue."""
    return int(redis.zcount(keys.workers("videos"), alive_since(), "+inf"))


def test_a_worker_is_live_while_its_heartbeat_lasts(redis: Redis) -> None:
    """A worker counts as live until it deregisters or its heartbeats stop."""
    send_heartbeat(redis, "videos", "one")
    send_heartbeat(redis, "videos", "two")
    assert living(redis) == 2
    deregister(redis, "videos", "one")
    assert living(redis) == 1
    redis.zadd(keys.workers("videos"), {"two": time.time() - ALIVE_S - 1})
    assert living(redis) == 0
    send_heartbeat(redis, "videos", "three")
    assert redis.zrange(keys.workers("videos"), 0, -1) == [b"three"]
    assert redis.ttl(keys.workers("videos")) > 0
