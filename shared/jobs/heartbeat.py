"""Heartbeats of workers: how the API knows that a queue is served."""

import socket
import time

from redis import Redis

from duygu.shared.broker import keys

HEARTBEAT_S = 5
"""Seconds between the heartbeats of a worker, busy or idle."""

ALIVE_S = 3 * HEARTBEAT_S
"""A worker without a heartbeat for so long counts as dead."""


def send_heartbeat(redis: Redis, queue: str, worker: str) -> None:
    """Record a heartbeat of a worker on this host, and remove workers and hosts without a recent one."""
    now = time.time()
    with redis.pipeline() as pipeline:
        for key, member in ((keys.workers(queue), worker), (keys.hosts(queue), socket.gethostname())):
            pipeline.zadd(key, {member: now})
            pipeline.zremrangebyscore(key, "-inf", now - ALIVE_S)
            pipeline.expire(key, ALIVE_S)
        pipeline.execute()


def deregister(redis: Redis, queue: str, worker: str) -> None:
    """Remove a worker that ends."""
    redis.zrem(keys.workers(queue), worker)


def alive_since() -> float:
    """The lowest score of a live worker in `keys.workers`."""
    return time.time() - ALIVE_S
