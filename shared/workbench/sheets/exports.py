"""Exports of studies in Redis: the state of each ZIP, from the request until it expires.

The id of an export follows from its content, so that the same study with the same edits has one. Its ZIP is a file in
the storage, in a folder of this id.
"""

import hashlib
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, cast

from redis import Redis

from duygu.shared.broker import keys
from duygu.shared.errors import DuyguError, from_code
from duygu.shared.schemas.base import Schema
from duygu.shared.schemas.study import MarkerCells, StudyCells, StudyChoices

ZIP = "study.zip"
"""Name of the stored file."""

TTL_S = 24 * 3600
"""Most seconds for which a ZIP is stored; it can be made again."""

UNFINISHED_TTL_S = 24 * 3600
"""Seconds after which the record of an export that never ended is deleted."""

FAILED_TTL_S = 30
"""Seconds for which the error of an export is reported; a later request tries again."""

MAX_ATTEMPTS = 2
"""Workers that may start one export; a further one reports that it crashes them."""

UPDATE: Final = """
-- KEYS: export, exports. ARGV: id, seconds to live, time of expiry, then fields of the hash.
if redis.call('EXISTS', KEYS[1]) == 0 then
    return 0
end
redis.call('HSET', KEYS[1], unpack(ARGV, 4))
redis.call('EXPIRE', KEYS[1], ARGV[2])
redis.call('ZADD', KEYS[2], ARGV[3], ARGV[1])
return 1
"""
"""Changes an export unless it was erased; returns whether it exists."""

Status = Literal["queued", "running", "succeeded", "failed"]


class ExportedJob(Schema):
    """A job of an export as it is when the export is requested."""

    job_id: str
    path: str
    """What the column `path` of the tables contains."""
    edits: int = 0
    """Version of the edits."""
    error: str = ""
    """Code of the error of a job that failed."""
    detail: str = ""


