"""From a stored upload to a job, unless there is one already that is as good."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from redis.exceptions import WatchError

from duygu.services.api.service import Service
from duygu.services.api.videos.uploads import Upload
from duygu.shared.api_keys import ANONYMOUS, Caller
from duygu.shared.broker import keys
from duygu.shared.errors import IdempotencyMismatchError
from duygu.shared.jobs.queues import enqueue_video
from duygu.shared.jobs.quotas import check_waiting
from duygu.shared.jobs.record import JobRecord
from duygu.shared.schemas import JobStatus

AS_GOOD = (JobStatus.QUEUED, JobStatus.RUNNING, JobStatus.SUCCEEDED)
"""A job that failed or was cancelled is no answer for the next upload of the same video."""


@dataclass(frozen=True, slots=True)
class Submission:
    """A video that lies in storage, and what was asked for with it."""

    job_id: str
    upload: Upload
    idempotency_key: str | None = None
    reuse: bool = False
    caller: Caller = ANONYMOUS
    annotate: bool = False
    webhook: str = ""

    @property
    def may_be_known(self) -> bool:
        """Whether an earlier job may be the answer."""
        return self.reuse or self.idempotency_key is not None


def submit(service: Service, submission: Submission) -> JobRecord:
    """The job of a submission: a new one, or the one that its key or its bytes stand for already.

    Raises IdempotencyMismatchError when the key stands for another video, or for the same one with other wishes,
    RateLimitedError when too many of the caller's jobs wait, and redis-py's errors when Redis goes away: the job may be
    there all the same.
    """
    answers_like = f"{service.answers_like}{' annotated' if submission.annotate else ''}"
    twin = keys.twin(submission.caller.name, answers_like, submission.upload.sha256)
    record = _new(service, submission, twin)
    watched = [*_watched(submission, record)]
    with service.redis.pipeline() as pipeline:
        while True:
            pipeline.watch(*watched)  # type: ignore[no-untyped-call]
            known = service.jobs.read(record.job_id) or _by_key(service, submission)
            if known:
                return known
            reused = _by_bytes(service, twin) if submission.reuse else None
            if reused is None:
                check_waiting(service.redis, submission.caller)
            pipeline.multi()
            if reused:
                for key in _keyed(submission):
                    service.jobs.claim(reused.job_id, key, pipeline)
            else:
                service.jobs.create(record, pipeline)
                enqueue_video(service.videos, record.job_id, service.settings.job_timeout_s, pipeline)
            try:
                pipeline.execute()
            except WatchError:
                continue
            return reused or record


def _new(service: Service, submission: Submission, twin: str) -> JobRecord:
    upload = submission.upload
    return JobRecord(
        submission.job_id,
        JobStatus.QUEUED,
        datetime.now(UTC),
        size=upload.size,
        sha256=upload.sha256,
        owner=submission.caller.name,
        claims=(twin, *_keyed(submission)),
        annotate=submission.annotate,
        webhook=submission.webhook,
        trace=service.traces.traceparent(),
    )


def _watched(submission: Submission, record: JobRecord) -> Iterator[str]:
    """What nobody may change while the job is made; otherwise everything is looked at again.

    The job itself is among it because redis-py sends a transaction again when its connection breaks, unless it watches
    something: the job would come into the queue twice. So its own job may be what is known when it looks again.
    """
    yield keys.job(record.job_id)
    if submission.may_be_known:
        yield from record.claims
    if submission.caller.limits.jobs_waiting is not None:
        yield keys.unfinished(record.owner)


def _keyed(submission: Submission) -> Iterator[str]:
    if submission.idempotency_key is not None:
        yield keys.idempotency(submission.caller.name, submission.idempotency_key)


def _by_key(service: Service, submission: Submission) -> JobRecord | None:
    for key in _keyed(submission):
        known = service.jobs.claimant(key)
        if known and (known.sha256, known.annotate) != (submission.upload.sha256, submission.annotate):
            raise IdempotencyMismatchError
        return known
    return None


def _by_bytes(service: Service, twin: str) -> JobRecord | None:
    known = service.jobs.claimant(twin)
    return known if known and known.status in AS_GOOD else None
