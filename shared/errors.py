"""Every failure that a person can meet, each with a code that never changes.

The same code appears in an HTTP problem, in a failed job and on the socket. `detail` is written for the person
who sent the file: it never holds a path, a file name or a traceback.
"""

from collections.abc import Sequence
from typing import ClassVar

MINUTE_S = 60

MB = 1_000_000

LONGEST_NAME = 60
"""Characters of a name of the client's that an error repeats."""

SERVER_ERROR = 500
"""The smallest HTTP status of these."""


class DuyguError(Exception):
    """A failure with a stable code.

    `code` is for programs, `title` says what kind of failure it is, `detail` what happened this time,
    `status` is the HTTP status it is told with, and `retry_after_s` when trying again is worth it.
    """

    code: ClassVar[str] = "internal"
    title: ClassVar[str] = "Something went wrong on our side"
    status: ClassVar[int] = 500
    retry_after_s: int | None = None

    def __init__(self, detail: str | None = None) -> None:
        self.detail = detail or self.title
        super().__init__(self.detail)


class RequestError(DuyguError):
    """What the client asked for cannot be done as asked."""

    status = 400


class InvalidRequestError(RequestError):
    """The request does not have the documented form."""

    code = "invalid_request"
    title = "The request is not of the documented form"
    status = 422


class UnknownParameterError(InvalidRequestError):
    """A query parameter or form field that the call does not have."""

    code = "unknown_parameter"
    title = "The request has a parameter that this call does not know"

    def __init__(self, kind: str = "parameter", name: str = "", known: Sequence[str] = ()) -> None:
        """Name what is unknown and what is known.

        kind   "query parameter" or "form field"
        name   of what is unknown
        known  names that the call has
        """
        shown = name if len(name) <= LONGEST_NAME else f"{name[:LONGEST_NAME]}…"
        names = ", ".join(f"`{one}`" for one in sorted(known)) or "none"
        super().__init__(f"unknown {kind} `{shown}`; known: {names}" if name else None)


class JobNotFoundError(RequestError):
    """No such job: never made, erased, or past its retention."""

    code = "job_not_found"
    title = "There is no such job"
    status = 404


class ResultNotReadyError(RequestError):
    """The job has not ended yet, so there is no result to read."""

    code = "result_not_ready"
    title = "The job has no result yet"
    status = 409


class ResultExpiredError(RequestError):
    """The job succeeded, but its result has been erased since."""

    code = "result_expired"
    title = "The result has been erased"
    status = 410


class NotAnnotatedError(RequestError):
    """The result is there, but nobody asked for pictures of it when the video was handed in."""

    code = "not_annotated"
    title = "No annotated video was asked for when the video was handed in"
    status = 404


class RangeNotSatisfiableError(RequestError):
    """A part of a file was asked for that begins behind its end."""

    code = "range_not_satisfiable"
    title = "The file has no such part"
    status = 416

    def __init__(self, size: int | None = None) -> None:
        """`size`: bytes of the whole file."""
        self.size = size
        super().__init__(None if size is None else f"The file has {size} bytes")


class UnauthorizedError(RequestError):
    """No API key, or one that is not known here."""

    code = "unauthorized"
    title = "A valid API key is needed"
    status = 401


class ForbiddenError(RequestError):
    """The API key is good, but not for this."""

    code = "forbidden"
    title = "The API key does not allow this"
    status = 403


class HostNotAllowedError(RequestError):
    """Without API keys: the request is addressed to a name that this service does not have."""

    code = "host_not_allowed"
    title = "The request is addressed to another host"
    status = 421

    def __init__(self, host: str = "") -> None:
        """`host`: the header `Host` of the request."""
        shown = f"`{host[:LONGEST_NAME]}`" if host else "missing"
        super().__init__(
            f"The `Host` of the request is {shown}. Without API keys this service answers to loopback names such as "
            "`localhost`, to DUYGU_HOST, and to the names in DUYGU_ALLOWED_HOSTS"
        )


class CrossSiteError(RequestError):
    """Without API keys: a page of another site wants to change something."""

    code = "cross_site"
    title = "Pages of other sites may not do this"
    status = 403

    def __init__(self, origin: str = "") -> None:
        """`origin`: the header `Origin` of the request."""
        shown = f"`{origin[:LONGEST_NAME]}`" if origin else "another site"
        super().__init__(f"The request comes from a page of {shown}, which is not in DUYGU_CORS_ORIGINS")


