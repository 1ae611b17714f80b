"""Reading what is told about a job, from any point on, as it is told."""

import json
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis

from duygu.shared.broker import keys

TERMINAL = frozenset({"succeeded", "failed", "cancelled"})
"""Nothing is told after one of these."""

BLOCK_S = 2.0
"""After so long without news it is looked whether the job is still there."""

PIECE = 100
"""Events that are read together."""


@dataclass(frozen=True, slots=True)
class Told:
    """One event. `number` counts from 1; None for the word that a job is gone, which nobody stored."""

    number: int | None
    name: str
    data: str  # JSON


GONE = Told(None, "cancelled", json.dumps({"code": "cancelled"}))


async def follow(redis: Redis, job_id: str, after: int = 0) -> AsyncGenerator[Told | None, None]:
    """The events of a job with numbers above `after`, until its last one; None now and then, while nothing happens.

    Ends with GONE when the job is erased meanwhile. Raises redis-py's errors when Redis goes away.
    """
    while True:
        entries = await _read(redis, job_id, after)
        for number, fields in entries:
            after = number
            told = Told(number, fields[b"event"].decode(), fields[b"data"].decode())
            yield told
            if told.name in TERMINAL:
                return
        if not entries:
            if not await redis.exists(keys.job(job_id)):
                yield GONE
                return
            yield None


async def last_number(redis: Redis, job_id: str) -> int:
    """Number of the newest event that can still be read; 0 when there is none."""
    entries: Any = await redis.xrevrange(keys.events(job_id), count=1)
    return _number(entries[0][0]) if entries else 0


async def _read(redis: Redis, job_id: str, after: int) -> list[tuple[int, dict[bytes, bytes]]]:
    after_id = f"{after}-0"
    streams: Any = await redis.xread({keys.events(job_id): after_id}, count=PIECE, block=int(BLOCK_S * 1000))
    entries = streams[0][1] if streams else []
    return [(_number(entry_id), fields) for entry_id, fields in entries]


def _number(entry_id: bytes) -> int:
    return int(entry_id.partition(b"-")[0])
