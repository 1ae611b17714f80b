"""The record of a job: one upload, its status and what became of it.

rq deletes its own record when a task has ended; this one exists until the result expires.
"""

import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter

from duygu.shared.config.api_keys import Priority
from duygu.shared.errors import DuyguError, from_code
from duygu.shared.schemas.job import Delivery, Fetched, JobStatus, Work
from duygu.shared.schemas.options import DEFAULTS, AnalysisOptions

UNFINISHED = (JobStatus.QUEUED, JobStatus.RUNNING)


def new_job_id() -> str:
    """32 hexadecimal digits: 12 of milliseconds since 1970, so that ids sort by age, and 20 random ones."""
    return f"{time.time_ns() // 1_000_000:012x}{secrets.token_hex(10)}"


@dataclass(frozen=True, slots=True)
class JobRecord:
    """One job as Redis stores it. Times are UTC."""

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
    owner: str = ""  # name of the API key that submitted it
    index_keys: tuple[str, ...] = ()  # keys in Redis that hold this job's id and are deleted with it
    work: Work | None = None
    events: int = 0  # number of events so far
    windows: int = 0  # number of `window` events so far
    attempts: int = 0  # number of times that a worker has started it
    deferrals: int = 0  # number of times that it was deferred because the storage was unavailable
    webhook: str = ""  # URL that receives its end
    deliveries: tuple[Delivery, ...] = ()  # attempts to deliver the webhook
    annotate: bool = False  # whether an annotated video was requested
    blur: bool = False  # whether a video with covered faces was requested
    edits_of: str = ""  # job whose result with edits the annotated video shows; empty for its own
    options: AnalysisOptions = DEFAULTS
    trace: str = ""  # `traceparent` of the request that submitted it
    link: str = field(default="", repr=False)  # to the video, with its secrets, until it has been fetched
    link_shown: str = ""  # the same without credentials and query; stays
    link_sha256: str = ""  # of the link with its secrets
    fetched: Fetched | None = None  # progress of fetching the link
    metered: bool = False  # whether the fetched bytes count towards a limit of the owner
    kept: bool = False  # whether it does not expire once it has succeeded
    priority: Priority = Priority.INTERACTIVE  # of the API key that submitted it
    title: str = ""  # given by a client

    @property
    def ended(self) -> bool:
        """Whether the status is final."""
        return self.status not in UNFINISHED

    @property
    def ended_without_result(self) -> bool:
        """Whether it failed or was cancelled."""
        return self.ended and self.status != JobStatus.SUCCEEDED

    @property
    def fetching(self) -> bool:
        """Whether it is running and its link has not been fetched yet."""
        return self.status == JobStatus.RUNNING and bool(self.link_shown) and not self.sha256

    def to_hash(self) -> dict[str, str]:
        """The fields of a Redis hash, without those that are None; `from_hash` is the inverse."""
        values = {one.key: one.write(value) for one, value in self._values() if value is not None}
        return {**values, **error_fields(self.error)}

    @classmethod
    def from_hash(cls, job_id: str, values: Mapping[str, str]) -> "JobRecord":
        """Read a Redis hash that holds a job."""
        fields: dict[str, Any] = {one.name: one.value(values) for one in FIELDS}
        return cls(job_id=job_id, error=_error(values), **fields)

    def _values(self) -> "list[tuple[HashField, Any]]":
        return [(one, getattr(self, one.name)) for one in FIELDS]


@dataclass(frozen=True, slots=True)
class HashField:
    """How one attribute of a record is stored in the hash."""

    name: str  # of the attribute
    write: Callable[[Any], str]
    read: Callable[[str], Any]
    absent: Any = None  # value where the hash lacks the field or has it empty
    stored_as: str = ""  # name in the hash where it differs

    @property
    def key(self) -> str:
        """Name in the hash, which never changes."""
        return self.stored_as or self.name

    def value(self, values: Mapping[str, str]) -> Any:
        """The attribute's value."""
        text = values.get(self.key, "")
        return self.read(text) if text else self.absent


def progress_text(progress: float | None) -> str:
    """Progress as a hash field, rounded to four digits; empty while it is unknown."""
    return "" if progress is None else f"{progress:.4f}"


def options_text(options: AnalysisOptions) -> str:
    """Options as a hash field, which is empty for the defaults."""
    return options.model_dump_json(exclude_none=True) if options.fingerprint else ""


def deliveries_text(deliveries: tuple[Delivery, ...]) -> str:
    """Deliveries as a hash field."""
    return DELIVERIES.dump_json(deliveries).decode()


def read_deliveries(text: str) -> tuple[Delivery, ...]:
    """The inverse of `deliveries_text`."""
    return DELIVERIES.validate_json(text, extra="ignore")


def error_fields(error: DuyguError | None) -> dict[str, str]:
    """An error as hash fields."""
    return {"error": error.code, "detail": error.detail} if error else {}


def _error(values: Mapping[str, str]) -> DuyguError | None:
    code = values.get("error")
    return from_code(code, values.get("detail")) if code else None


def _text(name: str) -> HashField:
    return HashField(name, str, str, absent="")


def _count(name: str, stored_as: str = "") -> HashField:
    return HashField(name, str, int, absent=0, stored_as=stored_as)


def _flag(name: str) -> HashField:
    return HashField(name, lambda value: "1" if value else "", bool, absent=False)


def _options(name: str) -> HashField:
    return HashField(name, options_text, AnalysisOptions.read, absent=DEFAULTS)


def _time(name: str) -> HashField:
    return HashField(name, datetime.isoformat, datetime.fromisoformat)


DELIVERIES = TypeAdapter(tuple[Delivery, ...])

FIELDS = (
    HashField("status", str, JobStatus),
    _time("created_at"),
    HashField("progress", progress_text, float),
    _time("started_at"),
    _time("ended_at"),
    _time("expires_at"),
    HashField("faces", str, int),
    _count("size"),
    _text("sha256"),
    _text("owner"),
    HashField("index_keys", " ".join, lambda text: tuple(text.split()), absent=(), stored_as="claims"),
    HashField("work", Work.model_dump_json, Work.read),
    _count("events"),
    _count("windows"),
    _count("attempts"),
    _count("deferrals", stored_as="put_off"),
    _text("webhook"),
    HashField("deliveries", deliveries_text, read_deliveries, absent=()),
    _flag("annotate"),
    _flag("blur"),
    _text("edits_of"),
    _options("options"),
    _text("link"),
    _text("link_shown"),
    _text("link_sha256"),
    HashField("fetched", Fetched.model_dump_json, Fetched.read),
    _flag("metered"),
    _flag("kept"),
    HashField("priority", str, Priority, absent=Priority.INTERACTIVE),
    _text("title"),
    _text("trace"),
)
"""Every attribute but `job_id`, which is part of the key, and `error`, which takes two fields."""
