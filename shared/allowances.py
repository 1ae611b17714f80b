"""How much of its limits a key has used, counted in Redis so that all API processes count together."""

import time

from redis import Redis

from shared import keys
from shared.api_keys import Caller
from shared.config import MB
from shared.errors import RateLimitedError

MINUTE_S, DAY_S = 60, 24 * 3600


def take_upload(redis: Redis, caller: Caller) -> None:
    """Count an upload that begins. Raises RateLimitedError when the caller has sent too many, or too many wait."""
    limits = caller.limits
    if limits.uploads_per_minute is not None:
        _count(redis, caller, "uploads", 1, limits.uploads_per_minute, MINUTE_S)
    if limits.jobs_waiting is not None:
        waiting: int = redis.scard(keys.unfinished(caller.name))
        if waiting >= limits.jobs_waiting:
            raise RateLimitedError(f"{limits.jobs_waiting} jobs of this key have not ended yet", retry_after_s=10)


def take_bytes(redis: Redis, caller: Caller, size: int) -> None:
    """Count an upload that has arrived. Raises RateLimitedError when it is more than is left of the day's allowance."""
    limit = caller.limits.megabytes_per_day
    if limit is not None:
        _count(redis, caller, "bytes", size, limit * MB, DAY_S)


def _count(redis: Redis, caller: Caller, what: str, amount: int, limit: int, window_s: int) -> None:
    """Add to a counter that starts again with each window; what is refused does not count."""
    now = time.time()
    key = keys.used(caller.name, what, int(now // window_s))
    with redis.pipeline() as pipeline:
        pipeline.incrby(key, amount)
        pipeline.expire(key, window_s)
        used: int = pipeline.execute()[0]
    if used > limit:
        redis.decrby(key, amount)
        raise RateLimitedError(f"This key has used up its {what}", retry_after_s=int(window_s - now % window_s) + 1)
