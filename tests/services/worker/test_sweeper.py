"""The sweeper deletes what crashed processes leave."""

import os
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from redis import Redis

from duygu.services.worker.context import WorkerContext
from duygu.services.worker.model_worker import SWEEPING, SWEPT, ModelWorker
from duygu.services.worker.sweeper import UPLOAD_IDLE_S, sweep
from duygu.services.worker.videos.tasks import tidy
from duygu.shared.broker import keys
from duygu.shared.errors import CrashedError, EraseFailedError
from duygu.shared.jobs.edits import EditStore
from duygu.shared.jobs.queues import QueueName, enqueue_video, open_queue
from duygu.shared.jobs.record import JobRecord, new_job_id
from duygu.shared.jobs.store import JobStore
from duygu.shared.schemas.job import JobStatus
from duygu.shared.storage.base import ANNOTATED_VIDEO, PLOT, RESULT, UPLOAD
from duygu.shared.storage.folder import PARTIAL, FolderStorage
from tests.support.workers.scripted_worker import analyze


@pytest.fixture
def place(redis: Redis, tmp_path: Path) -> WorkerContext:
    """A worker context without jobs."""
    return WorkerContext(JobStore(redis, 60), FolderStorage(tmp_path), EditStore(redis), analyze)


def add(place: WorkerContext, redis: Redis, *, task: bool = True) -> str:
    """Create a queued job with an upload, with or without a task."""
    job_id = new_job_id()
    with redis.pipeline() as pipeline:
        pipeline.multi()
        place.jobs.create(JobRecord(job_id, JobStatus.QUEUED, datetime.now(UTC)), pipeline)
        if task:
            enqueue_video(open_queue(redis, QueueName.VIDEOS), job_id, 60, pipeline)
        pipeline.execute()
    store(place, job_id, UPLOAD)
    return job_id


def store(place: WorkerContext, job_id: str, name: str) -> None:
    """Write a file of a job."""
    with place.storage.writer(job_id, name) as file:
        file.write(b"x")


def held(place: WorkerContext, job_id: str) -> frozenset[str]:
    """Return the names of a job's files."""
    return next(job.files for job in place.storage.stored() if job.job_id == job_id)


def swept(place: WorkerContext, redis: Redis) -> None:
    """Sweep once."""
    sweep(place, open_queue(redis, QueueName.VIDEOS))


def test_what_is_wanted_stays(place: WorkerContext, redis: Redis, tmp_path: Path) -> None:
    """A sweep keeps the upload of a waiting job, a result that has not expired, and an upload in progress."""
    waiting, done, arriving = add(place, redis), add(place, redis), new_job_id()
    place.jobs.begin(done)
    place.storage.remove(done, UPLOAD)
    store(place, done, RESULT)
    place.jobs.succeed(done, 3)
    (tmp_path / arriving).mkdir()
    (tmp_path / arriving / f"{UPLOAD}{PARTIAL}").write_bytes(b"x")
    swept(place, redis)
    assert held(place, waiting) == {UPLOAD}
    assert held(place, done) == {RESULT}
    assert (tmp_path / arriving / f"{UPLOAD}{PARTIAL}").exists()


def test_expired_results_go(place: WorkerContext, redis: Redis) -> None:
    """When a job expires in Redis, a sweep deletes its files and its entry in the list."""
    job_id = add(place, redis)
    store(place, job_id, RESULT)
    redis.delete(keys.job(job_id))
    swept(place, redis)
    assert place.storage.stored() == []
    assert redis.zcard(keys.JOBS) == 0


def test_uploads_that_broke_off_go(place: WorkerContext, redis: Redis, tmp_path: Path) -> None:
    """A sweep deletes an upload that an API left when it was killed."""
    job_id = new_job_id()
    (tmp_path / job_id).mkdir()
    partial = tmp_path / job_id / f"{UPLOAD}{PARTIAL}"
    partial.write_bytes(b"x")
    long_ago = time.time() - UPLOAD_IDLE_S - 1
    for path in (partial, tmp_path / job_id):
        os.utime(path, (long_ago, long_ago))
    swept(place, redis)
    assert place.storage.stored() == []


