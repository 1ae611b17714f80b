"""The edits of a job's result in Redis, with a version against lost updates. They live and are erased with the job."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, cast

from redis import Redis

from duygu.shared.broker import keys
from duygu.shared.errors import EditConflictError, JobNotFoundError, NoEditError, TooManyEditsError
from duygu.shared.storage.base import Storage, versioned
from duygu.shared.workbench.edits.operations import EDITS, MAX_EDITS, Edit

REPLACE: Final = """
-- KEYS: record, edits. ARGV: expected version, new edits as JSON.
if redis.call('EXISTS', KEYS[1]) == 0 then
    return -2
end
local version = tonumber(redis.call('HGET', KEYS[2], 'version') or '0')
if version ~= tonumber(ARGV[1]) then
    return -1
end
redis.call('HSET', KEYS[2], 'version', version + 1, 'edits', ARGV[2])
-- The edits expire with the job; a kept job has no time to live.
local ttl = redis.call('PTTL', KEYS[1])
if ttl > 0 then
    redis.call('PEXPIRE', KEYS[2], ttl)
else
    redis.call('PERSIST', KEYS[2])
end
return version + 1
"""
"""Replaces the edits if their version is the expected one. Returns the new version, CONFLICT or NO_JOB."""

SET_RENDERED: Final = """
-- KEYS: edits. ARGV: name of a file, version.
local known = tonumber(redis.call('HGET', KEYS[1], ARGV[1]) or '0')
if redis.call('EXISTS', KEYS[1]) == 0 or known > tonumber(ARGV[2]) then
    return tonumber(ARGV[2])
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
return known
"""
"""Records the version of a rendered file; returns the version whose file is obsolete."""

CONFLICT, NO_JOB = -1, -2

ATTEMPTS = 20
"""Attempts of a change without an expected version, each of which another change at the same time can defeat."""


@dataclass(frozen=True, slots=True)
class EditList:
    """The edits of one result, in order. The version grows with every change, undoing included."""

    version: int = 0
    edits: tuple[Edit, ...] = ()


class EditStore:
    """Reads and changes the edits of jobs."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._replace = redis.register_script(REPLACE)
        self._set_rendered = redis.register_script(SET_RENDERED)

    def read(self, job_id: str) -> EditList:
        """The edits of a job; version 0 without any."""
        version, edits = cast(list[bytes | None], self._redis.hmget(keys.edits(job_id), ["version", "edits"]))
        return EditList(int(version), tuple(EDITS.validate_json(edits))) if version and edits else EditList()

    def rendered(self, job_id: str, file: str) -> int:
        """The version of the edits that a stored file was rendered with; 0 if there is none."""
        version = cast(bytes | None, self._redis.hget(keys.edits(job_id), file))
        return int(version or 0)

    def set_rendered(self, job_id: str, file: str, version: int) -> int:
        """Record the version of the edits that a file was rendered with; returns the version whose file is obsolete.

        If the job was erased meanwhile, or a later version was recorded, this version itself is obsolete.
        """
        return cast(int, self._set_rendered(keys=[keys.edits(job_id)], args=[file, version]))

    def replace(self, job_id: str, known: EditList, edits: Sequence[Edit]) -> EditList:
        """Replace the edits of a job.

        known  the edits that are replaced

        Raises EditConflictError when the stored edits are not of that version, JobNotFoundError when the job was erased
        or has expired, and TooManyEditsError above MAX_EDITS.
        """
        if len(edits) > MAX_EDITS:
            raise TooManyEditsError(f"the result has {MAX_EDITS} edits, the maximum")
        text = json.dumps([edit.model_dump() for edit in edits], ensure_ascii=False)
        version = cast(int, self._replace(keys=[keys.job(job_id), keys.edits(job_id)], args=[known.version, text]))
        if version == CONFLICT:
            return self._own_write(job_id, EditList(known.version + 1, tuple(edits)))
        if version == NO_JOB:
            raise JobNotFoundError
        return EditList(version, tuple(edits))

    def _own_write(self, job_id: str, written: EditList) -> EditList:
        """The edits if a lost reply hid that they were written: redis-py repeats a command after a broken connection.

        Raises EditConflictError for another change.
        """
        if self.read(job_id) != written:
            raise EditConflictError
        return written


def without_last(known: EditList) -> tuple[Edit, ...]:
    """The edits without the last one. Raises NoEditError without any."""
    if not known.edits:
        raise NoEditError
    return known.edits[:-1]


def record_rendered(store: EditStore, storage: Storage, job_id: str, file: str, version: int) -> None:
    """Record that a file was rendered with a version of the edits, and delete the file of the version before."""
    if obsolete := store.set_rendered(job_id, file, version):
        storage.remove(job_id, versioned(file, obsolete))
