"""The life of a job in Redis."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from redis import Redis

from duygu.shared.broker import keys
from duygu.shared.errors import CancelledError, NoVideoStreamError
from duygu.shared.jobs.record import JobRecord
from duygu.shared.jobs.store import Event, JobStore
from duygu.shared.schemas.job import JobStatus

JOB, OTHER, THIRD = "a" * 32, "b" * 32, "c" * 32


@pytest.fixture
def jobs(redis: Redis) -> JobStore:
    """A store with one queued job."""
    store = JobStore(redis, result_ttl=60)
    add(store, redis, JobRecord(JOB, JobStatus.QUEUED, datetime.now(UTC), size=7, sha256="f" * 64))
    return store


def add(jobs: JobStore, redis: Redis, record: JobRecord) -> None:
    """Store a job."""
    with redis.pipeline() as pipeline:
        jobs.create(record, pipeline)
        pipeline.execute()


def names(redis: Redis) -> list[str]:
    """Return the names of the job's events in order."""
    entries: Any = redis.xrange(keys.events(JOB))
    return [fields[b"event"].decode() for _, fields in entries]


def read(jobs: JobStore) -> JobRecord:
    """Return the record of the job, which must exist."""
    record = jobs.read(JOB)
    assert record
    return record


def test_from_waiting_to_success(jobs: JobStore, redis: Redis) -> None:
    """Each step of a job adds one event in order, and the record has the times."""
    assert (read(jobs).status, read(jobs).size, read(jobs).sha256) == (JobStatus.QUEUED, 7, "f" * 64)
    begun = jobs.begin(JOB)
    assert begun
    assert (begun.status, begun.attempts) == (JobStatus.RUNNING, 1)
    assert jobs.report(JOB, {"progress": "0.5000"}, Event(begun.events + 1, "progress", {"progress": 0.5}))
    assert read(jobs).progress == 0.5
    assert (read(jobs).expires_at, read(jobs).faces) == (None, None)
    assert jobs.succeed(JOB, begun.events + 2, faces=3)
    ended = read(jobs)
    assert ended.ended_at
    assert (ended.expires_at, ended.faces) == (ended.ended_at + timedelta(seconds=60), 3)
    assert read(jobs).progress == 1.0
    assert names(redis) == ["queued", "started", "progress", "succeeded"]
    assert 0 < redis.ttl(keys.job(JOB)) <= 60


def test_a_restart_repeats_no_event(jobs: JobStore, redis: Redis) -> None:
    """A job that begins again keeps its first start, and a repeated event is ignored."""
    first = jobs.begin(JOB)
    assert first
    event = Event(first.events + 1, "progress", {})
    assert jobs.report(JOB, {}, event)
    second = jobs.begin(JOB)
    assert second
    assert (second.attempts, second.started_at) == (2, first.started_at)
    assert jobs.report(JOB, {}, event)
    assert names(redis) == ["queued", "started", "progress"]


def test_an_ended_job_stays_as_it_ended(jobs: JobStore) -> None:
    """A job that has ended does not change."""
    jobs.begin(JOB)
    assert jobs.fail(JOB, NoVideoStreamError())
    error = read(jobs).error
    assert error
    assert error.code == "no_video_stream"
    assert not jobs.report(JOB, {"progress": "0.9"})
    assert not jobs.succeed(JOB, 9)
    assert not jobs.fail(JOB, CancelledError())
    assert not jobs.requeue(JOB)
    assert jobs.begin(JOB) is None
    assert read(jobs).status == JobStatus.FAILED


def test_erasing_leaves_no_key(jobs: JobStore, redis: Redis) -> None:
    """Erasing a job in any state leaves no key, and may be repeated."""
    jobs.begin(JOB)
    jobs.erase(JOB)
    jobs.erase(JOB)
    assert redis.keys("duygu:*") == []
    assert jobs.begin(JOB) is None
    assert redis.keys("duygu:*") == []


def test_erasing_ends_a_job_that_publishes_events(jobs: JobStore, redis: Redis) -> None:
    """When a worker reports an event during the erasure, `cancelled` is the last event and no key remains."""

    class TellingMeanwhile(JobStore):
        def read(self, job_id: str) -> JobRecord | None:
            record = super().read(job_id)
            if record and not record.ended:
                assert jobs.report(JOB, {}, Event(record.events + 1, "progress", {}))
            return record

        def _apply(self, job_id: str, *change: Any) -> bool:
            applied = super()._apply(job_id, *change)
            assert names(redis)[-1] == "cancelled"
            return applied

    jobs.begin(JOB)
    TellingMeanwhile(redis, 60).erase(JOB)
    assert redis.keys("duygu:*") == []


