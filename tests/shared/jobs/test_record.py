"""The record of a job and the Redis hash that stores it."""

from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from duygu.shared.errors import DuyguError, NoVideoStreamError, by_code, from_code
from duygu.shared.jobs.record import FIELDS, JobRecord
from duygu.shared.schemas.job import Delivery, Fetched, JobStatus, Work
from duygu.shared.schemas.options import AnalysisOptions

JOB = "a" * 32

TIMES = st.datetimes(timezones=st.just(UTC))
COUNTS = st.integers(0, 2**53)
SECONDS = st.floats(0, 1e9)
TEXTS = st.text()
WORK = st.builds(
    Work,
    time_s=SECONDS,
    duration_s=st.none() | SECONDS,
    frames_analysed=COUNTS,
    speed=SECONDS,
    time_left_s=st.none() | SECONDS,
)
DELIVERY = st.builds(Delivery, attempted_at=TIMES, status=st.none() | st.integers(100, 599), error=st.none() | TEXTS)

RECORDS = st.builds(
    JobRecord,
    job_id=st.just(JOB),
    status=st.sampled_from(JobStatus),
    created_at=TIMES,
    progress=st.none() | st.integers(0, 10_000).map(lambda share: share / 10_000),
    started_at=st.none() | TIMES,
    ended_at=st.none() | TIMES,
    expires_at=st.none() | TIMES,
    faces=st.none() | COUNTS,
    error=st.none() | st.builds(from_code, st.sampled_from(sorted(by_code())), TEXTS),
    size=COUNTS,
    sha256=TEXTS,
    owner=TEXTS,
    index_keys=st.lists(st.from_regex(r"\A[!-~]+\Z")).map(tuple),
    work=st.none() | WORK,
    events=COUNTS,
    windows=COUNTS,
    attempts=COUNTS,
    deferrals=COUNTS,
    webhook=TEXTS,
    deliveries=st.lists(DELIVERY).map(tuple),
    annotate=st.booleans(),
    trace=TEXTS,
    link=TEXTS,
    fetched=st.none() | st.builds(Fetched, fetched_bytes=COUNTS, size_bytes=st.none() | COUNTS),
    metered=st.booleans(),
    options=st.builds(
        AnalysisOptions, every_s=st.none() | st.floats(1, 1e9), labels=st.none() | st.just(("anger", "fear"))
    ),
)


def values(record: JobRecord) -> dict[str, Any]:
    """Return every attribute. An error is represented by its type and detail, as exceptions compare by identity."""
    found = {field.name: getattr(record, field.name) for field in fields(record)}
    error = record.error
    return {**found, "error": error and (type(error), error.detail)}


@given(record=RECORDS)
def test_a_record_survives_the_hash(record: JobRecord) -> None:
    """Reading the hash of a record gives an equal record, whatever its attributes are."""
    assert values(JobRecord.from_hash(JOB, record.to_hash())) == values(record)


def test_every_attribute_has_a_field() -> None:
    """Every attribute of the record has a field in the hash."""
    assert {field.name for field in FIELDS} | {"job_id", "error"} == {field.name for field in fields(JobRecord)}


def test_an_old_hash_stays_readable() -> None:
    """A hash of version 0.1, with its field names and with empty fields for unknown values, is read in full."""
    created = datetime(2026, 11, 1, 12, tzinfo=UTC)
    stored = {
        "status": "failed",
        "created_at": created.isoformat(),
        "progress": "",
        "started_at": "",
        "ended_at": created.isoformat(),
        "sha256": "f" * 64,
        "size": "7",
        "owner": "",
        "claims": "duygu:idempotency:1 duygu:twin:2",
        "webhook": "",
        "annotate": "",
        "trace": "",
        "put_off": "2",
        "deliveries": '[{"attempted_at": "2026-11-01T12:00:00Z", "status": 200, "error": null}]',
        "error": "no_video_stream",
        "detail": "the file has no video stream",
    }
    record = JobRecord.from_hash(JOB, stored)
    assert (record.progress, record.started_at, record.ended_at, record.expires_at) == (None, None, created, None)
    assert (record.index_keys, record.deferrals) == (("duygu:idempotency:1", "duygu:twin:2"), 2)
    assert (record.annotate, record.faces, record.work) == (False, None, None)
    assert record.deliveries == (Delivery(attempted_at=created, status=200),)
    assert isinstance(record.error, NoVideoStreamError)


def test_an_unknown_error_code_stays_readable() -> None:
    """An unknown error code is read as the general error, with its detail."""
    stored = {"status": "failed", "created_at": datetime.now(UTC).isoformat(), "error": "from_later", "detail": "why"}
    error = JobRecord.from_hash(JOB, stored).error
    assert (type(error), error and error.detail) == (DuyguError, "why")