def test_files_that_cannot_be_erased_do_not_keep_the_others(
    place: WorkerContext, redis: Redis, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A job whose files cannot be erased is logged, the others are erased, and the next sweep retries."""
    jobs = [new_job_id() for _ in range(3)]
    for job_id in jobs:
        store(place, job_id, RESULT)
    erase = FolderStorage.erase

    def failing(storage: FolderStorage, job_id: str) -> None:
        if job_id == jobs[1]:
            raise EraseFailedError
        erase(storage, job_id)

    with monkeypatch.context() as patch:
        patch.setattr(FolderStorage, "erase", failing)
        swept(place, redis)
    assert [job.job_id for job in place.storage.stored()] == [jobs[1]]
    assert any(jobs[1] in message for message in caplog.messages)
    swept(place, redis)
    assert place.storage.stored() == []


def test_uploads_of_ended_jobs_go(place: WorkerContext, redis: Redis) -> None:
    """A sweep deletes the upload that a worker left when it was killed after the end of a job."""
    job_id = add(place, redis)
    place.jobs.begin(job_id)
    store(place, job_id, RESULT)
    place.jobs.succeed(job_id, 3)
    swept(place, redis)
    assert held(place, job_id) == {RESULT}


def test_failed_jobs_keep_nothing(place: WorkerContext, redis: Redis, tmp_path: Path) -> None:
    """A sweep deletes the partial annotated video and the plot of a failed job."""
    job_id = add(place, redis)
    place.jobs.begin(job_id)
    store(place, job_id, PLOT)
    (tmp_path / job_id / f"{ANNOTATED_VIDEO}{PARTIAL}").write_bytes(b"x")
    place.jobs.fail(job_id, CrashedError())
    swept(place, redis)
    assert list(tmp_path.iterdir()) == []


def test_lost_jobs_end(place: WorkerContext, redis: Redis) -> None:
    """A job without a task fails, and its upload is deleted."""
    lost, waiting = add(place, redis, task=False), add(place, redis)
    swept(place, redis)
    record = place.jobs.read(lost)
    assert record
    assert record.error
    assert record.error.code == "crashed"
    assert place.metrics.registry.get_sample_value("duygu_jobs_total", {"code": "crashed"}) == 1
    assert [job.job_id for job in place.storage.stored()] == [waiting]


def test_kept_results_cost_nothing(place: WorkerContext, redis: Redis) -> None:
    """The cost of a sweep does not depend on the number of kept results; each is deleted when it expires."""
    jobs = [add(place, redis) for _ in range(60)]
    for job_id in jobs:
        place.jobs.begin(job_id)
        place.storage.remove(job_id, UPLOAD)
        store(place, job_id, RESULT)
        place.jobs.succeed(job_id, 3)
    swept(place, redis)  # the first sweep examines all jobs
    before = redis.info("stats")["total_commands_processed"]
    swept(place, redis)
    assert redis.info("stats")["total_commands_processed"] - before < 10
    redis.delete(keys.job(jobs[0]))  # it has expired
    redis.zadd(keys.SWEEP_DUE, {keys.listing(jobs[0], ""): 1})
    swept(place, redis)
    assert {job.job_id for job in place.storage.stored()} == set(jobs[1:])
    assert place.jobs.known() == set(jobs[1:])
    assert redis.zcard(keys.SWEEP_DUE) == 59


def test_a_failed_erasure_is_retried(place: WorkerContext, redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files that could not be erased are erased by a later sweep."""
    job_id = add(place, redis)
    store(place, job_id, RESULT)
    place.storage.remove(job_id, UPLOAD)
    swept(place, redis)
    place.jobs.fail(job_id, CrashedError())
    with monkeypatch.context() as failing:
        failing.setattr(FolderStorage, "erase", lambda *_: (_ for _ in ()).throw(EraseFailedError()))
        tidy(place, job_id)
        swept(place, redis)
    assert len(place.storage.stored()) == 1
    swept(place, redis)
    assert place.storage.stored() == []


def test_many_jobs_are_read_in_one_round_trip(place: WorkerContext, redis: Redis) -> None:
    """A sweep needs fewer round trips to Redis than there are jobs."""
    job_ids, now = [new_job_id() for _ in range(50)], datetime.now(UTC)
    with redis.pipeline() as pipeline:
        for job_id in job_ids:
            place.jobs.create(JobRecord(job_id, JobStatus.SUCCEEDED, now, ended_at=now), pipeline)
            store(place, job_id, RESULT)
        pipeline.execute()
    before = redis.info("stats")["total_reads_processed"]
    swept(place, redis)
    assert redis.info("stats")["total_reads_processed"] - before < 25
    assert {job.job_id for job in place.storage.stored()} == set(job_ids)


def test_workers_for_live_sessions_sweep_only_without_other_workers(place: WorkerContext, redis: Redis) -> None:
    """Workers for live sessions sweep only when no other worker has swept for a while."""
    videos, streams = (ModelWorker(open_queue(redis, name), place, 0) for name in (QueueName.VIDEOS, QueueName.LIVE))
    store(place, new_job_id(), RESULT)
    streams.clean_registries()
    assert place.storage.stored() == []
    store(place, new_job_id(), RESULT)
    redis.delete(SWEEPING)  # it has expired
    streams.clean_registries()
    assert len(place.storage.stored()) == 1
    videos.clean_registries()
    assert place.storage.stored() == []
    store(place, new_job_id(), RESULT)
    redis.delete(SWEEPING, SWEPT)
    streams.clean_registries()
    assert place.storage.stored() == []
