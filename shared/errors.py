"""Every error of the service, each with a code that never changes.

An HTTP problem, a failed job and a message on the live socket carry the same code. `detail` is written for the client:
it contains no path, no file name and no traceback. It names the rejected value and the bound that it violates.
"""

from collections.abc import Sequence
from typing import ClassVar

MINUTE_S = 60

MB = 1_000_000

LISTED_FACES = 20
"""Faces that an error lists."""

LONGEST_NAME = 60
"""Characters of a client's name that an error quotes."""

SERVER_ERROR = 500
"""The smallest HTTP status of a server error."""


class DuyguError(Exception):
    """An error with a stable code.

    code           for programs
    title          the kind of error
    detail         this occurrence; the title where none is given
    status         HTTP status of the response
    retry_after_s  seconds after which a retry may succeed; None where it cannot
    """

    code: ClassVar[str] = "internal"
    title: ClassVar[str] = "Internal error"
    status: ClassVar[int] = 500
    retry_after_s: int | None = None

    def __init__(self, detail: str | None = None) -> None:
        self.detail = detail or self.title
        super().__init__(self.detail)


class RequestError(DuyguError):
    """The client has to change the request before it can succeed."""

    status = 400


class InvalidRequestError(RequestError):
    """The request violates the documented format."""

    code = "invalid_request"
    title = "The request is invalid"
    status = 422


class UnknownParameterError(InvalidRequestError):
    """A query parameter or form field that the endpoint does not define."""

    code = "unknown_parameter"
    title = "The request has an unknown parameter"

    def __init__(self, kind: str = "parameter", name: str = "", known: Sequence[str] = ()) -> None:
        """List the unknown name and the known ones.

        kind   "query parameter" or "form field"
        name   the unknown name
        known  names that the endpoint accepts
        """
        shown = name if len(name) <= LONGEST_NAME else f"{name[:LONGEST_NAME]}…"
        names = ", ".join(f"`{one}`" for one in sorted(known)) or "none"
        super().__init__(f"unknown {kind} `{shown}`; known: {names}" if name else None)


class InvalidOptionError(RequestError):
    """An option of the analysis is invalid. Each option has an error of its own, `invalid_` and its name."""

    code = "invalid_option"
    title = "An option of the analysis is invalid"
    status = 422


class InvalidStartError(InvalidOptionError):
    """`start_s` is not a time in seconds from 0."""

    code = "invalid_start_s"
    title = "The option start_s is invalid"


class InvalidEndError(InvalidOptionError):
    """`end_s` is not a time in seconds after `start_s`."""

    code = "invalid_end_s"
    title = "The option end_s is invalid"


class InvalidEveryError(InvalidOptionError):
    """`every_s` is not a positive number of seconds."""

    code = "invalid_every_s"
    title = "The option every_s is invalid"


class InvalidMinFaceError(InvalidOptionError):
    """`min_face` is not a share of the shorter side within the limits."""

    code = "invalid_min_face"
    title = "The option min_face is invalid"


class InvalidMeasuresError(InvalidOptionError):
    """`measures` names an unknown measure."""

    code = "invalid_measures"
    title = "The option measures is invalid"


class InvalidMaxFacesError(InvalidOptionError):
    """`max_faces` is not a number of faces within the limits."""

    code = "invalid_max_faces"
    title = "The option max_faces is invalid"


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


class InvalidEditError(RequestError):
    """The edit does not apply to the result."""

    code = "invalid_edit"
    title = "The edit does not apply to this result"
    status = 422


class UnknownFaceError(InvalidEditError):
    """The edit or label refers to a face that the result does not have, or no longer has after earlier edits."""

    code = "unknown_face"
    title = "The result has no such face"

    def __init__(self, face_id: int | str | None = None, known: Sequence[int] = ()) -> None:
        """`face_id`: the unknown face, or what a file has in its place. `known`: the faces of the result."""
        ids = ", ".join(map(str, known[:LISTED_FACES])) + (", …" if len(known) > LISTED_FACES else "")
        super().__init__(None if face_id is None else f"unknown face {face_id}; known: {ids or 'none'}")


