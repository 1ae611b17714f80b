"""Clearing away what crashes and expiry leave behind."""

import logging

from rq import Queue

from services.worker.tasks import tidy
from services.worker.workplace import Workplace
from shared.errors import CrashedError
from shared.queues import holds
from shared.storage import RESULT

logger = logging.getLogger(__name__)

UPLOAD_IDLE_S = 900
"""An upload that nothing was added to for so long does not arrive any more; the API waits far shorter."""


def sweep(place: Workplace, queue: Queue) -> None:
    """Erase results whose jobs have expired, uploads that nobody waits for, and jobs that nobody will ever end."""
    for job_id in place.jobs.unfinished():
        if not holds(queue, job_id):
            _end_lost(place, job_id)
    for job_id in place.storage.job_ids():
        try:
            _sweep_folder(place, job_id)
        except FileNotFoundError:
            continue  # somebody else has just erased it


def _end_lost(place: Workplace, job_id: str) -> None:
    """A job without a task: Redis was brought back from an older state, or two programs crashed at once."""
    record = place.jobs.read(job_id)
    if record and not record.ended:
        logger.warning("job %s was lost; it is ended", job_id)
        place.jobs.fail(job_id, CrashedError())


def _sweep_folder(place: Workplace, job_id: str) -> None:
    record = place.jobs.read(job_id)
    if record is not None:
        if record.ended:
            tidy(place, job_id)
    elif place.storage.has(job_id, RESULT) or place.storage.idle_s(job_id) > UPLOAD_IDLE_S:
        logger.info("job %s has expired; its files are erased", job_id)
        place.storage.erase(job_id)
