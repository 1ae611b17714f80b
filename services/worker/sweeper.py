"""The sweeper: deletes files of expired and failed jobs, and ends lost jobs."""

import logging
import time

from rq import Queue

from duygu.services.worker.context import WorkerContext
from duygu.shared.errors import CrashedError, UnavailableError
from duygu.shared.inputs.uploads.store import UploadStore
from duygu.shared.jobs.queues import holds
from duygu.shared.jobs.record import JobRecord
from duygu.shared.storage.base import RESULT, UPLOAD, StoredJob

logger = logging.getLogger(__name__)

UPLOAD_IDLE_S = 900
"""An unfinished upload is deleted when nothing was written to it for so long; the API's own timeout is far shorter."""


def sweep(context: WorkerContext, queue: Queue) -> None:
    """Delete files of expired and failed jobs and abandoned uploads, and end jobs that have lost their task."""
    unsubmitted = _sweep_uploads(context) | _sweep_exports(context)
    everything = context.jobs.refresh_index()
    for job_id in context.jobs.unfinished():
        if not holds(queue, job_id):
            _end_lost(context, job_id)
    try:
        stored = [job for job in context.storage.stored() if job.job_id not in unsubmitted]
        if not everything:
            due, known = context.jobs.due(), context.jobs.known()
            settled = {job.job_id for job in stored if _is_settled(job, context)} & known - due
            stored = [job for job in stored if job.job_id not in settled]
        records = context.jobs.read_all([job.job_id for job in stored])
    except UnavailableError as error:
        logger.warning("the sweep is skipped: %s", error.detail)
        return
    for job in stored:
        try:
            _sweep_files(context, job, records[job.job_id])
        except UnavailableError as error:  # the failure of one job does not keep the others
            logger.error("files of job %s could not be erased: %s", job.job_id, error.detail)
            context.jobs.sweep_again(job.job_id)


def _sweep_uploads(context: WorkerContext) -> set[str]:
    """Erase expired resumable uploads; the ids of those that have not become a job, whose files stay."""
    if context.uploads is None:
        return set()
    for upload in context.uploads.due():
        try:
            context.storage.abort(upload.upload_id, upload.state)
            context.uploads.erase(upload)
            logger.info("upload %s has expired; its files are erased", upload.upload_id)
        except UnavailableError as error:
            logger.error("files of upload %s could not be erased: %s", upload.upload_id, error.detail)
    open_ids = context.uploads.open_ids()
    _sweep_forgotten(context, context.uploads, open_ids)
    return open_ids


def _sweep_forgotten(context: WorkerContext, uploads: UploadStore, open_ids: set[str]) -> None:
    """Delete parts in a bucket that no record refers to: Redis lost them, or a process died during a transfer."""
    before = uploads.stale_before()
    if before is None:
        return
    try:
        for job_id in context.storage.abort_stale(before, open_ids):
            logger.info("the unfinished upload %s is unknown; its parts are deleted", job_id)
    except UnavailableError as error:
        logger.warning("unfinished uploads could not be deleted: %s", error.detail)


def _sweep_exports(context: WorkerContext) -> set[str]:
    """Erase the files of expired exports of studies; the ids of the others, whose files stay."""
    exports = context.exports
    if exports is None:
        return set()
    for export_id in exports.expired():
        try:
            context.storage.erase(export_id)
            exports.erase(export_id)
            logger.info("study export %s has expired; its files are erased", export_id)
        except UnavailableError as error:
            logger.error("files of study export %s could not be erased: %s", export_id, error.detail)
    return exports.live()


def _end_lost(context: WorkerContext, job_id: str) -> None:
    """End a job without a task: Redis was restored from an older state, or two processes crashed at once."""
    record = context.jobs.read(job_id)
    if record and not record.ended:
        logger.warning("job %s has no task and is ended", job_id)
        if context.jobs.fail(job_id, CrashedError()):
            context.metrics.jobs.labels(CrashedError.code).inc()


def _is_settled(stored: StoredJob, context: WorkerContext) -> bool:
    """Whether the job has succeeded and its upload is deleted or kept: nothing is left to do before it expires."""
    return RESULT in stored.files and (context.keep_uploads or UPLOAD not in stored.files)


def _sweep_files(context: WorkerContext, stored: StoredJob, record: JobRecord | None) -> None:
    if record is None:
        if RESULT in stored.files or time.time() - stored.written_at > UPLOAD_IDLE_S:
            logger.info("job %s has expired; its files are erased", stored.job_id)
            context.storage.erase(stored.job_id)
    elif record.ended_without_result:
        context.storage.erase(stored.job_id)
    elif record.ended and UPLOAD in stored.files and not context.keep_uploads:
        context.storage.remove(stored.job_id, UPLOAD)
