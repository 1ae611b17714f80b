"""The parts of a job whose video is analysed by several workers: which are waiting, leased, done or failed.

A worker claims a part for LEASE_S and renews the lease. A part whose lease has expired is claimed again; if it loses
its worker too often, the job fails.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

from redis import Redis

from duygu.shared.broker import keys
from duygu.shared.errors import CrashedError, DuyguError, from_code
from duygu.shared.jobs.queues import CRASHES_FORGIVEN
from duygu.shared.jobs.store import UNFINISHED_TTL

LEASE_S = 20.0
"""A part whose worker has not renewed its lease for so long is lost."""

CLAIM: Final = """
-- KEYS: parts, job. ARGV: token, duration of the lease in milliseconds, maximum number of lost leases, error.
local status = redis.call('HGET', KEYS[2], 'status')
if status ~= 'running' and status ~= 'queued' then return -1 end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for number = 0, tonumber(redis.call('HGET', KEYS[1], 'count') or '0') - 1 do
    local state = redis.call('HGET', KEYS[1], 'state ' .. number)
    local until_ms = tonumber(redis.call('HGET', KEYS[1], 'until ' .. number) or '0')
    if state == 'leased' and until_ms < now then
        state = 'lost'
        if redis.call('HINCRBY', KEYS[1], 'lost ' .. number, 1) > tonumber(ARGV[3]) then
            redis.call('HSET', KEYS[1], 'state ' .. number, 'failed')
            redis.call('HSETNX', KEYS[1], 'error', ARGV[4])
            return -1
        end
    end
    if state == 'waiting' or state == 'lost' then
        redis.call('HSET', KEYS[1], 'state ' .. number, 'leased', 'until ' .. number, now + ARGV[2],
            'holder ' .. number, ARGV[1], 'progress ' .. number, '')
        return number
    end
end
return -1
"""
"""Claims the first part that waits or is lost; returns its number, or -1."""

CHANGE: Final = """
-- KEYS: parts. ARGV: number, token, state, duration of the lease in milliseconds, progress, error.
local number = ARGV[1]
if redis.call('HGET', KEYS[1], 'holder ' .. number) ~= ARGV[2]
        or redis.call('HGET', KEYS[1], 'state ' .. number) ~= 'leased' then
    return 0
end
local time = redis.call('TIME')
redis.call('HSET', KEYS[1], 'state ' .. number, ARGV[3],
    'until ' .. number, time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[4])
if ARGV[5] ~= '' then redis.call('HSET', KEYS[1], 'progress ' .. number, ARGV[5]) end
if ARGV[6] ~= '' then redis.call('HSETNX', KEYS[1], 'error', ARGV[6]) end
return 1
"""
"""Renews a lease or ends it with another state; returns 0 if the lease is lost."""


@dataclass(frozen=True, slots=True)
class PartsState:
    """All parts of a job at one time."""

    plan: list[Any]
    """What the worker stored that cut the video; empty for a video in one piece."""
    done: frozenset[int]
    progress: Mapping[int, Any]  # by number, as their workers reported it
    error: DuyguError | None


class PartStore:
    """Reads and changes the parts of jobs in Redis."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._claim = redis.register_script(CLAIM)
        self._change = redis.register_script(CHANGE)

    def create(self, job_id: str, plan: Sequence[Any]) -> None:
        """Store the parts of a job, which wait; none for a video in one piece."""
        key = keys.parts(job_id)
        fields: dict[Any, Any] = {f"state {number}": "waiting" for number in range(len(plan))}
        with self._redis.pipeline() as pipeline:
            pipeline.delete(key)
            pipeline.hset(key, mapping={**fields, "count": str(len(plan)), "plan": json.dumps(plan)})
            pipeline.expire(key, UNFINISHED_TTL)
            pipeline.execute()

    def read(self, job_id: str) -> PartsState | None:
        """The parts of a job; None before its video was cut."""
        values = cast(dict[bytes, bytes], self._redis.hgetall(keys.parts(job_id)))
        if b"plan" not in values:
            return None
        named = {name.decode(): value.decode() for name, value in values.items()}
        numbers = range(int(named["count"]))
        error = named.get("error")
        return PartsState(
            json.loads(named["plan"]),
            frozenset(number for number in numbers if named[f"state {number}"] == "done"),
            {number: json.loads(text) for number in numbers if (text := named.get(f"progress {number}"))},
            from_code(*json.loads(error)) if error else None,
        )

    def claim(self, job_id: str, token: str) -> int | None:
        """Claim a part of an unfinished job that waits or has lost its worker; None if there is none.

        A part that has lost too many workers fails with CrashedError.
        """
        lost = json.dumps([CrashedError.code, None])
        names = [keys.parts(job_id), keys.job(job_id)]
        values: list[str | int] = [token, _milliseconds(LEASE_S), CRASHES_FORGIVEN, lost]
        number = int(cast(int, self._claim(keys=names, args=values)))
        return None if number < 0 else number

    def renew(self, job_id: str, number: int, token: str, progress: Any = None) -> bool:
        """Renew a lease, and report progress; False if the lease is lost."""
        return self._apply(job_id, number, token, "leased", progress=progress)

    def finish(self, job_id: str, number: int, token: str, progress: Any) -> bool:
        """End a part whose file is stored; False if the lease is lost."""
        return self._apply(job_id, number, token, "done", progress=progress)

    def release(self, job_id: str, number: int, token: str) -> bool:
        """Return a part, which waits again."""
        return self._apply(job_id, number, token, "waiting")

    def fail(self, job_id: str, number: int, token: str, error: DuyguError) -> bool:
        """End a part, and so the job, with an error. The first error of a job counts."""
        return self._apply(job_id, number, token, "failed", error=json.dumps([error.code, error.detail]))

    def forget(self, job_id: str) -> int:
        """Delete the parts of a job; returns their number."""
        count = cast(bytes | None, self._redis.hget(keys.parts(job_id), "count"))
        self._redis.delete(keys.parts(job_id))
        return int(count or 0)

    def _apply(
        self, job_id: str, number: int, token: str, state: str, *, progress: Any = None, error: str = ""
    ) -> bool:
        text = "" if progress is None else json.dumps(progress)
        values: list[str | int] = [number, token, state, _milliseconds(LEASE_S), text, error]
        return bool(self._change(keys=[keys.parts(job_id)], args=values))


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)
