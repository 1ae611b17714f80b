"""The tasks for videos and live sessions. shared/jobs/queues.py names them; rq calls them with the job's arguments."""

import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from duygu.services.worker.context import JobContext, WorkerContext, current_job
from duygu.services.worker.control import DeferredError, RequeuedError
from duygu.services.worker.failures import FAILURES, error_of
from duygu.services.worker.videos.baseline import baseline_of_job
from duygu.services.worker.videos.edited import edited_result_of
from duygu.services.worker.videos.fetching import fetch_video
from duygu.services.worker.videos.parts import VideoInParts
from duygu.services.worker.videos.reporter import Reporter
from duygu.services.worker.videos.stages import Stages
from duygu.shared.baselines.recordings import with_recorded_baseline
from duygu.shared.errors import (
    CancelledError,
    DuyguError,
    StorageAwayError,
    UnavailableError,
    UploadMissingError,
)
from duygu.shared.jobs.queues import STORAGE_PAUSES_S
from duygu.shared.jobs.record import JobRecord
from duygu.shared.runtime.telemetry.logs import about
from duygu.shared.schemas.packed import unpacked
from duygu.shared.schemas.result import Result, with_sha256
from duygu.shared.schemas.result_json import json_chunks
from duygu.shared.storage.base import ANNOTATED_VIDEO, BLURRED_VIDEO, PLOT, RESULT, UPLOAD, part_file

logger = logging.getLogger(__name__)


def analyze_video(job_id: str) -> None:
    """Analyse the upload of a job, store the result, and delete the upload in any case.

    Raises RequeuedError when the worker shuts down and DeferredError when the storage is unavailable; any other error
    is written into the job's record.
    """
    job = current_job()
    with about(job_id=job_id):
        record = job.worker.jobs.begin(job_id)
        if record is not None:
            with job.worker.traces.span("job", record.trace, job_id=job_id, attempt=record.attempts):
                _run(job, record)
        tidy(job.worker, job_id)


def drain_live_sessions() -> None:
    """Serve live sessions until none is ready."""
    job = current_job()
    if job.worker.live:
        job.worker.live.drain(job.control.should_stop)


def _run(job: JobContext, record: JobRecord) -> None:
    jobs, metrics, traces = job.worker.jobs, job.worker.metrics, job.worker.traces
    if record.attempts == 1 and record.started_at:
        waited_s = (record.started_at - record.created_at).total_seconds()
        metrics.seconds.labels("wait").observe(waited_s)
        traces.note(waited_s=waited_s)
    reporter = Reporter(jobs, record, job.control)
    error = _attempt(job, record, reporter)
    if isinstance(error, RequeuedError):
        jobs.requeue(record.job_id)
        raise error
    if isinstance(error, UnavailableError):
        error = _defer(job, record)
    reporter.flush()
    if error is None:
        jobs.succeed(record.job_id, reporter.next_number, reporter.done, reporter.faces)
    else:
        jobs.fail(record.job_id, error, reporter.next_number)
        traces.fail(error.code)
    metrics.jobs.labels(error.code if error else "succeeded").inc()
    logger.info("the job has ended: %s", error.code if error else "succeeded")


def _defer(job: JobContext, record: JobRecord) -> DuyguError:
    """The storage is unavailable: defer the job, or return the error of a job that was deferred too often.

    Raises DeferredError.
    """
    if record.deferrals >= len(STORAGE_PAUSES_S):
        return StorageAwayError()
    if not job.worker.jobs.requeue(record.job_id, record.deferrals + 1):
        return CancelledError()
    job.control.defer_s = STORAGE_PAUSES_S[record.deferrals]
    logger.warning("the storage is unavailable; the job is deferred for %s s", job.control.defer_s)
    raise DeferredError


