"""The first stage of a job that was submitted as a link: fetching its video into the storage."""

import logging

from duygu.services.worker.context import JobContext
from duygu.services.worker.videos.reporter import Reporter
from duygu.shared.errors import LinkRefusedError, StorageFullError
from duygu.shared.inputs.links.fetching import Fetched, fetch
from duygu.shared.inputs.links.link import parse_link
from duygu.shared.jobs.record import JobRecord
from duygu.shared.storage.base import UPLOAD

logger = logging.getLogger(__name__)


def fetch_video(job: JobContext, record: JobRecord, reporter: Reporter) -> str:
    """Store the video of a job's link as its upload, unless an earlier attempt has done so; returns its sha256.

    Raises the errors of `fetch`, StorageFullError, and CancelledError when the job has to stop.
    """
    if not record.link or record.sha256:
        return record.sha256
    with job.worker.stage("fetch_link"):
        fetched = _fetch(job, record, reporter)
    reporter.fetched(fetched.size, fetched.sha256)
    job.worker.metrics.fetched_bytes.inc(fetched.size)
    job.worker.jobs.count_fetched(record, fetched.size)
    logger.info("the link was fetched: %s bytes", fetched.size)
    return fetched.sha256


def _fetch(job: JobContext, record: JobRecord, reporter: Reporter) -> Fetched:
    worker, rules = job.worker, job.worker.fetch_rules
    if rules is None:
        raise LinkRefusedError("This worker fetches no links")

    def check_space(size: int) -> None:
        if worker.storage.free_bytes() < size + worker.min_free_bytes:
            raise StorageFullError

    with worker.storage.writer(record.job_id, UPLOAD) as file:
        return fetch(
            parse_link(record.link),
            file,
            rules,
            on_size=check_space,
            on_progress=reporter.fetching,
            should_stop=job.control.should_stop,
        )
