"""Clearing away what crashes and expiry leave behind."""

import logging
import time

from rq import Queue

from duygu.services.worker.context import Workplace
from duygu.shared.errors import CrashedError, UnavailableError
from duygu.shared.jobs.queues import holds
from duygu.shared.jobs.record import JobRecord
from duygu.shared.storage.base import RESULT, UPLOAD, StoredJob

logger = logging.getLogger(__name__)

UPLOAD_IDLE_S = 900
"""An upload that nothing was added to for so long does not arrive any more; the API waits far shorter."""


def sweep(place: Workplace, queue: Queue) -> None:
    """Erase what is left of jobs that have expired or failed, uploads that nobody waits for, and end lost jobs."""
    everything = place.jobs.refresh_index()
    for job_id in place.jobs.unfinished():
        if not holds(queue, job_id):
            _end_lost(place, job_id)
    try:
        stored = place.storage.stored()
        if not everything:
            due, known = place.jobs.due(), place.jobs.known()
            stored = [job for job in stored if job.job_id in due or job.job_id not in known or not _is_settled(job)]
        records = place.jobs.read_all([job.job_id for job in stored])
    except UnavailableError as error:
        logger.warning("nothing is swept up: %s", error.detail)
        return
    for job in stored:
        try:
            _sweep_files(place, job, records[job.job_id])
        except UnavailableError as error:  # that of one job does not keep the others
            logger.error("files of job %s could not be erased: %s", job.job_id, error.detail)
            place.jobs.look_again(job.job_id)


def _end_lost(place: Workplace, job_id: str) -> None:
    """A job without a task: Redis was brought back from an older state, or two programs crashed at once."""
    record = place.jobs.read(job_id)
    if record and not record.ended:
        logger.warning("job %s was lost; it is ended", job_id)
        if place.jobs.fail(job_id, CrashedError()):
            place.metrics.jobs.labels(CrashedError.code).inc()


def _is_settled(stored: StoredJob) -> bool:
    """Whether the files are those of a job that has succeeded, so that nothing is to be done before it expires."""
    return RESULT in stored.files and UPLOAD not in stored.files


def _sweep_files(place: Workplace, stored: StoredJob, record: JobRecord | None) -> None:
    if record is None:
        if RESULT in stored.files or time.time() - stored.written_at > UPLOAD_IDLE_S:
            logger.info("job %s has expired; its files are erased", stored.job_id)
            place.storage.erase(stored.job_id)
    elif record.in_vain:
        place.storage.erase(stored.job_id)
    elif record.ended and UPLOAD in stored.files:
        place.storage.remove(stored.job_id, UPLOAD)
