"""Names of everything that this project keeps in Redis (rq keeps its own keys, all of which begin with `rq:`)."""

import hashlib

JOBS = "duygu:jobs"
"""Sorted set of every job's id, all with score 0: ids begin with their time, so their order is the order of age."""


def jobs_of(owner: str) -> str:
    """Sorted set like JOBS, of one owner's jobs."""
    return f"duygu:jobs:{owner}"


def unfinished(owner: str) -> str:
    """Set of an owner's jobs that have not ended."""
    return f"duygu:unfinished:{owner}"


UNFINISHED = "duygu:unfinished_jobs"
"""Sorted set of all `listing`s of jobs that have not ended, all with score 0, so that the oldest comes first."""

SWEEP_DUE = "duygu:sweep_due"
"""Sorted set of `listing`s of jobs that have ended, by when the sweeper has to look at them: when they expire."""

INDEXED = "duygu:indexed"
"""There while UNFINISHED and SWEEP_DUE are known to hold every job, also those of versions that had neither."""


def listing(job_id: str, owner: str) -> str:
    """A job with its owner, who would not be known any more once the record has expired."""
    return f"{job_id} {owner}"


def used(owner: str, what: str, window: int) -> str:
    """How much of a limit an owner has used in a window of time."""
    return f"duygu:used:{owner}:{what}:{window}"


def job(job_id: str) -> str:
    """Hash with a job's record."""
    return f"duygu:job:{job_id}"


def events(job_id: str) -> str:
    """Capped stream with what happened to a job."""
    return f"duygu:job:{job_id}:events"


WEBHOOKS_DUE = "duygu:webhooks:due"
"""Set of the jobs that have ended and whose webhook has not come into its queue yet."""


def idempotency(owner: str, key: str) -> str:
    """The id of the job that an owner's `Idempotency-Key` made."""
    return f"duygu:idempotency:{_digest(owner, key)}"


def twin(owner: str, model: str, sha256: str) -> str:
    """The id of the newest job in which an owner had a video with this hash analysed by a model."""
    return f"duygu:twin:{_digest(owner, model, sha256)}"


def workers(queue: str) -> str:
    """Sorted set of the workers that serve a queue, scored by when each was last heard of, in seconds since 1970."""
    return f"duygu:workers:{queue}"


def _digest(*parts: str) -> str:
    """What people chose or sent is not readable in a key."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:40]
