"""Resumable uploads in Redis: reading and changing records, and the lock of the request that sends bytes."""

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Final, cast

from redis import Redis

from duygu.shared.broker import keys
from duygu.shared.errors import QueueFullError, UploadLockedError, UploadNotFoundError
from duygu.shared.inputs.uploads.record import UploadRecord

LOCK_S = 20
"""Time to live of a lock whose holder has died."""

TAKEOVER_S = 5.0
"""Time that a request waits for the holder of the lock to make way."""

TAKEOVER_POLL_S = 0.05

FORGOTTEN_EVERY_S = 3600
"""Interval of the sweeps of uploads that Redis has forgotten."""

AFTERLIFE_S = 24 * 3600
"""Time for which the record of an expired or submitted upload stays."""

CREATE: Final = """
-- KEYS: record, all uploads, the owner's uploads. ARGV: id, listing, expiry, end of the record, maximum number, fields.
if redis.call('ZCARD', KEYS[2]) >= tonumber(ARGV[5]) then
    return 0
end
redis.call('HSET', KEYS[1], unpack(ARGV, 6))
redis.call('EXPIREAT', KEYS[1], ARGV[4])
redis.call('ZADD', KEYS[2], ARGV[3], ARGV[2])
redis.call('SADD', KEYS[3], ARGV[1])
redis.call('EXPIREAT', KEYS[3], ARGV[4])
return 1
"""
"""Adds an upload unless as many exist as are permitted."""

ADVANCE: Final = """
-- KEYS: record, lock, all uploads, the owner's uploads.
-- ARGV: token, new offset, new state, listing, expiry, end of the record.
if redis.call('GET', KEYS[2]) ~= ARGV[1] or redis.call('EXISTS', KEYS[1]) == 0 then
    return 0
end
redis.call('HSET', KEYS[1], 'offset', ARGV[2], 'state', ARGV[3], 'expires', ARGV[5])
redis.call('EXPIREAT', KEYS[1], ARGV[6])
redis.call('ZADD', KEYS[3], ARGV[5], ARGV[4])
redis.call('EXPIREAT', KEYS[4], ARGV[6])
return 1
"""
"""Records received bytes for the holder of the lock; 0 if another request took it over or the upload was erased."""

RENEW: Final = """
-- KEYS: lock, takeover. ARGV: token, time to live in ms. Returns 0 when the lock is lost or another request wants it.
if redis.call('GET', KEYS[1]) ~= ARGV[1] or redis.call('EXISTS', KEYS[2]) == 1 then
    return 0
end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
"""

UNLOCK: Final = """
-- KEYS: lock. ARGV: token.
if redis.call('GET', KEYS[1]) == ARGV[1] then
    redis.call('DEL', KEYS[1])
end
"""

SUBMITTED: Final = """
-- KEYS: record, all uploads, the owner's uploads. ARGV: id, listing, id of the job, end of the record.
if redis.call('EXISTS', KEYS[1]) == 1 then
    redis.call('HSET', KEYS[1], 'job_id', ARGV[3])
    redis.call('EXPIREAT', KEYS[1], ARGV[4])
end
redis.call('ZREM', KEYS[2], ARGV[2])
redis.call('SREM', KEYS[3], ARGV[1])
"""
"""Notes the job of an upload, which does not count as open any more."""


@dataclass(frozen=True, slots=True)
class UploadLock:
    """The lock of one upload, held by one request."""

    upload_id: str
    token: str


