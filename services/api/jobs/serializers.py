"""Job records as the schemas of the API."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Literal

from duygu.services.api.service import ServiceContext
from duygu.shared.jobs.place import places
from duygu.shared.jobs.queues import WEBHOOK_PAUSES_S
from duygu.shared.jobs.record import JobRecord
from duygu.shared.schemas.job import Job, JobError, JobLink, JobLinks, JobStatus, Webhook, Work


def job_path(job_id: str) -> str:
    """The path of a job."""
    return f"/v1/jobs/{job_id}"


def serialize_webhook(record: JobRecord) -> Webhook | None:
    """The deliveries of a job's webhook; None without a webhook."""
    if not record.webhook:
        return None
    deliveries = list(record.deliveries)
    if any(delivery.error is None for delivery in deliveries):
        return Webhook(status="delivered", deliveries=deliveries)
    gone = any(delivery.status == HTTPStatus.GONE for delivery in deliveries)
    given_up = gone or len(deliveries) > len(WEBHOOK_PAUSES_S)
    return Webhook(status="failed" if given_up else "waiting", deliveries=deliveries)


def _serialize_work(record: JobRecord) -> Work | None:
    """The progress of a job. Once it has ended, no time is left, whatever the last progress event was."""
    if record.work and record.ended:
        return record.work.model_copy(update={"time_left_s": 0.0})
    return record.work


def _stage(record: JobRecord) -> Literal["fetching", "analyzing"] | None:
    """What a running job does."""
    if record.status != JobStatus.RUNNING:
        return None
    return "fetching" if record.fetching else "analyzing"


def _serialize_link(record: JobRecord) -> JobLink | None:
    """The link of a job, without secrets; None for an uploaded video."""
    if not record.link_shown:
        return None
    counts = record.fetched.model_dump() if record.fetched else {"fetched_bytes": 0}
    return JobLink(url=record.link_shown, **counts)


def serialize_jobs(service: ServiceContext, records: Sequence[JobRecord]) -> list[Job]:
    """Jobs as the API returns them, with their places in the queue."""
    ahead = places(service.redis, records)
    keeps = service.settings.keep_uploads
    return [serialize_job(record, has_upload=keeps, ahead=ahead[record.job_id]) for record in records]


def serialize_job(record: JobRecord, *, has_upload: bool = False, ahead: int | None = None) -> Job:
    """A job as the API returns it.

    has_upload  whether the service keeps uploads
    ahead       number of jobs before this one; None if it is unknown
    """
    error = record.error
    path = job_path(record.job_id)
    work = _serialize_work(record)
    result = f"{path}/result" if record.status == JobStatus.SUCCEEDED else None
    video = f"{result}?format=mp4" if result and record.annotate else None
    blurred = f"{result}?format=blurred" if result and (record.blur or has_upload) else None
    upload = f"{path}/video" if result and has_upload else None
    return Job(
        job_id=record.job_id,
        status=record.status,
        progress=record.progress,
        ahead=ahead,
        stage=_stage(record),
        link=_serialize_link(record),
        work=work,
        created_at=record.created_at,
        started_at=record.started_at,
        ended_at=record.ended_at,
        expires_at=record.expires_at,
        kept=record.kept and not record.ended_without_result,
        title=record.title or None,
        owner=record.owner or None,
        options=record.options,
        duration_s=work.duration_s if work else None,
        faces=record.faces,
        error=JobError(code=error.code, title=error.title, detail=error.detail) if error else None,
        size_bytes=record.size,
        sha256=record.sha256,
        webhook=serialize_webhook(record),
        links=JobLinks(self=path, events=f"{path}/events", result=result, video=video, blurred=blurred, upload=upload),
    )