class FacesOverlapError(InvalidEditError):
    """Two faces that are visible in the same picture cannot be one person."""

    code = "faces_overlap"
    title = "The faces are visible at the same time"
    status = 409

    def __init__(self, face_id: int = 0, into: int = 0, time_s: float = 0.0) -> None:
        """`time_s`: the first time at which both faces are visible."""
        super().__init__(
            f"faces {face_id} and {into} are both visible at {time_s} s; split one of them first" if face_id else None
        )


class TooManyEditsError(InvalidEditError):
    """The result has the maximum number of edits."""

    code = "too_many_edits"
    title = "The result has too many edits"
    status = 409


class NoEditError(InvalidEditError):
    """There is no edit to undo."""

    code = "no_edit"
    title = "There is no edit to undo"
    status = 409


class InvalidLabelError(RequestError):
    """A label does not apply to the result, or a file of labels violates its format."""

    code = "invalid_label"
    title = "The label does not apply to this result"
    status = 422


class LabelsOverlapError(InvalidLabelError):
    """Two labels of one rater for the same face overlap in time."""

    code = "labels_overlap"
    title = "Two labels of a face overlap"

    def __init__(
        self, face_id: int = 0, one: tuple[float, float] = (0.0, 0.0), other: tuple[float, float] = (0.0, 0.0)
    ) -> None:
        """`one`, `other`: starts and ends of the labels in seconds."""
        super().__init__(
            f"two labels of face {face_id} overlap: {one[0]} to {one[1]} s and {other[0]} to {other[1]} s"
            if face_id
            else None
        )


class TooManyLabelsError(InvalidLabelError):
    """The result has the maximum number of labels or raters."""

    code = "too_many_labels"
    title = "The result has too many labels"
    status = 409


class EditConflictError(RequestError):
    """The edits or labels were changed since the version that `If-Match` names."""

    code = "edit_conflict"
    title = "The edits have been changed meanwhile"
    status = 412


class OtherVideoError(RequestError):
    """The edits or labels were made for another video or another analysis of it."""

    code = "other_video"
    title = "The file belongs to another video or analysis"
    status = 422


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


class RangeNotSatisfiableError(RequestError):
    """The requested byte range begins behind the end of the file."""

    code = "range_not_satisfiable"
    title = "The requested range is outside the file"
    status = 416

    def __init__(self, size: int | None = None) -> None:
        """`size`: bytes of the whole file."""
        self.size = size
        super().__init__(None if size is None else f"The requested range is outside the file, which has {size} bytes")


class UnauthorizedError(RequestError):
    """The API key is missing or unknown."""

    code = "unauthorized"
    title = "A valid API key is required"
    status = 401


class ForbiddenError(RequestError):
    """The API key lacks the required scope."""

    code = "forbidden"
    title = "The request is not permitted"
    status = 403


class HostNotAllowedError(RequestError):
    """Without API keys: the `Host` header is not one of the names of this service."""

    code = "host_not_allowed"
    title = "The Host header is not allowed"
    status = 421

    def __init__(self, host: str = "") -> None:
        """`host`: the `Host` header of the request."""
        shown = f"`{host[:LONGEST_NAME]}` is not allowed" if host else "is missing"
        super().__init__(
            f"The `Host` header {shown}. Without API keys this service accepts loopback names such as `localhost`, "
            "the address in DUYGU_HOST and the names in DUYGU_ALLOWED_HOSTS"
        )


class CrossSiteError(RequestError):
    """Without API keys: a page of another origin sends a request that changes state."""

    code = "cross_site"
    title = "Cross-site requests are not allowed"
    status = 403

    def __init__(self, origin: str = "") -> None:
        """`origin`: the `Origin` header of the request."""
        shown = f"the origin `{origin[:LONGEST_NAME]}`" if origin else "another site"
        super().__init__(f"The request comes from {shown}, which DUYGU_CORS_ORIGINS does not list")


class RateLimitedError(RequestError):
    """A limit of the API key is exhausted for now."""

    code = "rate_limited"
    title = "A limit of the API key is exceeded"
    status = 429
    retry_after_s = MINUTE_S

    def __init__(self, detail: str | None = None, *, retry_after_s: int = MINUTE_S) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(detail)


class TooSlowError(RequestError):
    """The request body arrives too slowly or not at all."""

    code = "too_slow"
    title = "The upload is too slow"
    status = 408