class UploadStore:
    """Reads and changes resumable uploads. `ttl`: seconds without a byte after which an upload expires."""

    def __init__(self, redis: Redis, ttl: int) -> None:
        self._redis = redis
        self._ttl = ttl
        self._create = redis.register_script(CREATE)
        self._advance = redis.register_script(ADVANCE)
        self._renew = redis.register_script(RENEW)
        self._unlock = redis.register_script(UNLOCK)
        self._submitted = redis.register_script(SUBMITTED)

    def read(self, upload_id: str) -> UploadRecord | None:
        """An upload; None for an unknown or expired one."""
        record = self._read(upload_id)
        return record if record and (record.job_id or record.expires > time.time()) else None

    def create(self, record: UploadRecord, most: int) -> UploadRecord:
        """Add an upload. Raises QueueFullError above `most` open ones."""
        record = replace(record, expires=self._expires())
        fields = [part for pair in record.to_hash().items() for part in pair]
        times = [record.expires, record.expires + AFTERLIFE_S]
        args: list[str | int] = [record.upload_id, _listing(record), *times, most, *fields]
        if not self._create(keys=self._names(record), args=args):
            raise QueueFullError(f"{most} uploads are not complete or not submitted, the limit of DUYGU_MAX_QUEUED")
        return record

    def advance(self, record: UploadRecord, lock: UploadLock, offset: int, state: str) -> UploadRecord:
        """Record received bytes. Raises UploadLockedError when the lock was lost or the upload erased."""
        expires = self._expires()
        names = [keys.upload(record.upload_id), keys.upload_lock(record.upload_id), *self._names(record)[1:]]
        args: list[str | int] = [lock.token, offset, state, _listing(record), expires, expires + AFTERLIFE_S]
        if not self._advance(keys=names, args=args):
            raise UploadLockedError
        return replace(record, offset=offset, state=state, expires=expires)

    def submitted(self, record: UploadRecord, job_id: str) -> None:
        """Note the job that an upload became."""
        args: list[str | int] = [record.upload_id, _listing(record), job_id, int(time.time()) + AFTERLIFE_S]
        self._submitted(keys=self._names(record), args=args)

    def erase(self, record: UploadRecord) -> None:
        """Delete the record."""
        upload_id = record.upload_id
        with self._redis.pipeline() as pipeline:
            pipeline.delete(keys.upload(upload_id), keys.upload_lock(upload_id), keys.upload_takeover(upload_id))
            pipeline.zrem(keys.UPLOADS, _listing(record))
            pipeline.srem(keys.uploads_of(record.owner), upload_id)
            pipeline.execute()

    @contextmanager
    def locked(self, upload_id: str) -> Iterator[UploadLock]:
        """Hold the lock of an upload; a request that holds it is requested to release it.

        Raises UploadLockedError when it does not within TAKEOVER_S.
        """
        lock, key = UploadLock(upload_id, secrets.token_hex(8)), keys.upload_lock(upload_id)
        deadline = time.monotonic() + TAKEOVER_S
        while not self._redis.set(key, lock.token, nx=True, px=LOCK_S * 1000):
            if time.monotonic() > deadline:
                raise UploadLockedError
            self._redis.set(keys.upload_takeover(upload_id), "1", px=1000)
            time.sleep(TAKEOVER_POLL_S)
        self._redis.delete(keys.upload_takeover(upload_id))
        try:
            yield lock
        finally:
            self._unlock(keys=[key], args=[lock.token])

    def renew(self, lock: UploadLock) -> None:
        """Keep the lock. Raises UploadLockedError when it was lost or another request wants it."""
        names = [keys.upload_lock(lock.upload_id), keys.upload_takeover(lock.upload_id)]
        if not self._renew(keys=names, args=[lock.token, LOCK_S * 1000]):
            raise UploadLockedError

    def open_ids(self) -> set[str]:
        """Ids of all uploads that have not become a job, expired ones included."""
        found = cast(list[bytes], self._redis.zrange(keys.UPLOADS, 0, -1))
        return {listing.decode().partition(" ")[0] for listing in found}

    def due(self) -> list[UploadRecord]:
        """The expired uploads, whose files are to be erased. Removes those without a record from the lists."""
        found: Any = self._redis.zrangebyscore(keys.UPLOADS, "-inf", time.time())
        expired = []
        for listing in found:
            upload_id, _, owner = listing.decode().partition(" ")
            expired.append(self._read(upload_id) or UploadRecord(upload_id, owner, 0))
        return expired

    def stale_before(self) -> float | None:
        """Time before which an unknown upload has begun that is to be deleted; None if that was done recently."""
        if not self._redis.set(keys.PARTS_SWEPT, "1", nx=True, ex=FORGOTTEN_EVERY_S):
            return None
        return time.time() - self._ttl

    def require(self, upload_id: str) -> UploadRecord:
        """An upload. Raises UploadNotFoundError."""
        record = self.read(upload_id)
        if record is None:
            raise UploadNotFoundError
        return record

    def _read(self, upload_id: str) -> UploadRecord | None:
        values = cast(dict[bytes, bytes], self._redis.hgetall(keys.upload(upload_id)))
        found = {name.decode(): value.decode() for name, value in values.items()}
        return UploadRecord.from_hash(upload_id, found) if found else None

    def _expires(self) -> int:
        return int(time.time()) + self._ttl

    def _names(self, record: UploadRecord) -> list[str]:
        return [keys.upload(record.upload_id), keys.UPLOADS, keys.uploads_of(record.owner)]


def _listing(record: UploadRecord) -> str:
    return keys.listing(record.upload_id, record.owner)
