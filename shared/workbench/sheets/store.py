"""Kept studies in Redis, each with a version against lost updates. They live until they are deleted."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, cast

from redis import Redis

from duygu.shared.broker import keys
from duygu.shared.errors import StudyConflictError, StudyNotFoundError, TooManyStudiesError
from duygu.shared.jobs.record import new_job_id
from duygu.shared.schemas.study import StudyContent

CREATE: Final = """
-- KEYS: study, all studies, the owner's studies. ARGV: id, maximum number, then fields of the hash.
if redis.call('EXISTS', KEYS[1]) == 1 then
    return 1  -- redis-py repeats a command after a broken connection
end
if redis.call('ZCARD', KEYS[3]) >= tonumber(ARGV[2]) then
    return 0
end
redis.call('HSET', KEYS[1], unpack(ARGV, 3))
redis.call('ZADD', KEYS[2], 0, ARGV[1])
redis.call('ZADD', KEYS[3], 0, ARGV[1])
return 1
"""
"""Adds a study unless its owner has the maximum number; returns whether it was added."""

REPLACE: Final = """
-- KEYS: study. ARGV: expected version or -1, content, title, number of rows, time of the change.
if redis.call('EXISTS', KEYS[1]) == 0 then
    return -2
end
local version = tonumber(redis.call('HGET', KEYS[1], 'version'))
if redis.call('HGET', KEYS[1], 'content') == ARGV[2] and tonumber(ARGV[1]) <= version then
    return version
end
if tonumber(ARGV[1]) >= 0 and version ~= tonumber(ARGV[1]) then
    return -1
end
redis.call('HSET', KEYS[1], 'version', version + 1, 'content', ARGV[2], 'title', ARGV[3], 'rows', ARGV[4],
    'changed_at', ARGV[5])
return version + 1
"""
"""Replaces the content of a study if its version is the expected one. Returns the version, CONFLICT or MISSING.

The same content again changes nothing: redis-py repeats a command after a broken connection.
"""

CONFLICT, MISSING = -1, -2

ANY = -1
"""As the expected version: whichever it is."""


EMPTY = StudyContent()


@dataclass(frozen=True, slots=True)
class StudyRecord:
    """A study as Redis stores it. Times are UTC."""

    study_id: str
    owner: str
    version: int
    created_at: datetime
    changed_at: datetime
    title: str = ""
    rows: int = 0
    content: StudyContent = EMPTY
    """Empty in a list."""


class StudyStore:
    """Reads and changes studies."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._create = redis.register_script(CREATE)
        self._replace = redis.register_script(REPLACE)

    def create(self, owner: str, content: StudyContent, most: int) -> StudyRecord:
        """Add a study. Raises TooManyStudiesError where the owner has `most`."""
        study_id, now = new_job_id(), datetime.now(UTC)
        fields: dict[str, str | int] = {
            "owner": owner,
            "version": 1,
            "created_at": now.isoformat(),
            "changed_at": now.isoformat(),
        }
        fields |= {"title": content.title, "rows": len(content.rows), "content": content.model_dump_json()}
        names = [keys.study(study_id), keys.STUDIES, keys.studies_of(owner)]
        args: list[str | int] = [study_id, most, *(part for pair in fields.items() for part in pair)]
        if not self._create(keys=names, args=args):
            raise TooManyStudiesError(f"{most} studies are kept, the maximum")
        return StudyRecord(study_id, owner, 1, now, now, content.title, len(content.rows), content)

    def read(self, study_id: str) -> StudyRecord | None:
        """A study; None if there is none."""
        found = cast(dict[bytes, bytes], self._redis.hgetall(keys.study(study_id)))
        return _record(study_id, {name.decode(): value.decode() for name, value in found.items()}) if found else None

    def replace(self, record: StudyRecord, content: StudyContent, expected: int) -> StudyRecord:
        """Replace the content.

        expected  version that is replaced, or ANY

        Raises StudyConflictError for another version, and StudyNotFoundError for a study that was deleted meanwhile.
        """
        args: list[str | int] = [
            expected,
            content.model_dump_json(),
            content.title,
            len(content.rows),
            datetime.now(UTC).isoformat(),
        ]
        version = cast(int, self._replace(keys=[keys.study(record.study_id)], args=args))
        if version == CONFLICT:
            raise StudyConflictError(f"the study no longer has version {expected}")
        found = None if version == MISSING else self.read(record.study_id)
        if found is None:
            raise StudyNotFoundError
        return found

    def page(self, owner: str | None, cursor: str | None, limit: int) -> tuple[list[StudyRecord], str | None]:
        """Studies without their content, newest first, from behind `cursor`, and the cursor of the next page.

        owner  whose studies; None for all
        """
        group = keys.STUDIES if owner is None else keys.studies_of(owner)
        start = f"({cursor}" if cursor else "+"
        found = cast(list[bytes], self._redis.zrevrangebylex(group, start, "-", 0, limit + 1))
        ids = [study_id.decode() for study_id in found]
        return self._summaries(ids[:limit]), ids[limit - 1] if len(ids) > limit else None

    def _summaries(self, ids: Sequence[str]) -> list[StudyRecord]:
        with self._redis.pipeline(transaction=False) as pipeline:
            for study_id in ids:
                pipeline.hmget(keys.study(study_id), SUMMARY)
            found = pipeline.execute()
        texts = [{name: (value or b"").decode() for name, value in zip(SUMMARY, one, strict=True)} for one in found]
        return [_record(study_id, one) for study_id, one in zip(ids, texts, strict=True) if one["version"]]

    def delete(self, record: StudyRecord) -> None:
        """Delete a study."""
        with self._redis.pipeline() as pipeline:
            pipeline.delete(keys.study(record.study_id))
            for group in (keys.STUDIES, keys.studies_of(record.owner)):
                pipeline.zrem(group, record.study_id)
            pipeline.execute()


SUMMARY = ("owner", "version", "created_at", "changed_at", "title", "rows")


def _record(study_id: str, fields: dict[str, str]) -> StudyRecord:
    return StudyRecord(
        study_id,
        fields["owner"],
        int(fields["version"]),
        datetime.fromisoformat(fields["created_at"]),
        datetime.fromisoformat(fields["changed_at"]),
        fields["title"],
        int(fields["rows"]),
        StudyContent.read(fields["content"]) if "content" in fields else EMPTY,
    )