class RateLimitedError(RequestError):
    """The key has used up what it may use for now."""

    code = "rate_limited"
    title = "Too much at once"
    status = 429
    retry_after_s = MINUTE_S

    def __init__(self, detail: str | None = None, *, retry_after_s: int = MINUTE_S) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(detail)


class TooSlowError(RequestError):
    """The body of the request came too slowly, or not at all."""

    code = "too_slow"
    title = "The upload came too slowly"
    status = 408


class NotFoundError(RequestError):
    """A path that is none of ours."""

    code = "not_found"
    title = "There is nothing at this address"
    status = 404


class MethodNotAllowedError(RequestError):
    """A path of ours, but not with this method."""

    code = "method_not_allowed"
    title = "This address does not answer to this method"
    status = 405


class UpgradeRequiredError(RequestError):
    """The address of the socket was asked for as if it were a page."""

    code = "upgrade_required"
    title = "This address is a websocket; a proxy on the way may have left out the request to become one"
    status = 426


class IdempotencyMismatchError(RequestError):
    """The same `Idempotency-Key` as before, with another video or another `annotate`."""

    code = "idempotency_mismatch"
    title = "The Idempotency-Key was used for another request"
    status = 422


class WebhookRefusedError(RequestError):
    """An address that no webhook is sent to."""

    code = "webhook_refused"
    title = "No webhook can be sent to this address"
    status = 422


class TooLargeError(RequestError):
    """The upload has more bytes than this service takes."""

    code = "too_large"
    title = "The upload is too large"
    status = 413

    @classmethod
    def of_upload(cls, limit: int) -> "TooLargeError":
        """For a video of more than `limit` bytes: names the limit and what to do."""
        return cls(
            f"The upload is larger than the limit of {limit / MB:g} MB. "
            "Cut the video or re-encode it at a lower bitrate; who runs this service can raise DUYGU_MAX_UPLOAD_MB"
        )


class QueueFullError(DuyguError):
    """As many jobs wait as this service allows."""

    code = "queue_full"
    title = "Too many jobs are waiting"
    status = 503
    retry_after_s = 10


class UnavailableError(DuyguError):
    """Redis or the storage cannot be reached, or takes nothing more."""

    code = "unavailable"
    title = "The service cannot take requests right now"
    status = 503
    retry_after_s = 5


class EraseFailedError(UnavailableError):
    """Files of a job could not be deleted, however often it was tried."""

    code = "erase_failed"
    title = "Not everything of the job could be erased; try again"


class StorageFullError(DuyguError):
    """There is not enough room for another upload."""

    code = "storage_full"
    title = "There is no room for another upload right now"
    status = 503
    retry_after_s = MINUTE_S


class StreamError(DuyguError):
    """Something on the socket that is not as it should be."""

    code = "invalid_message"
    title = "The message is not of the documented form"
    status = 422


class NotAPictureError(StreamError):
    """A frame that is no JPEG, PNG or WebP picture."""

    code = "not_a_picture"
    title = "The frame is not a JPEG, PNG or WebP picture"
    status = 415


class UndecodablePictureError(StreamError):
    """A frame that begins like a picture, but is none."""

    code = "undecodable_picture"
    title = "The picture could not be decoded"


class OutOfOrderError(StreamError):
    """A frame that was captured no later than the one before it."""

    code = "out_of_order"
    title = "The frame was captured no later than the one before"


class TooManySessionsError(StreamError):
    """As many sessions are open as are allowed."""

    code = "too_many_sessions"
    title = "Too many sessions are open"
    status = 429
    retry_after_s = 10


class IdleError(StreamError):
    """Nothing came from the client for too long."""

    code = "idle"
    title = "The session was idle for too long"
    status = 408


class SlowReaderError(StreamError):
    """The client does not read its answers."""

    code = "slow_reader"
    title = "The answers were not read"
    status = 408


class NoWorkerError(UnavailableError):
    """Nobody works on live sessions."""

    code = "no_worker"
    title = "No worker takes live sessions right now"