class NotFoundError(RequestError):
    """No endpoint has this path."""

    code = "not_found"
    title = "The address does not exist"
    status = 404


class MethodNotAllowedError(RequestError):
    """The endpoint does not support this method."""

    code = "method_not_allowed"
    title = "The address does not support this method"
    status = 405


class UpgradeRequiredError(RequestError):
    """A plain HTTP request to the address of the live socket."""

    code = "upgrade_required"
    title = "This address accepts WebSocket connections only; a proxy may have removed the Upgrade header"
    status = 426


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


class HeadTooLargeError(RequestError):
    """The request line and headers have more bytes than the limit."""

    code = "head_too_large"
    title = "The request line and headers are too large"
    status = 431


class TooLargeError(RequestError):
    """The upload has more bytes than the limit."""

    code = "too_large"
    title = "The upload is too large"
    status = 413

    @classmethod
    def of_upload(cls, limit: int) -> "TooLargeError":
        """For a video of more than `limit` bytes: names the limit and the remedies."""
        return cls(
            f"The upload exceeds the limit of {limit / MB:g} MB. "
            "Cut the video or re-encode it at a lower bitrate; the operator can raise DUYGU_MAX_UPLOAD_MB"
        )


class QueueFullError(DuyguError):
    """The queue holds as many jobs as the service allows."""

    code = "queue_full"
    title = "The queue is full"
    status = 503
    retry_after_s = 10


class UnavailableError(DuyguError):
    """Redis or the storage is unreachable or does not accept writes."""

    code = "unavailable"
    title = "The service is temporarily unavailable"
    status = 503
    retry_after_s = 5


class EraseFailedError(UnavailableError):
    """Files of a job could not be deleted after several attempts."""

    code = "erase_failed"
    title = "The job could not be erased completely; try again"


class StorageFullError(DuyguError):
    """The storage has too little free space for another upload."""

    code = "storage_full"
    title = "The storage has too little free space for another upload"
    status = 503
    retry_after_s = MINUTE_S


class LiveError(DuyguError):
    """A message on the live socket is invalid."""

    code = "invalid_message"
    title = "The message is invalid"
    status = 422


class NotAPictureError(LiveError):
    """The frame is not a JPEG, PNG or WebP picture."""

    code = "not_a_picture"
    title = "The frame is not a JPEG, PNG or WebP picture"
    status = 415


class UndecodablePictureError(LiveError):
    """The frame has the signature of a picture, but cannot be decoded."""

    code = "undecodable_picture"
    title = "The picture could not be decoded"


class OutOfOrderError(LiveError):
    """The capture time of a frame is not later than that of the previous frame."""

    code = "out_of_order"
    title = "The capture time is not later than that of the previous frame"


class TooManySessionsError(LiveError):
    """As many live sessions are open as the key or the service allows."""

    code = "too_many_sessions"
    title = "Too many live sessions are open"
    status = 429
    retry_after_s = 10


class IdleError(LiveError):
    """No message arrived from the client within the idle timeout."""

    code = "idle"
    title = "The session was idle for too long"
    status = 408


class SlowReaderError(LiveError):
    """The client does not read the messages of the service."""

    code = "slow_reader"
    title = "The client reads its messages too slowly"
    status = 408


class NoWorkerError(UnavailableError):
    """No worker serves live sessions."""

    code = "no_worker"
    title = "No worker for live sessions is available"


class SessionLostError(UnavailableError):
    """Redis no longer has the session."""

    code = "session_lost"
    title = "The session was lost; open a new one"


class StateLostError(UnavailableError):
    """A worker could not read the stored state of a session, for example after an update of the service."""

    code = "state_lost"
    title = "The state of the session was lost; the session continues, and all faces get new ids"


class VideoError(DuyguError):
    """The file cannot be analysed for a reason that lies in the file."""

    code = "unusable_video"
    title = "The video cannot be used"
    status = 422


class EmptyFileError(VideoError):
    """The file has no bytes."""

    code = "empty_file"
    title = "The file is empty"


class NotAVideoError(VideoError):
    """The file is no video container: text, an archive, a program, random bytes, a playlist."""

    code = "not_a_video"
    title = "The file is not a video"
    status = 415


