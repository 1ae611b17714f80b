"""Reading the events of a job as they happen, from any event on."""

import json
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis

from duygu.shared.broker import keys

TERMINAL = frozenset({"succeeded", "failed", "cancelled"})
"""Names of the last event of a job."""

BLOCK_S = 2.0
"""After so long without an event, `follow` checks whether the job still exists."""

BATCH = 100
"""Most events in one read."""


@dataclass(frozen=True, slots=True)
class JobEvent:
    """One event. `number` counts from 1; None for ERASED, which is not stored."""

    number: int | None
    name: str
    data: str  # JSON


ERASED = JobEvent(None, "cancelled", json.dumps({"code": "cancelled"}))


async def follow(redis: Redis, job_id: str, after: int = 0) -> AsyncGenerator[JobEvent | None, None]:
    """Yield the events of a job with numbers above `after`, up to its last one; None after BLOCK_S without one.

    Ends with ERASED when the job is erased. Raises redis-py's errors when Redis becomes unavailable.
    """
    while True:
        entries = await _read(redis, job_id, after)
        for number, fields in entries:
            after = number
            event = JobEvent(number, fields[b"event"].decode(), fields[b"data"].decode())
            yield event
            if event.name in TERMINAL:
                return
        if not entries:
            if not await redis.exists(keys.job(job_id)):
                yield ERASED
                return
            yield None


async def last_number(redis: Redis, job_id: str) -> int:
    """Number of the newest stored event; 0 when there is none."""
    entries: Any = await redis.xrevrange(keys.events(job_id), count=1)
    return _number(entries[0][0]) if entries else 0


async def _read(redis: Redis, job_id: str, after: int) -> list[tuple[int, dict[bytes, bytes]]]:
    after_id = f"{after}-0"
    streams: Any = await redis.xread({keys.events(job_id): after_id}, count=BATCH, block=int(BLOCK_S * 1000))
    entries = streams[0][1] if streams else []
    return [(_number(entry_id), fields) for entry_id, fields in entries]


def _number(entry_id: bytes) -> int:
    return int(entry_id.partition(b"-")[0])
