"""Signs of life."""

import time

from redis import Redis

from duygu.shared.broker import keys
from duygu.shared.jobs.heartbeat import LIVE_S, farewell, heard_since, sign_of_life


def living(redis: Redis) -> int:
    """How many workers of a queue are alive."""
    return int(redis.zcount(keys.workers("videos"), heard_since(), "+inf"))


def test_a_worker_lives_while_it_is_heard(redis: Redis) -> None:
    """It counts until it says farewell, or falls silent."""
    sign_of_life(redis, "videos", "one")
    sign_of_life(redis, "videos", "two")
    assert living(redis) == 2
    farewell(redis, "videos", "one")
    assert living(redis) == 1
    redis.zadd(keys.workers("videos"), {"two": time.time() - LIVE_S - 1})
    assert living(redis) == 0
    sign_of_life(redis, "videos", "three")
    assert redis.zrange(keys.workers("videos"), 0, -1) == [b"three"]
    assert redis.ttl(keys.workers("videos")) > 0
