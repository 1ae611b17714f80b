"""Admission of a submission: queue, disk space and the quotas of the caller."""

import logging
from dataclasses import dataclass

from duygu.services.api.service import ServiceContext
from duygu.services.api.videos.submission import Submission, submit
from duygu.shared.broker import keys
from duygu.shared.config.api_keys import Caller
from duygu.shared.config.settings import MB
from duygu.shared.errors import (
    IdempotencyMismatchError,
    QueueFullError,
    RateLimitedError,
    StorageFullError,
    UnavailableError,
)
from duygu.shared.jobs.queues import waiting
from duygu.shared.jobs.quotas import Charge, charge, count_bytes, count_upload, refund
from duygu.shared.jobs.record import JobRecord

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Admission:
    """An upload that may begin."""

    charged: Charge | None = None  # quota of the caller that is used already
    repeats: bool = False  # its `Idempotency-Key` belongs to a job, so it is presumed to be a free repetition


def admit(service: ServiceContext, caller: Caller, size: int, idempotency_key: str | None) -> Admission:
    """Check queue, disk space and quotas before the body is read, and count the upload.

    size  declared size of the body; 0 without

    A repetition creates no job: neither a full queue nor a quota applies to it.
    """
    known = idempotency_key is not None and service.jobs.find_by_index_key(
        keys.idempotency(caller.name, idempotency_key)
    )
    if not known:
        require_place(service)
    require_space(service, size)
    return Admission(repeats=True) if known else Admission(count_upload(service.redis, caller))


def require_space(service: ServiceContext, size: int) -> None:
    """Raise StorageFullError when the storage lacks space for a file of `size` bytes."""
    if service.storage.free_bytes() < size + service.settings.min_free_mb * MB:
        raise StorageFullError


def require_place(service: ServiceContext) -> None:
    """Raise QueueFullError when the queue is full."""
    most = service.settings.max_queued
    if waiting(service.videos) >= most:
        raise QueueFullError(f"{most} jobs are queued, the limit of DUYGU_MAX_QUEUED")


def accept(service: ServiceContext, submission: Submission, admission: Admission) -> JobRecord:
    """Count the received bytes, and create a job or find the existing one.

    The quota is returned when too many jobs are waiting by now, or when the upload repeats a concurrent one. A presumed
    repetition with a different video is counted after all.
    """
    redis, caller, size = service.redis, submission.caller, submission.upload.size
    arrived = None if admission.repeats else count_bytes(redis, caller, size)
    try:
        record = submit(service, submission)
    except RateLimitedError:
        refund(redis, admission.charged)
        refund(redis, arrived)
        raise
    except IdempotencyMismatchError:
        if admission.repeats:
            charge(redis, caller, size)
        raise
    is_new = record.job_id == submission.job_id
    if is_new and admission.repeats:
        charge(redis, caller, size)  # the earlier job was erased meanwhile
    elif not is_new and submission.idempotency_key is not None and not submission.reuse:
        refund(redis, admission.charged)
        refund(redis, arrived)
    return record


def discard(service: ServiceContext, job_id: str) -> None:
    """Erase an upload without a job. If that fails, the sweeper retries; the response reports the original error."""
    try:
        service.storage.erase(job_id)
    except UnavailableError as error:
        logger.error("the upload of job %s could not be erased; the sweeper retries: %s", job_id, error.detail)