def tidy(worker: WorkerContext, job_id: str) -> None:
    """Delete parts and upload of a job that succeeded, and all files of one that failed or was erased meanwhile."""
    try:
        for number in range(worker.video_parts.store.forget(job_id) if worker.video_parts else 0):
            worker.storage.remove(job_id, part_file(number))
        record = worker.jobs.read(job_id)
        if record is None or record.ended_without_result:
            worker.storage.erase(job_id)
        elif not worker.keep_uploads:
            worker.storage.remove(job_id, UPLOAD)
    except UnavailableError as error:
        logger.warning("the sweeper will delete the files of job %s: %s", job_id, error.detail)
        worker.jobs.sweep_again(job_id)


def _attempt(job: JobContext, record: JobRecord, reporter: Reporter) -> DuyguError | RequeuedError | None:
    """Run the job once; the error, or None."""
    try:
        _analyze(job, record, reporter)
    except CancelledError as error:
        return RequeuedError() if job.control.requeueing else error
    except FAILURES as failure:
        return error_of(failure)
    except Exception:
        if job.control.cancelled:  # its files were erased while it ran
            return CancelledError()
        logger.exception("job %s failed with an internal error", record.job_id)
        return DuyguError()
    return None


def _analyze(job: JobContext, record: JobRecord, reporter: Reporter) -> None:
    job_id, worker = record.job_id, job.worker
    recorded = baseline_of_job(worker, record.options)
    shown = edited_result_of(worker, record)
    sha256 = fetch_video(job, record, reporter)
    stages = Stages(reporter.progress, annotate=record.annotate, fetched=bool(record.link_shown), blur=record.blur)
    with _upload(worker, job_id) as path:
        with worker.stage("analyze"):
            result = _analyzed(job, record, path, stages, reporter)
        result = with_sha256(result, sha256)
        result = with_recorded_baseline(result, recorded) if recorded else result
        _illustrate(job, path, result, stages, shown)
    with worker.stage("store"), worker.storage.writer(job_id, RESULT) as file:
        file.writelines(json_chunks(result))
    worker.metrics.count(result)
    reporter.finish(result)


def _analyzed(job: JobContext, record: JobRecord, path: Path, stages: Stages, reporter: Reporter) -> Result:
    """The result of the video, which is analysed in parts where that is faster."""
    parts = job.worker.video_parts
    if parts:
        whole = VideoInParts(job, parts, record, stages.analysed, reporter.window)
        if result := whole.analyze(path):
            return result
    return job.worker.analyze(
        path,
        options=record.options,
        job_id=record.job_id,
        on_progress=stages.analysed,
        on_window=reporter.window,
        should_stop=job.control.should_stop,
    )


@contextmanager
def _upload(worker: WorkerContext, job_id: str) -> Iterator[Path]:
    with ExitStack() as lent:
        try:
            with worker.stage("fetch"):
                path = lent.enter_context(worker.storage.local(job_id, UPLOAD))
        except FileNotFoundError as error:
            raise UploadMissingError from error
        yield path


def _illustrate(job: JobContext, video: Path, result: Result, stages: Stages, edited: Result | None) -> None:
    """Store the pictures of a result: the plot always, videos on request. The annotated one shows `edited` if given."""
    renderer, storage, job_id = job.worker.renderer, job.worker.storage, str(result.job_id)
    if renderer is None:
        return
    with storage.writer(job_id, PLOT) as file:
        file.write(renderer.plot(result))
    if stages.annotate:
        with job.worker.stage("annotate"), storage.place(job_id, ANNOTATED_VIDEO) as target:
            renderer.annotate(
                video,
                unpacked(edited) if edited else result,  # boxes are looked up by time, which packed ones are slow for
                target,
                on_progress=lambda share: stages.annotating(share, result),
                should_stop=job.control.should_stop,
            )
    if stages.blur:
        with job.worker.stage("blur"), storage.place(job_id, BLURRED_VIDEO) as target:
            renderer.blur(
                video,
                result,
                target,
                on_progress=lambda share: stages.blurring(share, result),
                should_stop=job.control.should_stop,
            )
