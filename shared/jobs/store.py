"""Jobs in Redis: reading and changing records. A change of record, time to live and events is one atomic script."""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, cast

from redis import Redis
from redis.client import Pipeline

from duygu.shared.broker import keys
from duygu.shared.config.api_keys import Priority
from duygu.shared.errors import CancelledError, CannotKeepError, DuyguError, JobNotFoundError, TooManyKeptError
from duygu.shared.jobs.order import BEHIND_ALL, LIST_UNFINISHED, ORDER, ORDER_PART, bulk_parts
from duygu.shared.jobs.quotas import count_fetched
from duygu.shared.jobs.record import UNFINISHED, JobRecord, deliveries_text, error_fields, progress_text
from duygu.shared.schemas.job import Delivery, JobStatus, Work

UNFINISHED_TTL = 7 * 24 * 3600
"""Time to live of an unfinished job from its last change, in seconds; far longer than any queue."""

READ_TOGETHER = 500
"""Most records in one pipeline."""

MAX_EVENTS = 2000
"""Most events stored for one job; the oldest are removed."""

EVENTS_TTL = 3600
"""Seconds for which the events of an ended job can be replayed."""

INDEX_S = 3600
"""Seconds between two rebuilds of the indexes: workers of an earlier version do not maintain them."""

SCAN_COUNT = 1000
"""COUNT of SCAN: Redis serves no other client while it examines so many keys."""

CHANGE: Final = """
-- KEYS: record, events, prefix of the owners' unfinished jobs, due webhooks, unfinished jobs, due sweeps, prefix of the
-- owners' jobs, prefix of the owners' kept jobs, clock of the queue. ARGV: the change as JSON.
local record, stream = KEYS[1], KEYS[2]
local change = cjson.decode(ARGV[1])
local status = redis.call('HGET', record, 'status')
local allowed = false
for _, name in ipairs(change.allowed) do
    allowed = allowed or name == status
end
if not allowed then
    return 0
end
-- A repeated change: its event is stored already.
local events = tonumber(redis.call('HGET', record, 'events') or '0')
if change.number > 0 and events >= change.number then
    return 1
end
if #change.fields > 0 then
    redis.call('HSET', record, unpack(change.fields))
end
if change.event ~= '' then
    local id = redis.call('HINCRBY', record, 'events', 1) .. '-0'
    redis.call('XADD', stream, 'MAXLEN', '~', change.max_events, id, 'event', change.event, 'data', change.data)
    redis.call('EXPIRE', stream, change.events_ttl)
end
-- A kept job does not expire once it has succeeded.
local kept = change.succeeded and redis.call('HGET', record, 'kept') == '1'
local function live_on(key)
    if kept then
        redis.call('PERSIST', key)
    else
        redis.call('EXPIRE', key, change.ttl)
    end
end
live_on(record)
-- The owner's lists and the index keys live at least as long as the job.
local owner = redis.call('HGET', record, 'owner') or ''
for _, list in ipairs({KEYS[3] .. owner, KEYS[7] .. owner}) do
    local left = redis.call('TTL', list)
    if left >= 0 and (kept or left < change.ttl) then
        live_on(list)
    end
end
for key in string.gmatch(redis.call('HGET', record, 'claims') or '', '%S+') do
    if redis.call('GET', key) == change.job_id then  -- a later job may have taken it over
        live_on(key)
    end
end
local place = change.started and redis.call('ZSCORE', KEYS[5], change.job_id .. ' ' .. owner)
if place and tonumber(place) > tonumber(redis.call('HGET', KEYS[9], 'started') or '0') then
    redis.call('HSET', KEYS[9], 'started', place)
end
if change.ended then
    redis.call('SREM', KEYS[3] .. owner, change.job_id)
    redis.call('ZREM', KEYS[5], change.job_id .. ' ' .. owner)
    if redis.call('EXISTS', KEYS[5]) == 0 then
        redis.call('DEL', KEYS[9])
    end
    if kept then
        redis.call('HDEL', record, 'expires_at')
    else
        redis.call('SREM', KEYS[8] .. owner, change.job_id)
        redis.call('ZADD', KEYS[6], change.expires, change.job_id .. ' ' .. owner)
    end
    if (redis.call('HGET', record, 'webhook') or '') ~= '' then
        redis.call('SADD', KEYS[4], change.job_id)
    end
end
return 1
"""
"""Changes a job whose status is one of `allowed`; returns 0 for another status and for an unknown job.

The `number` of an event makes the change idempotent: an event that is stored already is not stored again, so a change
may be repeated after a broken connection, and by the next worker after a crash.
"""

