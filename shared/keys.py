"""Names of everything that this project keeps in Redis (rq keeps its own keys, all of which begin with `rq:`)."""

JOBS = "duygu:jobs"
"""Sorted set of every job's id, all with score 0: ids begin with their time, so their order is the order of age."""


def job(job_id: str) -> str:
    """Hash with a job's record."""
    return f"duygu:job:{job_id}"


def events(job_id: str) -> str:
    """Capped stream with what happened to a job."""
    return f"duygu:job:{job_id}:events"


def workers(queue: str) -> str:
    """Sorted set of the workers that serve a queue, scored by when each was last heard of, in seconds since 1970."""
    return f"duygu:workers:{queue}"
