"""A job's record: what became of one upload.

rq's own record of a job lives only until the job has ended; this one lives until the result expires.
"""

import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from duygu.shared.errors import DuyguError, by_code
from duygu.shared.schemas import JobStatus

UNFINISHED = (JobStatus.QUEUED, JobStatus.RUNNING)


def new_job_id() -> str:
    """32 hexadecimal digits: 12 of milliseconds since 1970, so that ids sort by age, and 20 that nobody can guess."""
    return f"{time.time_ns() // 1_000_000:012x}{secrets.token_hex(10)}"


@dataclass(frozen=True, slots=True)
class JobRecord:
    """One job as Redis has it. Times are UTC."""

    job_id: str
    status: JobStatus
    created_at: datetime
    progress: float | None = 0.0
    started_at: datetime | None = None
    ended_at: datetime | None = None
    expires_at: datetime | None = None
    faces: int | None = None  # in the result
    error: DuyguError | None = None
    size: int = 0  # bytes of the upload
    sha256: str = ""
    owner: str = ""  # name of the API key that made it
    claims: tuple[str, ...] = ()  # keys in Redis that hold this job's id, and go when it goes
    work: Mapping[str, Any] | None = None  # as schemas.Work
    events: int = 0  # how many have been told
    windows: int = 0  # how many of these told a window
    attempts: int = 0  # how often a worker has begun it
    put_off: int = 0  # how often it was put off, as the storage was away
    webhook: str = ""  # address that its end is told to
    deliveries: tuple[Mapping[str, Any], ...] = ()  # attempts to tell it, as schemas.Delivery
    annotate: bool = False  # whether the video is wanted back with what was found in it
    trace: str = ""  # `traceparent` of the request that made it

    @property
    def ended(self) -> bool:
        """Nothing more will happen to it."""
        return self.status not in UNFINISHED

    @property
    def in_vain(self) -> bool:
        """It has ended, and there is no result of it."""
        return self.ended and self.status != JobStatus.SUCCEEDED

    def to_hash(self) -> dict[str, str]:
        """As the fields of a Redis hash; the opposite of `from_hash`."""
        values = {
            "status": self.status.value,
            "created_at": self.created_at.isoformat(),
            "progress": progress_text(self.progress),
            "started_at": self.started_at.isoformat() if self.started_at else "",
            "ended_at": self.ended_at.isoformat() if self.ended_at else "",
            "sha256": self.sha256,
            "size": str(self.size),
            "owner": self.owner,
            "claims": " ".join(self.claims),
            "webhook": self.webhook,
            "annotate": "1" if self.annotate else "",
            "trace": self.trace,
        }
        return {**values, **error_fields(self.error)}

    @classmethod
    def from_hash(cls, job_id: str, values: Mapping[str, str]) -> "JobRecord":
        """Read a Redis hash that is known to hold a job."""
        return cls(
            job_id=job_id,
            status=JobStatus(values["status"]),
            created_at=datetime.fromisoformat(values["created_at"]),
            progress=_progress(values.get("progress", "")),
            started_at=_time(values.get("started_at", "")),
            ended_at=_time(values.get("ended_at", "")),
            expires_at=_time(values.get("expires_at", "")),
            faces=int(values["faces"]) if "faces" in values else None,
            error=_error(values),
            size=int(values.get("size", 0)),
            sha256=values.get("sha256", ""),
            owner=values.get("owner", ""),
            claims=tuple(values.get("claims", "").split()),
            work=json.loads(values["work"]) if "work" in values else None,
            events=int(values.get("events", 0)),
            windows=int(values.get("windows", 0)),
            attempts=int(values.get("attempts", 0)),
            put_off=int(values.get("put_off", 0)),
            webhook=values.get("webhook", ""),
            deliveries=tuple(json.loads(values.get("deliveries", "[]"))),
            annotate=bool(values.get("annotate")),
            trace=values.get("trace", ""),
        )


def progress_text(progress: float | None) -> str:
    """Progress as a hash field; empty while it is unknown."""
    return "" if progress is None else f"{progress:.4f}"


def error_fields(error: DuyguError | None) -> dict[str, str]:
    """An error as hash fields."""
    return {"error": error.code, "detail": error.detail} if error else {}


def _progress(text: str) -> float | None:
    return float(text) if text else None


def _time(text: str) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _error(values: Mapping[str, str]) -> DuyguError | None:
    code = values.get("error")
    return by_code().get(code, DuyguError)(values.get("detail")) if code else None