KEEP: Final = """
-- KEYS: record, the owner's kept jobs, due sweeps, the owner's jobs, then the keys of what people added to the job.
-- ARGV: job id, owner, maximum number of kept jobs.
if redis.call('EXISTS', KEYS[1]) == 0 then
    return 'missing'
end
if redis.call('SISMEMBER', KEYS[2], ARGV[1]) == 0 and redis.call('SCARD', KEYS[2]) >= tonumber(ARGV[3]) then
    return 'full'
end
local status = redis.call('HGET', KEYS[1], 'status')
if status == 'failed' or status == 'cancelled' then
    return 'without_result'
end
redis.call('HSET', KEYS[1], 'kept', '1')
redis.call('SADD', KEYS[2], ARGV[1])
if status == 'succeeded' then
    redis.call('HDEL', KEYS[1], 'expires_at')
    redis.call('ZREM', KEYS[3], ARGV[1] .. ' ' .. ARGV[2])
    redis.call('PERSIST', KEYS[1])
    for place = 4, #KEYS do
        redis.call('PERSIST', KEYS[place])
    end
    for key in string.gmatch(redis.call('HGET', KEYS[1], 'claims') or '', '%S+') do
        if redis.call('GET', key) == ARGV[1] then
            redis.call('PERSIST', key)
        end
    end
end
return 'done'
"""
"""Keeps a job. One that has not ended is kept by CHANGE at its end."""

RELEASE: Final = """
-- KEYS: record, the owner's kept jobs, due sweeps, then the keys of what people added to the job.
-- ARGV: job id, owner, time to live in seconds, when it expires as ISO 8601 and in seconds since 1970.
if redis.call('EXISTS', KEYS[1]) == 0 then
    return 'missing'
end
redis.call('SREM', KEYS[2], ARGV[1])
if redis.call('HGET', KEYS[1], 'kept') ~= '1' then
    return 'done'
end
redis.call('HSET', KEYS[1], 'kept', '')
if redis.call('HGET', KEYS[1], 'status') == 'succeeded' then
    redis.call('HSET', KEYS[1], 'expires_at', ARGV[4])
    redis.call('ZADD', KEYS[3], ARGV[5], ARGV[1] .. ' ' .. ARGV[2])
    redis.call('EXPIRE', KEYS[1], ARGV[3])
    for place = 4, #KEYS do
        redis.call('EXPIRE', KEYS[place], ARGV[3])
    end
    for key in string.gmatch(redis.call('HGET', KEYS[1], 'claims') or '', '%S+') do
        if redis.call('GET', key) == ARGV[1] then
            redis.call('EXPIRE', key, ARGV[3])
        end
    end
end
return 'done'
"""
"""Lets a kept job expire, from now on."""

SET_TITLE: Final = """
-- KEYS: record. ARGV: title.
if redis.call('EXISTS', KEYS[1]) == 1 then
    redis.call('HSET', KEYS[1], 'title', ARGV[1])
end
"""
"""Sets the title, unless the job was erased or has expired."""

NEXT = 0
"""As the number of an event: the next one. Only for the last event of a job, which cannot be repeated."""


ADD_INDEX_KEY: Final = """
-- KEYS: record, index key. ARGV: job id.
local ttl = redis.call('TTL', KEYS[1])
if ttl > 0 then
    redis.call('SET', KEYS[2], ARGV[1], 'EX', ttl)
    redis.call('HSET', KEYS[1], 'claims', (redis.call('HGET', KEYS[1], 'claims') or '') .. ' ' .. KEYS[2])
end
"""
"""Adds a key that holds the job's id, unless the job was erased or has expired."""

SET_DELIVERIES: Final = """
-- KEYS: record. ARGV: deliveries as JSON.
if redis.call('EXISTS', KEYS[1]) == 1 then
    redis.call('HSET', KEYS[1], 'deliveries', ARGV[1])
end
"""
"""Writes the deliveries, unless the job was erased or has expired."""