class NoVideoStreamError(VideoError):
    """The container has no video stream, as in a sound recording."""

    code = "no_video_stream"
    title = "The file has no video stream"


class EncryptedVideoError(VideoError):
    """The video stream is encrypted."""

    code = "encrypted"
    title = "The video is encrypted"


class TooManyPixelsError(VideoError):
    """The frames have more pixels than the limit."""

    code = "too_many_pixels"
    title = "The frames of the video have too many pixels"


class TooLongError(VideoError):
    """The video is longer than the limit."""

    code = "too_long"
    title = "The video is too long"


class StartBeyondEndError(VideoError):
    """The option `start_s` is beyond the last picture of the video."""

    code = "start_beyond_end"
    title = "The part of the video starts after its end"


class EmptyPartError(VideoError):
    """No picture of the video is between `start_s` and `end_s`."""

    code = "empty_part"
    title = "The part of the video has no picture"


class UndecodableVideoError(VideoError):
    """The container has a video stream, but no frame of it could be decoded."""

    code = "undecodable"
    title = "No frame of the video could be decoded"


class DecoderLimitError(VideoError):
    """Decoding exceeded the memory or time limit."""

    code = "decoder_limit"
    title = "Decoding the video exceeded the memory or time limit"


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


class StorageAwayError(DuyguError):
    """The worker could not reach the bucket, although the job was deferred and retried."""

    code = "storage_away"
    title = "The storage was unreachable for an hour"


class OutOfMemoryError(DuyguError):
    """The worker ran out of memory."""

    code = "out_of_memory"
    title = "The worker ran out of memory"


class JobTimeoutError(DuyguError):
    """The job ran longer than its time limit."""

    code = "timed_out"
    title = "The job exceeded its time limit"


class ModelError(DuyguError):
    """The model folder is missing, damaged or incompatible. The process does not start."""

    code = "bad_model"
    title = "The model cannot be loaded"


class TrainingDataError(DuyguError):
    """The training data violates the documented format."""

    code = "bad_training_data"
    title = "The training data is invalid"


class SubjectLeakError(TrainingDataError):
    """One subject would be in both parts of a split, which invalidates every measurement."""

    code = "subject_leak"
    title = "A subject is in both parts of the split"


class ConfigurationError(DuyguError):
    """The settings contradict each other or name something that does not exist."""

    code = "bad_configuration"
    title = "The configuration is invalid"


class InvalidLabelsError(InvalidOptionError, ConfigurationError):
    """`labels` is empty or names a label that the model does not output.

    Also a ConfigurationError, which an unknown label raised in earlier versions.
    """

    code = "invalid_labels"
    title = "The option labels is invalid"


class InvalidStudyError(RequestError):
    """The table of a study, of its markers, or a setting of the study is invalid."""

    code = "invalid_study"
    title = "The study is invalid"


class UnreadableFileError(RequestError):
    """A file does not exist or cannot be read."""

    code = "unreadable_file"
    title = "The file cannot be read"


def _subclasses(cls: type[DuyguError]) -> list[type[DuyguError]]:
    return [cls, *(sub for child in cls.__subclasses__() for sub in _subclasses(child))]


def one_line(error: Exception) -> str:
    """One line for an error without a code: its type and the first line of its message."""
    first = next(iter(str(error).strip().splitlines()), "")
    return f"{type(error).__name__}: {first}" if first else type(error).__name__


def server_error_codes() -> list[str]:
    """Codes of server errors: those that lie with the service and its surroundings, not with the request."""
    return [code for code, cls in by_code().items() if cls.status >= SERVER_ERROR]


def from_code(code: str, detail: str | None = None) -> DuyguError:
    """The error that a record, a child process or a service reported; DuyguError itself for an unknown code."""
    cls = by_code().get(code, DuyguError)
    error = cls.__new__(cls)
    DuyguError.__init__(error, detail)  # some subclasses build the detail from other arguments
    return error


def by_code() -> dict[str, type[DuyguError]]:
    """Every error class by its code, for the documentation and for re-raising what a child process reported."""
    found: dict[str, type[DuyguError]] = {}
    for cls in _subclasses(DuyguError):
        found.setdefault(cls.code, cls)
    return found
