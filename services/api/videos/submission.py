"""Creates a job for a stored upload, or finds an existing one by idempotency key or content."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from redis.exceptions import WatchError

from duygu.services.api.service import ServiceContext
from duygu.services.api.videos.multipart_form import Upload
from duygu.shared.broker import keys
from duygu.shared.config.api_keys import ANONYMOUS, Caller
from duygu.shared.errors import IdempotencyMismatchError
from duygu.shared.inputs.links.link import Link
from duygu.shared.jobs.queues import enqueue_video
from duygu.shared.jobs.quotas import check_waiting
from duygu.shared.jobs.record import JobRecord
from duygu.shared.schemas.job import JobStatus

REUSABLE_STATUSES = (JobStatus.QUEUED, JobStatus.RUNNING, JobStatus.SUCCEEDED)
"""Statuses of jobs that `reuse=true` returns. A failed or cancelled job is not reused."""


@dataclass(frozen=True, slots=True)
class Submission:
    """A stored upload and the options of its request."""

    job_id: str
    upload: Upload
    idempotency_key: str | None = None
    reuse: bool = False
    caller: Caller = ANONYMOUS
    annotate: bool = False
    blur: bool = False
    edits_of: str = ""  # job whose edited result the annotated video shows
    webhook: str = ""
    link: Link | None = None  # to a video that is not here yet
    url: str = field(default="", repr=False)  # of the link, with its secrets

    @property
    def identity(self) -> str:
        """What distinguishes the video from others: its hash or, before a link has been fetched, that of the link."""
        return hashlib.sha256(f"link {self.url}".encode()).hexdigest() if self.link else self.upload.sha256

    @property
    def may_match_existing(self) -> bool:
        """Whether the request may return an existing job."""
        return self.reuse or self.idempotency_key is not None


def submit(service: ServiceContext, submission: Submission) -> JobRecord:
    """The job of a submission: a new one, or the existing one with the same key or content.

    Raises IdempotencyMismatchError when the key belongs to a different video or different options, RateLimitedError
    when too many jobs of the caller are waiting, and the errors of redis-py when Redis becomes unreachable; the job may
    exist nevertheless.
    """
    reuse_key = keys.same_video(submission.caller.name, _fingerprint(service, submission), submission.identity)
    record = _new(service, submission, reuse_key)
    watched = [*_watched_keys(submission, record)]
    with service.redis.pipeline() as pipeline:
        while True:
            pipeline.watch(*watched)  # type: ignore[no-untyped-call]
            known = service.jobs.read(record.job_id) or _find_by_key(service, submission)
            if known:
                return known
            reused = _find_by_content(service, reuse_key) if submission.reuse else None
            if reused is None:
                check_waiting(service.redis, submission.caller)
            pipeline.multi()
            if reused:
                for key in _idempotency_keys(submission):
                    service.jobs.add_index_key(reused.job_id, key, pipeline)
            else:
                service.jobs.create(record, pipeline)
                enqueue_video(service.videos, record.job_id, service.settings.job_timeout_s, pipeline)
                service.jobs.order(record, service.videos.key, pipeline)
            try:
                pipeline.execute()
            except WatchError:
                continue
            return reused or record


def _fingerprint(service: ServiceContext, submission: Submission) -> str:
    """Equal for two submissions whose results are the same for the same video."""
    options = submission.upload.options.fingerprint
    made = [" annotated" if submission.annotate else "", " blurred" if submission.blur else ""]
    chosen = [*made, _edits_fingerprint(service, submission.edits_of), f" {options}" if options else ""]
    return service.analysis_fingerprint + "".join(chosen)


def _edits_fingerprint(service: ServiceContext, edits_of: str) -> str:
    return f" edits of {edits_of} {service.edits.read(edits_of).version}" if edits_of else ""


def _new(service: ServiceContext, submission: Submission, reuse_key: str) -> JobRecord:
    upload = submission.upload
    return JobRecord(
        submission.job_id,
        JobStatus.QUEUED,
        datetime.now(UTC),
        size=upload.size,
        sha256=upload.sha256,
        owner=submission.caller.name,
        priority=submission.caller.priority,
        index_keys=(reuse_key, *_idempotency_keys(submission)),
        annotate=submission.annotate,
        blur=submission.blur,
        edits_of=submission.edits_of,
        options=upload.options,
        webhook=submission.webhook,
        link=submission.url,
        link_shown=submission.link.shown if submission.link else "",
        link_sha256=submission.identity if submission.link else "",
        metered=submission.link is not None and submission.caller.limits.megabytes_per_day is not None,
        trace=service.traces.traceparent(),
        kept=service.settings.keeps_results,
    )


def _watched_keys(submission: Submission, record: JobRecord) -> Iterator[str]:
    """Keys of the optimistic lock (WATCH): a change of one of them restarts the transaction.

    The job itself is watched because redis-py repeats a transaction after a broken connection unless it watches a key,
    which would enqueue the job twice. After a restart the existing job may therefore be the new one.
    """
    yield keys.job(record.job_id)
    if submission.may_match_existing:
        yield from record.index_keys
    if submission.caller.limits.jobs_waiting is not None:
        yield keys.unfinished(record.owner)


def _idempotency_keys(submission: Submission) -> Iterator[str]:
    if submission.idempotency_key is not None:
        yield keys.idempotency(submission.caller.name, submission.idempotency_key)


def _find_by_key(service: ServiceContext, submission: Submission) -> JobRecord | None:
    for key in _idempotency_keys(submission):
        known = service.jobs.find_by_index_key(key)
        if known and not _is_same(known, submission):
            raise IdempotencyMismatchError
        return known
    return None


def _is_same(known: JobRecord, submission: Submission) -> bool:
    """Whether a job has the video and the options of a submission."""
    upload = submission.upload
    made = known.annotate, known.blur, known.edits_of
    before = known.link_sha256 or known.sha256, known.options.fingerprint
    return (made, before) == (
        (submission.annotate, submission.blur, submission.edits_of),
        (submission.identity, upload.options.fingerprint),
    )


def _find_by_content(service: ServiceContext, reuse_key: str) -> JobRecord | None:
    known = service.jobs.find_by_index_key(reuse_key)
    return known if known and known.status in REUSABLE_STATUSES else None
