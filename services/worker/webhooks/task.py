"""The task that delivers the webhook of a job that has ended."""

from datetime import UTC, datetime

from rq.timeouts import JobTimeoutException

from duygu.services.worker.context import current_job
from duygu.services.worker.webhooks.sender import Sender, WebhookResponse
from duygu.shared.jobs.record import JobRecord
from duygu.shared.runtime.telemetry.logs import about
from duygu.shared.schemas.job import Delivery, JobError, JobLinks, JobStatus, WebhookJob, WebhookMessage

TYPES = {JobStatus.SUCCEEDED: "job.succeeded", JobStatus.FAILED: "job.failed"}


class UndeliveredError(Exception):
    """The attempt failed and rq has to retry it. Internal to the worker."""


def send_webhook(job_id: str) -> None:
    """Make one attempt and append it to the job's deliveries. Raises UndeliveredError for a retry."""
    worker = current_job().worker
    with about(job_id=job_id):
        record = worker.jobs.read(job_id)
        if worker.sender is None or record is None or record.status not in TYPES or delivered(record):
            return
        attempted_at = datetime.now(UTC)
        with worker.traces.span("webhook", record.trace, job_id=job_id):
            response = _attempt(worker.sender, record)
            if response.error:
                worker.traces.fail(response.error)
        delivery = Delivery(attempted_at=attempted_at, status=response.status, error=response.error)
        worker.jobs.note_delivery(record, delivery)
        worker.metrics.webhooks.labels("failed" if response.error else "delivered").inc()
        if not response.final:
            raise UndeliveredError


def delivered(record: JobRecord) -> bool:
    """Whether an attempt succeeded: the task of a worker that was killed right after it is repeated."""
    return any(delivery.error is None for delivery in record.deliveries)


def message(record: JobRecord) -> bytes:
    """The body of a job's webhook, always the same for the same job."""
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


def _attempt(sender: Sender, record: JobRecord) -> WebhookResponse:
    try:
        return sender.send(record.webhook, f"msg_{record.job_id}", message(record))
    except JobTimeoutException:
        return WebhookResponse(None, "the response came too slowly")
