"""How the API knows that somebody serves a queue."""

import time

from redis import Redis

from duygu.shared.broker import keys

HEARTBEAT_S = 5
"""Seconds from one sign of life of a worker to the next, whether it is busy or idle."""

LIVE_S = 3 * HEARTBEAT_S
"""A worker that was not heard of for so long is taken for dead."""


def sign_of_life(redis: Redis, queue: str, worker: str) -> None:
    """Say that a worker lives, and drop those that were not heard of."""
    now = time.time()
    with redis.pipeline() as pipeline:
        pipeline.zadd(keys.workers(queue), {worker: now})
        pipeline.zremrangebyscore(keys.workers(queue), "-inf", now - LIVE_S)
        pipeline.expire(keys.workers(queue), LIVE_S)
        pipeline.execute()


def farewell(redis: Redis, queue: str, worker: str) -> None:
    """Say that a worker has ended."""
    redis.zrem(keys.workers(queue), worker)


def heard_since() -> float:
    """Workers with a score of at least this are alive."""
    return time.time() - LIVE_S