KEEP_ERRORS: Mapping[bytes, type[DuyguError]] = {
    b"missing": JobNotFoundError,
    b"without_result": CannotKeepError,
    b"full": TooManyKeptError,
}
"""Errors by the outcome of KEEP."""


@dataclass(frozen=True, slots=True)
class Event:
    """An event to store. `number` counts from 1, or is NEXT; `data` is stored as JSON."""

    number: int
    name: str
    data: Mapping[str, Any]


class JobStore:
    """Reads and changes the jobs in Redis. `result_ttl`: time to live of an ended job, in seconds."""

    def __init__(self, redis: Redis, result_ttl: int) -> None:
        self._redis = redis
        self._result_ttl = result_ttl
        self._change = redis.register_script(CHANGE)
        self._add_index_key = redis.register_script(ADD_INDEX_KEY)
        self._list_unfinished = redis.register_script(LIST_UNFINISHED)
        self._order = redis.register_script(ORDER)
        self._order_part = redis.register_script(ORDER_PART)
        self._set_deliveries = redis.register_script(SET_DELIVERIES)
        self._keep = redis.register_script(KEEP)
        self._release = redis.register_script(RELEASE)
        self._set_title = redis.register_script(SET_TITLE)

    def read(self, job_id: str) -> JobRecord | None:
        """One job, or None when there is none."""
        return _record(job_id, cast(dict[bytes, bytes], self._redis.hgetall(keys.job(job_id))))

    def read_all(self, job_ids: Sequence[str]) -> dict[str, JobRecord | None]:
        """Many jobs by their ids; None for an unknown one."""
        found: dict[str, JobRecord | None] = {}
        for start in range(0, len(job_ids), READ_TOGETHER):
            some = job_ids[start : start + READ_TOGETHER]
            with self._redis.pipeline(transaction=False) as pipeline:
                for job_id in some:
                    pipeline.hgetall(keys.job(job_id))
                found |= {
                    job_id: _record(job_id, values) for job_id, values in zip(some, pipeline.execute(), strict=True)
                }
        return found

    def page(self, owner: str | None, cursor: str | None, limit: int) -> tuple[list[JobRecord], str | None]:
        """Jobs from newest to oldest, from behind the job `cursor`, and the cursor of the next page.

        owner  whose jobs; None for all

        A page may be shorter than `limit` without being the last: expired jobs are omitted.
        """
        group = keys.JOBS if owner is None else keys.jobs_of(owner)
        start = f"({cursor}" if cursor else "+"
        found: list[bytes] = self._redis.zrevrangebylex(group, start, "-", 0, limit + 1)  # type: ignore[assignment]
        job_ids = [job_id.decode() for job_id in found]
        following = job_ids[limit - 1] if len(job_ids) > limit else None
        records = self.read_all(job_ids[:limit])
        expired = [job_id for job_id, record in records.items() if record is None]
        if expired:
            self._redis.zrem(group, *expired)
        return [record for record in records.values() if record is not None], following

    def known(self) -> set[str]:
        """Ids of all listed jobs; some may have expired."""
        found: list[bytes] = self._redis.zrange(keys.JOBS, 0, -1)  # type: ignore[assignment]
        return {job_id.decode() for job_id in found}

    def unfinished(self) -> list[str]:
        """Ids of the unfinished jobs, the oldest first. Removes expired jobs from the lists."""
        records = self._listed(self._redis.zrange(keys.UNFINISHED, 0, -1))
        return [listing.partition(" ")[0] for listing, record in records.items() if record and not record.ended]

    def due(self) -> set[str]:
        """Ids of the jobs that are due for the sweeper. Removes expired jobs from the lists."""
        records = self._listed(self._redis.zrangebyscore(keys.SWEEP_DUE, "-inf", time.time()))
        there = {listing: self._expires(record) for listing, record in records.items() if record}
        if there:
            self._redis.zadd(keys.SWEEP_DUE, there)
        return {listing.partition(" ")[0] for listing in records}

    def sweep_again(self, job_id: str) -> None:
        """Make an existing job due for the next sweep."""
        if record := self.read(job_id):
            self._redis.zadd(keys.SWEEP_DUE, {keys.listing(job_id, record.owner): 0})

    def refresh_index(self) -> bool:
        """Rebuild the indexes from all records, at most once per INDEX_S; returns whether it was done.

        This also indexes the jobs of a version without indexes. Removes expired jobs from the lists.
        """
        if self._redis.exists(keys.INDEXED):
            return False
        lists = list(self._lists())
        # Records are read after the lists, so that a job that is created meanwhile does not count as expired.
        listed: set[bytes] = set().union(*(job_ids for _, _, job_ids in lists))
        records = self.read_all(sorted(job_id.decode() for job_id in listed))
        expired = {job_id.encode() for job_id, record in records.items() if record is None}
        with self._redis.pipeline(transaction=False) as pipeline:
            for group, remove, job_ids in lists:
                if job_ids & expired:
                    getattr(pipeline, remove)(group, *job_ids & expired)
            for record in filter(None, records.values()):
                listing = keys.listing(record.job_id, record.owner)
                if record.ended and not record.kept:
                    pipeline.zadd(keys.SWEEP_DUE, {listing: self._expires(record)}, nx=True)
                elif not record.ended:
                    self._list(listing, BEHIND_ALL, pipeline)
            pipeline.set(keys.INDEXED, "1", ex=INDEX_S)
            pipeline.execute()
        return True

    def _listed(self, found: Any) -> dict[str, JobRecord | None]:
        """The records of listings. Removes expired jobs from the lists."""
        listings = [listing.decode() for listing in found]
        records = self.read_all([listing.partition(" ")[0] for listing in listings])
        by_listing = dict(zip(listings, records.values(), strict=True))
        if gone := [listing for listing, record in by_listing.items() if record is None]:
            with self._redis.pipeline(transaction=False) as pipeline:
                for listing in gone:
                    _unlist(pipeline, listing)
                pipeline.execute()
        return by_listing

    def _expires(self, record: JobRecord) -> float:
        """When an ended job expires, in seconds since 1970; earlier versions did not store it."""
        known = record.expires_at or (record.ended_at or record.created_at) + timedelta(seconds=self._result_ttl)
        return max(known.timestamp(), time.time() + 1)  # not again in the same sweep

    def _lists(self) -> Iterator[tuple[bytes, str, set[bytes]]]:
        """All lists of jobs: the key of each, the command that removes ids from it, and its ids."""
        redis: Any = self._redis
        for group in (keys.JOBS.encode(), *redis.scan_iter(keys.jobs_of("*"), SCAN_COUNT)):
            yield group, "zrem", set(redis.zrange(group, 0, -1))
        for group in redis.scan_iter(keys.unfinished("*"), SCAN_COUNT):
            yield group, "srem", redis.smembers(group)

    def create(self, record: JobRecord, pipeline: Pipeline) -> None:
        """Add a queued job, with its first event, as part of `pipeline`."""
        key, events = keys.job(record.job_id), keys.events(record.job_id)
        pipeline.hset(key, items=[part for pair in {**record.to_hash(), "events": "1"}.items() for part in pair])
        pipeline.expire(key, UNFINISHED_TTL)
        pipeline.xadd(events, {"event": "queued", "data": "{}"}, id="1-0")
        pipeline.expire(events, UNFINISHED_TTL)
        for group in (keys.JOBS, keys.jobs_of(record.owner)):
            pipeline.zadd(group, {record.job_id: 0})
        if record.kept:
            pipeline.sadd(keys.kept(record.owner), record.job_id)
        pipeline.sadd(keys.unfinished(record.owner), record.job_id)
        pipeline.expire(keys.unfinished(record.owner), UNFINISHED_TTL)
        listing = keys.listing(record.job_id, record.owner)
        self._list(listing, record.priority, pipeline)
        for key in record.index_keys:
            pipeline.set(key, record.job_id, ex=UNFINISHED_TTL)

    def order(self, record: JobRecord, queue: str, pipeline: Pipeline) -> None:
        """Move the task of a job that was queued last to its place, as part of `pipeline`.

        queue  key of the list of waiting tasks
        """
        listing = keys.listing(record.job_id, record.owner)
        args = [record.job_id, listing, bulk_parts(record.priority)]
        self._order(keys=[queue, keys.UNFINISHED], args=args, client=pipeline)

    def order_part(self, task_id: str, record: JobRecord, queue: str) -> None:
        """Move the task of a part, which was queued last, to its place: ahead of bulk jobs for an interactive one."""
        if record.priority is Priority.INTERACTIVE:
            self._order_part(keys=[queue, keys.UNFINISHED], args=[task_id, bulk_parts(record.priority)])

    def _list(self, listing: str, priority: str, pipeline: Pipeline) -> None:
        names = [keys.UNFINISHED, keys.QUEUE_CLOCK]
        self._list_unfinished(keys=names, args=[listing, priority], client=pipeline)

    def find_by_index_key(self, key: str) -> JobRecord | None:
        """The job whose id an index key holds; None when the key or the job does not exist."""
        job_id: bytes | None = self._redis.get(key)  # type: ignore[assignment]
        return self.read(job_id.decode()) if job_id else None

    def add_index_key(self, job_id: str, key: str, pipeline: Pipeline) -> None:
        """Make a key refer to an existing job, as part of `pipeline`."""
        self._add_index_key(keys=[keys.job(job_id), key], args=[job_id], client=pipeline)

    def begin(self, job_id: str) -> JobRecord | None:
        """Set a job to running, for the first or another time; None when it has ended or was erased."""
        record = self.read(job_id)
        if record is None or record.ended:
            return None
        fields = {"status": JobStatus.RUNNING.value, "attempts": str(record.attempts + 1)}
        event = None
        if record.started_at is None:
            fields["started_at"] = _now()
            event = Event(record.events + 1, "started", {})
        return self.read(job_id) if self._apply(job_id, UNFINISHED, fields, event) else None

    def report(self, job_id: str, fields: Mapping[str, str], event: Event | None = None) -> bool:
        """Change a running job; False when it is not running any more."""
        return self._apply(job_id, [JobStatus.RUNNING], fields, event)

    def succeed(self, job_id: str, number: int, work: Work | None = None, faces: int | None = None) -> bool:
        """End a running job with success; False when it is not running any more.

        work   of the whole job
        faces  number of faces in the result
        """
        fields = {"work": work.model_dump_json()} if work else {}
        fields |= {"faces": str(faces)} if faces is not None else {}
        fields |= {"status": JobStatus.SUCCEEDED.value, "progress": progress_text(1.0), **self._end()}
        return self._apply(job_id, [JobStatus.RUNNING], fields, Event(number, "succeeded", {}))

    def fail(self, job_id: str, error: DuyguError, number: int = NEXT) -> bool:
        """End an unfinished job as failed, or as cancelled by CancelledError; False when it has ended already."""
        status = JobStatus.CANCELLED if isinstance(error, CancelledError) else JobStatus.FAILED
        fields = {"status": status.value, **self._end(), **error_fields(error)}
        data = {"code": error.code, "title": error.title, "detail": error.detail}
        return self._apply(job_id, UNFINISHED, fields, Event(number, status.value, data))

    def requeue(self, job_id: str, deferrals: int | None = None) -> bool:
        """Set a running job to queued; False when it is not running any more.

        deferrals  new number of deferrals, for a job that waits for the storage
        """
        fields = {"status": JobStatus.QUEUED.value}
        if deferrals is not None:
            fields["put_off"] = str(deferrals)
        return self._apply(job_id, [JobStatus.RUNNING], fields)

    def keep(self, record: JobRecord, most: int) -> None:
        """Keep a job: it does not expire, now or once it has succeeded.

        most  maximum number of kept jobs of the owner

        Raises JobNotFoundError, CannotKeepError for a job that ended without a result, and TooManyKeptError.
        """
        job_id, owner = record.job_id, record.owner
        names = [keys.job(job_id), keys.kept(owner), keys.SWEEP_DUE, keys.jobs_of(owner), *keys.belongings(job_id)]
        outcome = cast(bytes, self._keep(keys=names, args=[job_id, owner, most]))
        if outcome in KEEP_ERRORS:
            raise KEEP_ERRORS[outcome]

    def release(self, record: JobRecord) -> None:
        """Let a kept job expire after the time to live of results, from now on. Raises JobNotFoundError."""
        job_id, owner, expires = record.job_id, record.owner, datetime.now(UTC) + timedelta(seconds=self._result_ttl)
        names = [keys.job(job_id), keys.kept(owner), keys.SWEEP_DUE, *keys.belongings(job_id)]
        until = (expires.isoformat(), int(expires.timestamp()))
        if self._release(keys=names, args=[job_id, owner, self._result_ttl, *until]) == b"missing":
            raise JobNotFoundError

    def set_title(self, job_id: str, title: str) -> None:
        """Set the title of a job, unless it was erased or has expired."""
        self._set_title(keys=[keys.job(job_id)], args=[title])

    def note_delivery(self, record: JobRecord, delivery: Delivery) -> None:
        """Append an attempt to the job's deliveries."""
        log = deliveries_text((*record.deliveries, delivery))
        self._set_deliveries(keys=[keys.job(record.job_id)], args=[log])

    def count_fetched(self, record: JobRecord, size: int) -> None:
        """Count the bytes of a fetched link towards the owner's limit, if there is one."""
        if record.metered:
            count_fetched(self._redis, record.owner, size)

    def erase(self, job_id: str) -> None:
        """Delete the job. Listeners to an unfinished job first receive the event `cancelled`."""
        self.fail(job_id, CancelledError())
        record = self.read(job_id)
        index_keys, owner = (record.index_keys, record.owner) if record else ((), "")
        held = [key for key in index_keys if self._redis.get(key) == job_id.encode()]
        with self._redis.pipeline() as pipeline:
            pipeline.delete(keys.job(job_id), keys.events(job_id), keys.parts(job_id), *keys.belongings(job_id), *held)
            pipeline.srem(keys.WEBHOOKS_DUE, job_id)
            pipeline.srem(keys.kept(owner), job_id)
            _unlist(pipeline, keys.listing(job_id, owner))
            pipeline.execute()

    def _end(self) -> dict[str, str]:
        """The fields that the end of a job sets."""
        now = datetime.now(UTC)
        expires = now + timedelta(seconds=self._result_ttl)
        return {"ended_at": now.isoformat(), "expires_at": expires.isoformat(), "link": ""}

    def _apply(
        self, job_id: str, allowed: Sequence[JobStatus], fields: Mapping[str, str], event: Event | None = None
    ) -> bool:
        ended = "ended_at" in fields
        change = {
            "allowed": [status.value for status in allowed],
            "fields": [part for pair in fields.items() for part in pair],
            "number": event.number if event else 0,
            "event": event.name if event else "",
            "data": json.dumps(event.data) if event else "",
            "max_events": MAX_EVENTS,
            "events_ttl": min(EVENTS_TTL, self._result_ttl) if ended else UNFINISHED_TTL,
            "ended": ended,
            "started": "started_at" in fields,
            "succeeded": fields.get("status") == JobStatus.SUCCEEDED,
            "job_id": job_id,
            "ttl": self._result_ttl if ended else UNFINISHED_TTL,
            "expires": int(time.time()) + self._result_ttl,
        }
        names = [keys.job(job_id), keys.events(job_id), keys.unfinished(""), keys.WEBHOOKS_DUE]
        names += [keys.UNFINISHED, keys.SWEEP_DUE, keys.jobs_of(""), keys.kept(""), keys.QUEUE_CLOCK]
        return bool(self._change(keys=names, args=[json.dumps(change)]))


def _unlist(pipeline: Pipeline, listing: str) -> None:
    """Remove a job from every list."""
    job_id, _, owner = listing.partition(" ")
    pipeline.srem(keys.unfinished(owner), job_id)
    for group in (keys.JOBS, keys.jobs_of(owner)):
        pipeline.zrem(group, job_id)
    for index in (keys.UNFINISHED, keys.SWEEP_DUE):
        pipeline.zrem(index, listing)


def _record(job_id: str, values: Mapping[bytes, bytes]) -> JobRecord | None:
    if not values:
        return None
    return JobRecord.from_hash(job_id, {name.decode(): value.decode() for name, value in values.items()})


def _now() -> str:
    return datetime.now(UTC).isoformat()
