"""How jobs look from outside."""

from shared.jobs import JobRecord
from shared.schemas import Job, JobError, JobLinks, JobStatus, Work


def job_path(job_id: str) -> str:
    """Where a job is found."""
    return f"/v1/jobs/{job_id}"


def job_view(record: JobRecord) -> Job:
    """A job as the API shows it."""
    error = record.error
    path = job_path(record.job_id)
    result = f"{path}/result" if record.status == JobStatus.SUCCEEDED else None
    video = f"{result}?format=mp4" if result and record.annotate else None
    return Job(
        job_id=record.job_id,
        status=record.status,
        progress=record.progress,
        work=Work(**record.work) if record.work else None,
        created_at=record.created_at,
        started_at=record.started_at,
        ended_at=record.ended_at,
        error=JobError(code=error.code, title=error.title, detail=error.detail) if error else None,
        size_bytes=record.size,
        sha256=record.sha256,
        links=JobLinks(self=path, events=f"{path}/events", result=result, video=video),
    )