class ExportOrder(Schema):
    """What a worker exports."""

    version: str
    """Of Duygu."""
    owner: str
    study_id: str = ""
    rows: list[StudyCells]
    markers: list[MarkerCells]
    settings: StudyChoices = StudyChoices()
    jobs: list[ExportedJob]

    @property
    def export_id(self) -> str:
        """The id: a hash of the order."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Export:
    """The state of an export."""

    export_id: str
    owner: str
    study_id: str
    status: Status
    progress: float = 0.0
    attempts: int = 0
    error: DuyguError | None = None
    jobs: tuple[str, ...] = ()


class ExportStore:
    """Reads and changes exports."""

    def __init__(self, redis: Redis, result_ttl: int = TTL_S) -> None:
        """`result_ttl`: time to live of an ended job; no ZIP is stored for longer, as a kept job may be released."""
        self._redis = redis
        self._ttl_s = min(result_ttl, TTL_S)
        self._update = redis.register_script(UPDATE)

    def read(self, export_id: str) -> Export | None:
        """An export; None if there is none."""
        names = ["owner", "study_id", "status", "progress", "attempts", "error", "detail", "jobs"]
        found = cast(list[bytes | None], self._redis.hmget(keys.study_export(export_id), names))
        values = {name: (value or b"").decode() for name, value in zip(names, found, strict=True)}
        return _export(export_id, values) if values["status"] else None

    def order(self, export_id: str) -> ExportOrder | None:
        """What an export contains; None if it was erased."""
        text = cast(bytes | None, self._redis.hget(keys.study_export(export_id), "order"))
        return ExportOrder.read(text) if text else None

    def create(self, order: ExportOrder) -> str:
        """Add a queued export, and make it known to its jobs; its id."""
        export_id, jobs = order.export_id, [one.job_id for one in order.jobs]
        key, until = keys.study_export(export_id), time.time() + UNFINISHED_TTL_S
        fields = {"owner": order.owner, "study_id": order.study_id, "status": "queued", "jobs": " ".join(jobs)}
        fields["order"] = order.model_dump_json()
        with self._redis.pipeline() as pipeline:
            pipeline.delete(key)
            pipeline.hset(key, items=[part for pair in fields.items() for part in pair])
            pipeline.expire(key, UNFINISHED_TTL_S)
            pipeline.zadd(keys.STUDY_EXPORTS, {export_id: until})
            pipeline.zadd(keys.study_exports_of(order.owner), {export_id: time.time()})
            pipeline.expire(keys.study_exports_of(order.owner), UNFINISHED_TTL_S + TTL_S)
            for job_id in jobs:
                pipeline.sadd(keys.exports_of_job(job_id), export_id)
                pipeline.expire(keys.exports_of_job(job_id), UNFINISHED_TTL_S + TTL_S)
            pipeline.execute()
        return export_id

    def begin(self, export: Export) -> bool:
        """Set an export to running; False if it was erased."""
        return self._change(export.export_id, UNFINISHED_TTL_S, {"status": "running", "attempts": export.attempts + 1})

    def report(self, export_id: str, progress: float) -> bool:
        """Record the progress; False if the export was erased."""
        return self._change(export_id, UNFINISHED_TTL_S, {"progress": f"{progress:.4f}"})

    def succeed(self, export_id: str, left_s: float | None) -> bool:
        """End an export whose ZIP is stored; False if it was erased.

        left_s  seconds until the first of its jobs expires; None if all are kept
        """
        ttl_s = self._ttl_s if left_s is None else int(min(left_s, self._ttl_s))
        return self._change(export_id, max(1, ttl_s), {"status": "succeeded", "progress": "1"})

    def fail(self, export_id: str, error: DuyguError) -> bool:
        """End an export with an error; False if it was erased."""
        return self._change(export_id, FAILED_TTL_S, {"status": "failed", "error": error.code, "detail": error.detail})

    def requeue(self, export_id: str) -> bool:
        """Set an export to queued, as its worker shuts down; False if it was erased."""
        return self._change(export_id, UNFINISHED_TTL_S, {"status": "queued", "attempts": 0})

    def _change(self, export_id: str, ttl_s: int, fields: Mapping[str, object]) -> bool:
        names = [keys.study_export(export_id), keys.STUDY_EXPORTS]
        parts = [str(part) for pair in fields.items() for part in pair]
        return bool(self._update(keys=names, args=[export_id, ttl_s, time.time() + ttl_s, *parts]))

    def of_job(self, job_id: str) -> list[str]:
        """Ids of the exports that contain a job; some may have expired."""
        return _texts(self._redis.smembers(keys.exports_of_job(job_id)))

    def of_owner(self, owner: str) -> list[Export]:
        """The exports of an owner, oldest first. Removes expired ones from the list."""
        ids = _texts(self._redis.zrange(keys.study_exports_of(owner), 0, -1))
        found = {export_id: self.read(export_id) for export_id in ids}
        if gone := [export_id for export_id, export in found.items() if export is None]:
            self._redis.zrem(keys.study_exports_of(owner), *gone)
        return [export for export in found.values() if export]

    def erase(self, export_id: str) -> None:
        """Delete the record of an export, whose file the caller has deleted."""
        export = self.read(export_id)
        with self._redis.pipeline() as pipeline:
            pipeline.delete(keys.study_export(export_id))
            pipeline.zrem(keys.STUDY_EXPORTS, export_id)
            if export:
                pipeline.zrem(keys.study_exports_of(export.owner), export_id)
                for job_id in export.jobs:
                    pipeline.srem(keys.exports_of_job(job_id), export_id)
            pipeline.execute()

    def live(self) -> set[str]:
        """Ids of the exports that have not expired, whose folders stay."""
        return set(_texts(self._redis.zrangebyscore(keys.STUDY_EXPORTS, time.time(), "+inf")))

    def expired(self) -> list[str]:
        """Ids of the exports that have expired, whose folders are to be erased."""
        return _texts(self._redis.zrangebyscore(keys.STUDY_EXPORTS, "-inf", time.time()))


def _texts(found: object) -> list[str]:
    return [one.decode() for one in cast(Iterable[bytes], found)]


def _export(export_id: str, values: Mapping[str, str]) -> Export:
    error = from_code(values["error"], values["detail"]) if values["error"] else None
    return Export(
        export_id,
        values["owner"],
        values["study_id"],
        cast(Status, values["status"]),
        float(values["progress"] or 0),
        int(values["attempts"] or 0),
        error,
        tuple(values["jobs"].split()),
    )


def unfinished(exports: Sequence[Export]) -> list[Export]:
    """Those that have not ended."""
    return [one for one in exports if one.status in ("queued", "running")]
