"""Changes to jobs. Each is one script in Redis: the record, its time to live and the event that tells of it."""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, cast

from redis import Redis
from redis.client import Pipeline

from duygu.shared.broker import keys
from duygu.shared.errors import CancelledError, DuyguError
from duygu.shared.jobs.record import UNFINISHED, JobRecord, error_fields, progress_text
from duygu.shared.schemas import Delivery, JobStatus, Work

UNFINISHED_TTL = 7 * 24 * 3600
"""Seconds after its last change for which an unfinished job is remembered: far longer than any queue takes."""

READ_TOGETHER = 500
"""Records that are asked for in one go, where many are."""

MAX_EVENTS = 2000
"""Events kept for one job; older ones make way."""

EVENTS_TTL = 3600
"""Seconds after its last event for which an ended job's events can be replayed."""

INDEX_S = 3600
"""Seconds after which the indexes are held against all records: workers of an earlier version do not keep them."""

SCANNED = 1000
"""Keys that Redis looks at in one go where it is asked for those of a kind; it answers nobody else meanwhile."""

CHANGE: Final = """
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
local told = tonumber(redis.call('HGET', record, 'events') or '0')
if change.number > 0 and told >= change.number then
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
redis.call('EXPIRE', record, change.ttl)
local owner = redis.call('HGET', record, 'owner') or ''
for _, list in ipairs({KEYS[3] .. owner, KEYS[7] .. owner}) do
    local left = redis.call('TTL', list)
    if left >= 0 and left < change.ttl then
        redis.call('EXPIRE', list, change.ttl)
    end
end
for claim in string.gmatch(redis.call('HGET', record, 'claims') or '', '%S+') do
    if redis.call('GET', claim) == change.job_id then
        redis.call('EXPIRE', claim, change.ttl)
    end
end
if change.ended then
    redis.call('SREM', KEYS[3] .. owner, change.job_id)
    redis.call('ZREM', KEYS[5], change.job_id .. ' ' .. owner)
    redis.call('ZADD', KEYS[6], change.expires, change.job_id .. ' ' .. owner)
    if (redis.call('HGET', record, 'webhook') or '') ~= '' then
        redis.call('SADD', KEYS[4], change.job_id)
    end
end
return 1
"""
"""Changes a job whose status is one of `allowed`; 0 when it is not, or when there is no such job.

An event's `number` is the count of events once it is told: one that has been told already is not told again, so a
change may be repeated when the connection broke before its answer came, and by the next worker after a crash.
The lists of the job's owner live at least as long as the job.
"""

NEXT = 0
"""Instead of an event's number: whichever is next. Only for the last event of a job, which no repetition can follow."""


CLAIM: Final = """
local ttl = redis.call('TTL', KEYS[1])
if ttl > 0 then
    redis.call('SET', KEYS[2], ARGV[1], 'EX', ttl)
    redis.call('HSET', KEYS[1], 'claims', (redis.call('HGET', KEYS[1], 'claims') or '') .. ' ' .. KEYS[2])
end
"""
"""Gives a job one more key that holds its id, unless it was erased or has expired meanwhile."""

NOTE: Final = """
if redis.call('EXISTS', KEYS[1]) == 1 then
    redis.call('HSET', KEYS[1], 'deliveries', ARGV[1])
end
"""
"""Writes the log of deliveries, unless the job was erased or has expired meanwhile."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something to tell about a job. `number` counts from 1, or is NEXT; `data` is sent as JSON."""

    number: int
    name: str
    data: Mapping[str, Any]


