"""Usage of an API key against its limits, counted in Redis for all API processes together."""

import time
from dataclasses import dataclass

from redis import Redis
from redis.client import Pipeline

from duygu.shared.broker import keys
from duygu.shared.config.api_keys import Caller
from duygu.shared.config.settings import MB
from duygu.shared.errors import RateLimitedError

MINUTE_S, DAY_S = 60, 24 * 3600

WINDOWS = {MINUTE_S: "minute", DAY_S: "day"}
"""Windows of the limits as errors name them."""


@dataclass(frozen=True, slots=True)
class Charge:
    """An amount that was added to a counter."""

    key: str
    amount: int
    window_s: int


def count_upload(redis: Redis, caller: Caller) -> Charge | None:
    """Count the start of an upload. Raises RateLimitedError above `uploads_per_minute` or `jobs_waiting`.

    A resumable upload that has not become a job counts as a waiting one.
    """
    unsubmitted: int = redis.scard(keys.uploads_of(caller.name)) if caller.limits.jobs_waiting is not None else 0
    check_waiting(redis, caller, unsubmitted)
    limit = caller.limits.uploads_per_minute
    return None if limit is None else _count(redis, caller, "uploads", 1, limit, MINUTE_S)


def count_bytes(redis: Redis, caller: Caller, size: int) -> Charge | None:
    """Count the bytes of an upload. Raises RateLimitedError above `megabytes_per_day`."""
    limit = caller.limits.megabytes_per_day
    return None if limit is None else _count(redis, caller, "bytes", size, limit * MB, DAY_S)


def count_fetched(redis: Redis, owner: str, size: int) -> None:
    """Count the bytes of a link once it has been fetched, whether or not they exceed the limit."""
    counter = keys.used(owner, "bytes", int(time.time() // DAY_S))
    with redis.pipeline() as pipeline:
        _add(pipeline, Charge(counter, size, DAY_S))
        pipeline.execute()


def count_pictures(redis: Redis, caller: Caller, count: int, size: int) -> None:
    """Count pictures and their bytes. Raises RateLimitedError above `pictures_per_minute` or `megabytes_per_day`."""
    limit = caller.limits.pictures_per_minute
    counted = None if limit is None else _count(redis, caller, "pictures", count, limit, MINUTE_S)
    try:
        count_bytes(redis, caller, size)
    except RateLimitedError:
        refund(redis, counted)
        raise


def charge(redis: Redis, caller: Caller, size: int) -> None:
    """Count an upload that was admitted as a repetition but is a new one, whether or not it exceeds the limits."""
    now, limits = time.time(), caller.limits
    with redis.pipeline() as pipeline:
        if limits.uploads_per_minute is not None:
            _add(pipeline, _counted(caller, "uploads", 1, MINUTE_S, now))
        if limits.megabytes_per_day is not None:
            _add(pipeline, _counted(caller, "bytes", size, DAY_S, now))
        pipeline.execute()


def refund(redis: Redis, counted: Charge | None) -> None:
    """Subtract what was counted for an upload that is refused after all."""
    if counted:
        with redis.pipeline() as pipeline:
            pipeline.decrby(counted.key, counted.amount)
            pipeline.expire(counted.key, counted.window_s)  # the window may be over and the counter new
            pipeline.execute()


def check_waiting(redis: Redis, caller: Caller, more: int = 0) -> None:
    """Raises RateLimitedError when the caller has `jobs_waiting` unfinished jobs, `more` included."""
    limit = caller.limits.jobs_waiting
    if limit is None:
        return
    waiting: int = redis.scard(keys.unfinished(caller.name))
    if waiting + more >= limit:
        raise RateLimitedError(f"{limit} jobs of this API key have not ended yet, its limit", retry_after_s=10)


def _count(redis: Redis, caller: Caller, what: str, amount: int, limit: int, window_s: int) -> Charge:
    """Add to the counter of the current window; a refused amount is subtracted again."""
    now = time.time()
    counted = _counted(caller, what, amount, window_s, now)
    with redis.pipeline() as pipeline:
        _add(pipeline, counted)
        used: int = pipeline.execute()[0]
    if used > limit:
        refund(redis, counted)
        raise RateLimitedError(
            f"The API key exceeds its limit of {limit} {what} per {WINDOWS[window_s]}",
            retry_after_s=int(window_s - now % window_s) + 1,
        )
    return counted


def _counted(caller: Caller, what: str, amount: int, window_s: int, now: float) -> Charge:
    return Charge(keys.used(caller.name, what, int(now // window_s)), amount, window_s)


def _add(pipeline: Pipeline, counted: Charge) -> None:
    pipeline.incrby(counted.key, counted.amount)
    pipeline.expire(counted.key, counted.window_s)
