"""The labels of a job's result in Redis, by rater, each with a version. They live and are erased with the job."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, cast

from redis import Redis

from duygu.shared.broker import keys
from duygu.shared.errors import EditConflictError, JobNotFoundError, TooManyLabelsError
from duygu.shared.workbench.labels.label import MAX_LABELS
from duygu.shared.workbench.labels.placement import STORED, StoredLabel

MAX_RATERS = 20
"""Maximum number of raters of one result."""

REPLACE: Final = """
-- KEYS: record, labels. ARGV: rater, expected version or -1 for any, new labels as JSON or '' for none, most raters.
if redis.call('EXISTS', KEYS[1]) == 0 then
    return -2
end
local rater, version = 'labels:' .. ARGV[1], 'version:' .. ARGV[1]
local known = tonumber(redis.call('HGET', KEYS[2], version) or '0')
if tonumber(ARGV[2]) >= 0 and known ~= tonumber(ARGV[2]) then
    return -1
end
if ARGV[3] == '' then
    redis.call('HDEL', KEYS[2], rater, version)
    return 0
end
-- The hash has two fields per rater, and the counter.
if known == 0 and redis.call('HLEN', KEYS[2]) >= 2 * tonumber(ARGV[4]) + 1 then
    return -3
end
-- One counter for all raters, so that a removed rater's versions never return.
local new = redis.call('HINCRBY', KEYS[2], 'counter', 1)
redis.call('HSET', KEYS[2], rater, ARGV[3], version, new)
-- The labels expire with the job; a kept job has no time to live.
local ttl = redis.call('PTTL', KEYS[1])
if ttl > 0 then
    redis.call('PEXPIRE', KEYS[2], ttl)
else
    redis.call('PERSIST', KEYS[2])
end
return new
"""
"""Replaces a rater's labels if their version is the expected one. Returns the new version or one of those below."""

CONFLICT, NO_JOB, FULL = -1, -2, -3

ANY = -1
"""As the expected version: any."""


@dataclass(frozen=True, slots=True)
class RaterLabels:
    """The labels of one rater. Every change gives a version that none of the raters had; 0 without labels."""

    version: int = 0
    labels: tuple[StoredLabel, ...] = ()


class LabelStore:
    """Reads and replaces the labels of jobs."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._replace = redis.register_script(REPLACE)

    def read(self, job_id: str, rater: str) -> RaterLabels:
        """The labels of a rater; version 0 without any."""
        fields = [f"version:{rater}", f"labels:{rater}"]
        version, labels = cast(list[bytes | None], self._redis.hmget(keys.labels(job_id), fields))
        return _labels(version, labels) if version and labels else RaterLabels()

    def read_all(self, job_id: str) -> dict[str, RaterLabels]:
        """The labels of all raters, by name."""
        found = cast(dict[bytes, bytes], self._redis.hgetall(keys.labels(job_id)))
        raters = sorted(name.decode().removeprefix("labels:") for name in found if name.startswith(b"labels:"))
        return {
            rater: _labels(found[f"version:{rater}".encode()], found[f"labels:{rater}".encode()]) for rater in raters
        }

    def replace(self, job_id: str, rater: str, labels: Sequence[StoredLabel], expected: int = ANY) -> RaterLabels:
        """Replace the labels of a rater; an empty list removes the rater.

        expected  the version that is replaced

        Raises EditConflictError when the stored labels are not of that version, JobNotFoundError when the job was
        erased or has expired, and TooManyLabelsError above MAX_LABELS and MAX_RATERS.
        """
        if len(labels) > MAX_LABELS:
            raise TooManyLabelsError(f"{len(labels)} labels; the maximum of a rater is {MAX_LABELS}")
        text = json.dumps([label.model_dump() for label in labels]) if labels else ""
        names = [keys.job(job_id), keys.labels(job_id)]
        version = cast(int, self._replace(keys=names, args=[rater, expected, text, MAX_RATERS]))
        if version == CONFLICT:
            raise EditConflictError("The labels have been changed meanwhile")
        if version == NO_JOB:
            raise JobNotFoundError
        if version == FULL:
            raise TooManyLabelsError(f"the result has labels of {MAX_RATERS} raters, the maximum")
        return RaterLabels(version, tuple(labels))


def _labels(version: bytes, labels: bytes) -> RaterLabels:
    return RaterLabels(int(version), tuple(STORED.validate_json(labels, extra="ignore")))