class JobStore:
    """The jobs in Redis, for those who change them. `result_ttl`: seconds for which an ended job is kept."""

    def __init__(self, redis: Redis, result_ttl: int) -> None:
        self._redis = redis
        self._result_ttl = result_ttl
        self._change = redis.register_script(CHANGE)
        self._claim = redis.register_script(CLAIM)
        self._note = redis.register_script(NOTE)

    def read(self, job_id: str) -> JobRecord | None:
        """One job, or None when there is none."""
        return _record(job_id, cast(dict[bytes, bytes], self._redis.hgetall(keys.job(job_id))))

    def read_all(self, job_ids: Sequence[str]) -> dict[str, JobRecord | None]:
        """Many jobs, by their ids; None for each that there is not."""
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
        """Jobs from newest to oldest, beginning behind the job `cursor`, and the cursor of the next page.

        owner  whose jobs; None for everybody's

        A page may be shorter than `limit` and still not be the last: jobs that have expired are left out.
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
        """Ids of all jobs in the list of everybody's; some of them may have expired just now."""
        found: list[bytes] = self._redis.zrange(keys.JOBS, 0, -1)  # type: ignore[assignment]
        return {job_id.decode() for job_id in found}

    def unfinished(self) -> list[str]:
        """Ids of the jobs that have not ended, the oldest first; those that have expired leave every list."""
        records = self._listed(self._redis.zrange(keys.UNFINISHED, 0, -1))
        return [listing.partition(" ")[0] for listing, record in records.items() if record and not record.ended]

    def due(self) -> set[str]:
        """Ids of the jobs that the sweeper has to look at now; those that have expired leave every list."""
        records = self._listed(self._redis.zrangebyscore(keys.SWEEP_DUE, "-inf", time.time()))
        there = {listing: self._expires(record) for listing, record in records.items() if record}
        if there:
            self._redis.zadd(keys.SWEEP_DUE, there)
        return {listing.partition(" ")[0] for listing in records}

    def look_again(self, job_id: str) -> None:
        """Let the sweeper look at a job that is still there with its next turn."""
        if record := self.read(job_id):
            self._redis.zadd(keys.SWEEP_DUE, {keys.listing(job_id, record.owner): 0})

    def refresh_index(self) -> bool:
        """Hold the indexes against all records, unless that was done a while ago; whether it was done now.

        They are built in this way from what a version without them has left. Expired jobs leave every list.
        """
        if self._redis.exists(keys.INDEXED):
            return False
        lists = list(self._lists())
        # Records are read after all lists: a job that is made meanwhile is not taken for one that has expired.
        listed: set[bytes] = set().union(*(job_ids for _, _, job_ids in lists))
        records = self.read_all(sorted(job_id.decode() for job_id in listed))
        expired = {job_id.encode() for job_id, record in records.items() if record is None}
        with self._redis.pipeline(transaction=False) as pipeline:
            for group, remove, job_ids in lists:
                if job_ids & expired:
                    getattr(pipeline, remove)(group, *job_ids & expired)
            for record in filter(None, records.values()):
                listing = keys.listing(record.job_id, record.owner)
                if record.ended:
                    pipeline.zadd(keys.SWEEP_DUE, {listing: self._expires(record)}, nx=True)
                else:
                    pipeline.zadd(keys.UNFINISHED, {listing: 0})
            pipeline.set(keys.INDEXED, "1", ex=INDEX_S)
            pipeline.execute()
        return True

    def _listed(self, found: Any) -> dict[str, JobRecord | None]:
        """The records of listings; those that are gone leave every list."""
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
        """When a job that has ended expires, in seconds since 1970; earlier versions did not write it down."""
        known = record.expires_at or (record.ended_at or record.created_at) + timedelta(seconds=self._result_ttl)
        return max(known.timestamp(), time.time() + 1)  # not again in the same sweep

    def _lists(self) -> Iterator[tuple[bytes, str, set[bytes]]]:
        """Everybody's lists of jobs: the key of each, the command that takes ids out of it, and the ids in it."""
        redis: Any = self._redis
        for group in (keys.JOBS.encode(), *redis.scan_iter(keys.jobs_of("*"), SCANNED)):
            yield group, "zrem", set(redis.zrange(group, 0, -1))
        for group in redis.scan_iter(keys.unfinished("*"), SCANNED):
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
        pipeline.expire(keys.jobs_of(record.owner), max(UNFINISHED_TTL, self._result_ttl))
        pipeline.sadd(keys.unfinished(record.owner), record.job_id)
        pipeline.expire(keys.unfinished(record.owner), UNFINISHED_TTL)
        pipeline.zadd(keys.UNFINISHED, {keys.listing(record.job_id, record.owner): 0})
        for claim in record.claims:
            pipeline.set(claim, record.job_id, ex=UNFINISHED_TTL)

    def claimant(self, claim: str) -> JobRecord | None:
        """The job whose id a key holds, if there still is one."""
        job_id: bytes | None = self._redis.get(claim)  # type: ignore[assignment]
        return self.read(job_id.decode()) if job_id else None

    def claim(self, job_id: str, claim: str, pipeline: Pipeline) -> None:
        """Let a key stand for a job that is there already, as part of `pipeline`."""
        self._claim(keys=[keys.job(job_id), claim], args=[job_id], client=pipeline)

    def begin(self, job_id: str) -> JobRecord | None:
        """Say that a worker has taken the job, for the first or another time; None when it is no longer wanted."""
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
        """Change a running job; False when it is no longer wanted."""
        return self._apply(job_id, [JobStatus.RUNNING], fields, event)

    def succeed(self, job_id: str, number: int, work: Work | None = None, faces: int | None = None) -> bool:
        """End a running job with success; False when it was no longer wanted.

        work   of the whole job
        faces  number of faces in the result
        """
        fields = {"work": work.model_dump_json()} if work else {}
        fields |= {"faces": str(faces)} if faces is not None else {}
        fields |= {"status": JobStatus.SUCCEEDED.value, "progress": progress_text(1.0), **self._end()}
        return self._apply(job_id, [JobStatus.RUNNING], fields, Event(number, "succeeded", {}))

    def fail(self, job_id: str, error: DuyguError, number: int = NEXT) -> bool:
        """End an unfinished job with an error, or as cancelled; False when it was no longer wanted."""
        status = JobStatus.CANCELLED if isinstance(error, CancelledError) else JobStatus.FAILED
        fields = {"status": status.value, **self._end(), **error_fields(error)}
        told = {"code": error.code, "title": error.title, "detail": error.detail}
        return self._apply(job_id, UNFINISHED, fields, Event(number, status.value, told))

    def hand_back(self, job_id: str, put_off: int | None = None) -> bool:
        """Say that a running job waits again; False when it is no longer wanted.

        put_off  how often it has been put off by now, where it waits for the storage
        """
        fields = {"status": JobStatus.QUEUED.value}
        if put_off is not None:
            fields["put_off"] = str(put_off)
        return self._apply(job_id, [JobStatus.RUNNING], fields)

    def note_delivery(self, record: JobRecord, delivery: Delivery) -> None:
        """Add an attempt to deliver the job's webhook to its log."""
        log = [*record.deliveries, delivery.model_dump(mode="json")]
        self._note(keys=[keys.job(record.job_id)], args=[json.dumps(log)])

    def erase(self, job_id: str) -> None:
        """Forget the job. Whoever listens to it is told first that it was cancelled, if it had not ended."""
        self.fail(job_id, CancelledError())
        record = self.read(job_id)
        claims, owner = (record.claims, record.owner) if record else ((), "")
        held = [claim for claim in claims if self._redis.get(claim) == job_id.encode()]
        with self._redis.pipeline() as pipeline:
            pipeline.delete(keys.job(job_id), keys.events(job_id), *held)
            pipeline.srem(keys.WEBHOOKS_DUE, job_id)
            _unlist(pipeline, keys.listing(job_id, owner))
            pipeline.execute()

    def _end(self) -> dict[str, str]:
        """The fields that every job gets with its end."""
        now = datetime.now(UTC)
        return {"ended_at": now.isoformat(), "expires_at": (now + timedelta(seconds=self._result_ttl)).isoformat()}

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
            "job_id": job_id,
            "ttl": self._result_ttl if ended else UNFINISHED_TTL,
            "expires": int(time.time()) + self._result_ttl,
        }
        names = [keys.job(job_id), keys.events(job_id), keys.unfinished(""), keys.WEBHOOKS_DUE]
        names += [keys.UNFINISHED, keys.SWEEP_DUE, keys.jobs_of("")]
        return bool(self._change(keys=names, args=[json.dumps(change)]))


def _unlist(pipeline: Pipeline, listing: str) -> None:
    """Take a job out of every list."""
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
