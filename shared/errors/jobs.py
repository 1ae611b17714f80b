"""A job: submission, state, result, and the files that are kept with it."""

from duygu.shared.errors.base import DuyguError, RequestError


class JobNotFoundError(RequestError):
    """The job was never created, was erased, has expired, or belongs to another API key."""

    code = "job_not_found"
    title = "The job does not exist"
    status = 404


class ResultNotReadyError(RequestError):
    """The job has not ended yet."""

    code = "result_not_ready"
    title = "The job has no result yet"
    status = 409


class ResultExpiredError(RequestError):
    """The job succeeded, but its result has been deleted since."""

    code = "result_expired"
    title = "The result has been deleted"
    status = 410


class NotAnnotatedError(RequestError):
    """The job was submitted without `annotate=true`, so it has no annotated video."""

    code = "not_annotated"
    title = "The job was submitted without annotate=true"
    status = 404


class NotBlurredError(RequestError):
    """The job was submitted without `blurred=true`, and its upload, which the video is made from, has been deleted."""

    code = "not_blurred"
    title = "The job was submitted without blurred=true"
    status = 404


class VideoNotKeptError(RequestError):
    """The annotated video with edits needs the upload, which is deleted after the analysis by default."""

    code = "video_not_kept"
    title = "The uploaded video has been deleted, so it cannot be drawn with the edits"
    status = 409


class CannotKeepError(RequestError):
    """Only a job with a result, or one that has not ended, can be kept."""

    code = "cannot_keep"
    title = "A job that ended without a result cannot be kept"
    status = 409


class TooManyKeptError(RequestError):
    """The caller has the maximum number of kept jobs."""

    code = "too_many_kept"
    title = "Too many jobs are kept"
    status = 409


class IdempotencyMismatchError(RequestError):
    """The same `Idempotency-Key` was sent with a different video or different options."""

    code = "idempotency_mismatch"
    title = "The Idempotency-Key was used for a different request"
    status = 422


class WebhookRefusedError(RequestError):
    """The webhook address is malformed or not allowed."""

    code = "webhook_refused"
    title = "The webhook address is not allowed"
    status = 422


class QueueFullError(DuyguError):
    """The queue holds as many jobs as the service allows."""

    code = "queue_full"
    title = "The queue is full"
    status = 503
    retry_after_s = 10


class CancelledError(DuyguError):
    """A client erased the job before it ended."""

    code = "cancelled"
    title = "The job was cancelled"
    status = 409


class CrashedError(DuyguError):
    """The worker process of the job died more than once."""

    code = "crashed"
    title = "The job crashed its worker process"


class UploadMissingError(DuyguError):
    """The worker finds no upload: it was deleted, or API and worker use different storages."""

    code = "upload_missing"
    title = "The worker cannot find the uploaded video"


class OutOfMemoryError(DuyguError):
    """The worker ran out of memory."""

    code = "out_of_memory"
    title = "The worker ran out of memory"


class JobTimeoutError(DuyguError):
    """The job ran longer than its time limit."""

    code = "timed_out"
    title = "The job exceeded its time limit"


class InvalidResultError(RequestError):
    """A result that a client sends violates the schema or an invariant of results."""

    code = "invalid_result"
    title = "The body is not a valid result"
    status = 422