class SessionLostError(UnavailableError):
    """What was kept of the session is gone."""

    code = "session_lost"
    title = "The session was lost; begin a new one"


class StateLostError(UnavailableError):
    """A worker could not read what was kept of a session's faces, as after an update of the service."""

    code = "state_lost"
    title = "The faces of the session are no longer known; the session goes on, and they get new ids"


class VideoError(DuyguError):
    """A file that gives no answer, for a reason that lies in the file."""

    code = "unusable_video"
    title = "The video cannot be used"
    status = 422


class EmptyFileError(VideoError):
    """There is not a single byte in it."""

    code = "empty_file"
    title = "The file is empty"


class NotAVideoError(VideoError):
    """None of the known containers: text, an archive, a program, random bytes, a playlist."""

    code = "not_a_video"
    title = "The file is not a video"
    status = 415


class NoVideoStreamError(VideoError):
    """A readable container without moving pictures, such as a sound recording."""

    code = "no_video_stream"
    title = "The file has no video stream"


class EncryptedVideoError(VideoError):
    """The pictures are there, but locked."""

    code = "encrypted"
    title = "The video is encrypted"


class TooManyPixelsError(VideoError):
    """Pictures larger than the decoder is allowed to make."""

    code = "too_many_pixels"
    title = "The pictures of the video are too large"


class TooLongError(VideoError):
    """More seconds than this service takes."""

    code = "too_long"
    title = "The video is too long"


class UndecodableVideoError(VideoError):
    """A container that promises pictures, of which not one could be decoded."""

    code = "undecodable"
    title = "No picture of the video could be decoded"


class DecoderLimitError(VideoError):
    """Decoding needed more memory or time than a video of its kind should."""

    code = "decoder_limit"
    title = "Decoding the video needed more memory or time than is allowed"


class CancelledError(DuyguError):
    """Somebody asked for the job to stop."""

    code = "cancelled"
    title = "The job was cancelled"
    status = 409


class CrashedError(DuyguError):
    """The job ended its worker, more than once."""

    code = "crashed"
    title = "The job ended its worker process"


class UploadMissingError(DuyguError):
    """The worker finds no upload: somebody deleted it, or the API stores it where the worker does not look."""

    code = "upload_missing"
    title = "The uploaded video is not where the worker looks for it"


class StorageAwayError(DuyguError):
    """The worker could not reach the bucket, however often the job was put off."""

    code = "storage_away"
    title = "The storage could not be reached for an hour"


class OutOfMemoryError(DuyguError):
    """The worker had not enough memory for the job."""

    code = "out_of_memory"
    title = "The worker ran out of memory"


class JobTimeoutError(DuyguError):
    """The job ran for longer than one job may."""

    code = "timed_out"
    title = "The job took too long"


class ModelError(DuyguError):
    """The model folder is missing, damaged or not one of ours. It stops the start."""

    code = "bad_model"
    title = "The model cannot be used"


class TrainingDataError(DuyguError):
    """The data for training is not of the documented form."""

    code = "bad_training_data"
    title = "The data cannot be trained on"


class SubjectLeakError(TrainingDataError):
    """One person would be on both sides of a split, which makes every figure worthless."""

    code = "subject_leak"
    title = "A person is on both sides of the split"


class ConfigurationError(DuyguError):
    """The settings contradict each other or name something that is not there."""

    code = "bad_configuration"
    title = "The settings cannot be used"


def _subclasses(cls: type[DuyguError]) -> list[type[DuyguError]]:
    return [cls, *(sub for child in cls.__subclasses__() for sub in _subclasses(child))]


def in_words(error: Exception) -> str:
    """An error that has no code, in one line: its type and its first line."""
    first = next(iter(str(error).strip().splitlines()), "")
    return f"{type(error).__name__}: {first}" if first else type(error).__name__


def ours() -> list[str]:
    """Codes of the failures that lie with the service and its surroundings, not with who asked or what was sent."""
    return [code for code, cls in by_code().items() if cls.status >= SERVER_ERROR]


def by_code() -> dict[str, type[DuyguError]]:
    """Every error class by its code, for the documentation and for raising again what a child process reported."""
    found: dict[str, type[DuyguError]] = {}
    for cls in _subclasses(DuyguError):
        found.setdefault(cls.code, cls)
    return found
