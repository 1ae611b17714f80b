"""The task that tells the end of a job to the address that asked for it."""

from datetime import UTC, datetime

from rq.timeouts import JobTimeoutException

from duygu.services.worker.context import current_turn
from duygu.services.worker.webhooks.sender import Answer, Sender
from duygu.shared.jobs.record import JobRecord
from duygu.shared.schemas import Delivery, JobError, JobLinks, JobStatus, WebhookJob, WebhookMessage
from duygu.shared.telemetry.logs import about

TYPES = {JobStatus.SUCCEEDED: "job.succeeded", JobStatus.FAILED: "job.failed"}


class UndeliveredError(Exception):
    """The webhook has to be sent again later; rq sees to that. Nobody outside ever sees it."""


def send_webhook(job_id: str) -> None:
    """Make one attempt and write it into the job. Raises UndeliveredError when there shall be another."""
    place = current_turn().place
    with about(job_id=job_id):
        record = place.jobs.read(job_id)
        if place.sender is None or record is None or record.status not in TYPES or delivered(record):
            return
        attempted_at = datetime.now(UTC)
        with place.traces.span("webhook", record.trace, job_id=job_id):
            answer = _attempt(place.sender, record)
            if answer.error:
                place.traces.fail(answer.error)
        delivery = Delivery(attempted_at=attempted_at, status=answer.status, error=answer.error)
        place.jobs.note_delivery(record, delivery)
        place.metrics.webhooks.labels("failed" if answer.error else "delivered").inc()
        if not answer.final:
            raise UndeliveredError


def delivered(record: JobRecord) -> bool:
    """Whether it has arrived: a worker that was killed after that and before it said so has its task repeated."""
    return any(delivery["error"] is None for delivery in record.deliveries)


def message(record: JobRecord) -> bytes:
    """The body that tells of a job that has ended, always the same for the same job."""
    path, error = f"/v1/jobs/{record.job_id}", record.error
    links = JobLinks(
        self=path, events=f"{path}/events", result=f"{path}/result" if record.status == JobStatus.SUCCEEDED else None
    )
    job = WebhookJob(
        job_id=record.job_id,
        status=record.status,
        error=JobError(code=error.code, title=error.title, detail=error.detail) if error else None,
        sha256=record.sha256,
        links=links,
    )
    content = {"type": TYPES[record.status], "timestamp": record.ended_at, "data": job}
    return WebhookMessage.model_validate(content).model_dump_json().encode()


def _attempt(sender: Sender, record: JobRecord) -> Answer:
    try:
        return sender.send(record.webhook, f"msg_{record.job_id}", message(record))
    except JobTimeoutException:
        return Answer(None, "the answer came too slowly")