def test_a_requeued_job_waits(jobs: JobStore) -> None:
    """A requeued job waits and is begun again by the next worker."""
    jobs.begin(JOB)
    assert jobs.requeue(JOB)
    assert read(jobs).status == JobStatus.QUEUED
    assert jobs.begin(JOB)


def test_expired_jobs_leave_every_list(jobs: JobStore, redis: Redis) -> None:
    """An expired job is removed from all lists; other jobs stay."""
    assert jobs.unfinished() == [JOB]
    redis.delete(keys.job(JOB))
    add(jobs, redis, JobRecord(OTHER, JobStatus.QUEUED, datetime.now(UTC), owner="somebody"))
    assert jobs.unfinished() == [OTHER]
    assert redis.zrange(keys.JOBS, 0, -1) == redis.zrange(keys.jobs_of("somebody"), 0, -1) == [OTHER.encode()]
    assert not redis.exists(keys.jobs_of(""), keys.unfinished(""))
    assert redis.smembers(keys.unfinished("somebody")) == {OTHER.encode()}


MONTH_S = 30 * 24 * 3600


def test_a_list_lives_as_long_as_its_jobs(redis: Redis) -> None:
    """The list of jobs lives as long as its jobs, also without new submissions."""
    store = JobStore(redis, MONTH_S)
    add(store, redis, JobRecord(JOB, JobStatus.QUEUED, datetime.now(UTC), owner="somebody"))
    redis.expire(keys.jobs_of("somebody"), 3600)  # as set by an earlier version
    store.fail(JOB, CancelledError())
    assert redis.ttl(keys.jobs_of("somebody")) == redis.ttl(keys.job(JOB)) == MONTH_S


def test_a_page_is_read_in_one_pipeline(jobs: JobStore, redis: Redis) -> None:
    """The records of a page are read in one pipeline, whatever their number."""
    for number in range(100):
        add(jobs, redis, JobRecord(f"{number:032x}", JobStatus.QUEUED, datetime.now(UTC)))
    before = redis.info("stats")["total_reads_processed"]
    records, _ = jobs.page(None, None, 100)
    assert redis.info("stats")["total_reads_processed"] - before <= 4
    assert len(records) == 100


def test_what_is_unfinished_is_found_without_a_search(jobs: JobStore, redis: Redis) -> None:
    """Unfinished jobs are found without scanning keys and without reading the records of ended jobs."""
    for number in range(50):
        add(jobs, redis, JobRecord(f"{number:032x}", JobStatus.QUEUED, datetime.now(UTC)))
        jobs.fail(f"{number:032x}", CancelledError())
    before = redis.info("commandstats")
    assert jobs.unfinished() == [JOB]
    after = redis.info("commandstats")
    assert not [name for name in after if "scan" in name and after[name] != before.get(name)]
    assert after["cmdstat_hgetall"]["calls"] - before.get("cmdstat_hgetall", {"calls": 0})["calls"] == 1


def test_jobs_of_an_earlier_version_are_indexed_once(jobs: JobStore, redis: Redis) -> None:
    """Jobs of an earlier version, which had no indexes, are indexed once; ended ones are swept when they expire."""
    add(jobs, redis, JobRecord(OTHER, JobStatus.QUEUED, datetime.now(UTC), owner="somebody"))
    jobs.fail(OTHER, CancelledError())
    redis.delete(keys.UNFINISHED, keys.SWEEP_DUE)
    redis.hdel(keys.job(OTHER), "expires_at")
    assert jobs.refresh_index()
    assert not jobs.refresh_index()
    assert jobs.unfinished() == [JOB]
    assert jobs.due() == set()
    due: Any = redis.zscore(keys.SWEEP_DUE, keys.listing(OTHER, "somebody"))
    assert 50 < due - time.time() <= 60


def test_an_index_key_lives_with_the_job_that_it_names(jobs: JobStore, redis: Redis) -> None:
    """A key that names a later job keeps its time to live when the earlier job ends."""
    for job_id in (OTHER, THIRD):
        add(jobs, redis, JobRecord(job_id, JobStatus.QUEUED, datetime.now(UTC), index_keys=("claim",)))
    jobs.fail(OTHER, CancelledError())
    assert redis.ttl("claim") > 60
    jobs.fail(THIRD, CancelledError())
    assert redis.ttl("claim") <= 60
