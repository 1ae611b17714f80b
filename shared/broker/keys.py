"""Names of the keys in Redis. They never change. rq's own keys begin with `rq:`."""

import hashlib

JOBS = "duygu:jobs"
"""Sorted set of all job ids, with score 0: ids begin with a time, so lexical order is order of age."""


def jobs_of(owner: str) -> str:
    """Sorted set like JOBS, of one owner's jobs."""
    return f"duygu:jobs:{owner}"


def unfinished(owner: str) -> str:
    """Set of an owner's jobs that have not ended."""
    return f"duygu:unfinished:{owner}"


UNFINISHED = "duygu:unfinished_jobs"
"""Sorted set of all `listing`s of jobs that have not ended, scored by their place in the queue (shared/jobs/order.py).
Jobs of earlier versions have whole numbers."""

QUEUE_CLOCK = "duygu:queue_clock"
"""Hash with the places in UNFINISHED of the job that was started last and of the newest interactive one."""

SWEEP_DUE = "duygu:sweep_due"
"""Sorted set of `listing`s of jobs that have ended, scored by when they are due for the sweeper: when they expire."""

INDEXED = "duygu:indexed"
"""Exists while UNFINISHED and SWEEP_DUE are complete; a version without them leaves jobs out."""


def listing(job_id: str, owner: str) -> str:
    """A job id with its owner, who is unknown once the record has expired."""
    return f"{job_id} {owner}"


def used(owner: str, what: str, window: int) -> str:
    """An owner's usage of a limit in one window of time."""
    return f"duygu:used:{owner}:{what}:{window}"


def job(job_id: str) -> str:
    """Hash with a job's record."""
    return f"duygu:job:{job_id}"


def events(job_id: str) -> str:
    """Capped stream with the events of a job."""
    return f"duygu:job:{job_id}:events"


def edits(job_id: str) -> str:
    """Hash with the edits of a job's result and their version."""
    return f"duygu:job:{job_id}:edits"


def labels(job_id: str) -> str:
    """Hash with the labels of each rater for a job's result, and their versions."""
    return f"duygu:job:{job_id}:labels"


def parts(job_id: str) -> str:
    """Hash with the parts of a job whose video is analysed by several workers."""
    return f"duygu:job:{job_id}:parts"


def belongings(job_id: str) -> list[str]:
    """Keys of what people added to a job; they expire and are erased with it."""
    return [edits(job_id), labels(job_id)]


def exports_of_job(job_id: str) -> str:
    """Set of the ids of the study exports that contain a job."""
    return f"duygu:job:{job_id}:study_exports"


STUDIES = "duygu:studies"
"""Sorted set of the ids of all kept studies, with score 0, as JOBS."""


def studies_of(owner: str) -> str:
    """Sorted set like STUDIES, of one owner's studies."""
    return f"duygu:studies:{owner}"


def study(study_id: str) -> str:
    """Hash with a kept study."""
    return f"duygu:study:{study_id}"


STUDY_EXPORTS = "duygu:study_exports"
"""Sorted set of the ids of all study exports, scored by when they expire, in seconds since 1970."""


def study_exports_of(owner: str) -> str:
    """Sorted set of the ids of an owner's study exports, scored by when they were requested."""
    return f"duygu:study_exports:{owner}"


def study_export(export_id: str) -> str:
    """Hash with the state and the order of a study export."""
    return f"duygu:study_export:{export_id}"


def kept(owner: str) -> str:
    """Set of an owner's kept jobs."""
    return f"duygu:kept:{owner}"


UPLOADS = "duygu:uploads"
"""Sorted set of `listing`s of resumable uploads that have not become a job, scored by when they expire."""


PARTS_SWEPT = "duygu:uploads-swept"
"""Exists for a while after a sweep of uploads that Redis has forgotten."""


def uploads_of(owner: str) -> str:
    """Set of an owner's resumable uploads that have not become a job."""
    return f"duygu:uploads:{owner}"


def upload(upload_id: str) -> str:
    """Hash with a resumable upload's record."""
    return f"duygu:upload:{upload_id}"


def upload_lock(upload_id: str) -> str:
    """The token of the request that sends bytes of an upload."""
    return f"duygu:upload:{upload_id}:lock"


def upload_takeover(upload_id: str) -> str:
    """Exists while another request waits for the lock of an upload."""
    return f"duygu:upload:{upload_id}:takeover"


WEBHOOKS_DUE = "duygu:webhooks:due"
"""Set of the ended jobs whose webhook is not queued yet."""


def idempotency(owner: str, key: str) -> str:
    """The id of the job that was created with an owner's `Idempotency-Key`."""
    return f"duygu:idempotency:{_digest(owner, key)}"


def same_video(owner: str, model: str, sha256: str) -> str:
    """The id of an owner's newest job for a video with this hash and a model."""
    return f"duygu:twin:{_digest(owner, model, sha256)}"


def workers(queue: str) -> str:
    """Sorted set of the workers that serve a queue, scored by the time of the last heartbeat, in seconds since 1970."""
    return f"duygu:workers:{queue}"


def hosts(queue: str) -> str:
    """Sorted set of the hosts with workers for a queue, scored like `workers`: the health check of a host reads one."""
    return f"duygu:hosts:{queue}"


def _digest(*parts: str) -> str:
    """A hash, so that no user input is readable in a key."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:40]
