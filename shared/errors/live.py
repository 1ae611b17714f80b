"""The live socket."""

from duygu.shared.errors.base import DuyguError
from duygu.shared.errors.services import UnavailableError


class LiveError(DuyguError):
    """A message on the live socket is invalid."""

    code = "invalid_message"
    title = "The message is invalid"
    status = 422


class NotAPictureError(LiveError):
    """The file or the frame is not a picture."""

    code = "not_a_picture"
    title = "Not a picture of a supported kind"
    status = 415


class UndecodablePictureError(LiveError):
    """The file or the frame has the signature of a picture, but cannot be decoded."""

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


class SessionLostError(UnavailableError):
    """Redis no longer has the session."""

    code = "session_lost"
    title = "The session was lost; open a new one"


class StateLostError(UnavailableError):
    """A worker could not read the stored state of a session, for example after an update of the service."""

    code = "state_lost"
    title = "The state of the session was lost; the session continues, and all faces get new ids"
