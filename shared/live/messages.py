"""What goes through the socket `/v1/stream`, apart from the pictures themselves (shared/live/header.py)."""

from enum import IntEnum
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from duygu.shared.schemas import ModelInfo, Position, Probability, Schema, Seconds, Window

PROTOCOL_VERSION = "1"


class CloseCode(IntEnum):
    """Why the service ends a socket. The reason that goes with it is a code of docs/errors.md."""

    DONE = 1000
    """The session was closed as the client asked."""
    GOING_AWAY = 1001
    """The service stops; begin again elsewhere or later."""
    TOO_BIG = 1009
    """A message that is larger than any the service takes."""
    INTERNAL = 1011
    """Something went wrong on our side."""
    TRY_AGAIN = 1013
    """Redis or the workers are away; begin again in a moment."""
    REFUSED = 4403
    """The API key, or where the page comes from, does not allow it."""
    IDLE = 4408
    """Nothing came from the client for too long."""
    SLOW_READER = 4413
    """The client does not read its answers."""
    TOO_MANY_SESSIONS = 4429
    """As many sessions are open as the key, or the service, allows."""


class Limits(Schema):
    """What a session may do."""

    max_frame_bytes: int = Field(description="largest binary message")
    max_pixels: int = Field(description="most pixels in one picture")
    max_waiting: int = Field(description="frames that wait for a worker; one more drops the oldest")
    idle_timeout_s: Seconds = Field(description="a session without a message for so long is closed")


class SessionCreated(Schema):
    """First message of every session."""

    type: Literal["session.created"] = "session.created"
    session_id: str
    version: Literal["1"] = "1"
    model: ModelInfo
    limits: Limits


class Options(Schema):
    """How a session is answered."""

    labels: list[str] | None = Field(
        default=None,
        min_length=1,
        description="labels to report; null for all of the model's. No probability changes: the rest is `other`",
    )
    smallest_face: Probability = Field(
        default=0.0, description="smallest face to tell of, as a share of the picture's shorter side"
    )
    rate_hz: Annotated[float, Field(gt=0, le=60)] | None = Field(
        default=None, description="most results a second; frames between are dropped with reason `rate`"
    )


class Configure(Options):
    """`session.configure`: from the next frame on, answer like this."""

    type: Literal["session.configure"]


class Configured(Options):
    """The answer to `session.configure`."""

    type: Literal["session.configured"] = "session.configured"


class Close(Schema):
    """`session.close`: answer the frames that wait, then `session.closed`."""

    type: Literal["session.close"]


class LiveFace(Schema):
    """One face as one frame shows it; `windows` and `positions` are those that this frame brought."""

    face_id: int = Field(ge=1, description="never reused within a session")
    state: Literal["warming_up", "known"] = Field(description="`warming_up` until the face has its first window")
    start_s: Seconds = Field(description="when the face was first seen, from the first frame's capture time")
    end_s: Seconds
    emotion: str | None = Field(description="of the newest window")
    confidence: Probability | None
    probabilities: dict[str, Probability] | None
    uncertain: bool | None
    windows: list[Window]
    positions: list[Position]


class Numbered(Schema):
    """Says which frame it is about."""

    seq: int = Field(ge=1, description="number of the binary message within the session")
    frame: int | None = Field(description="the client's own number, from the header")


class FrameResult(Numbered):
    """`result`: what was seen in a frame."""

    type: Literal["result"] = "result"
    captured_at: float = Field(description="seconds, from the header; without one, when the frame came in since 1970")
    latency_ms: float = Field(description="from the frame's arrival until this answer left")
    width: int
    height: int
    faces: list[LiveFace]


class FrameDropped(Numbered):
    """`dropped`: the frame was not looked at."""

    type: Literal["dropped"] = "dropped"
    reason: Literal["newer", "rate"] = Field(description="a newer frame took its place, or the session's `rate_hz`")


class FrameError(Schema):
    """`error`: a frame or a message that could not be used, or the reason for the end of the session."""

    type: Literal["error"] = "error"
    seq: int | None = Field(default=None, description="null where it is not about a frame")
    frame: int | None = None
    code: str = Field(description="as in docs/errors.md")
    detail: str
    recoverable: bool = Field(description="whether the session goes on")


class Totals(Schema):
    """What a session came to."""

    frames: int
    answered: int
    dropped: int
    errors: int
    faces: int = Field(description="different faces")
    duration_s: Seconds = Field(description="capture time of the last frame, from the first")


class SessionClosed(Schema):
    """Last message of a session that was closed by `session.close`."""

    type: Literal["session.closed"] = "session.closed"
    totals: Totals
    faces: list[LiveFace] = Field(description="the last windows of the faces that were still followed")


ClientMessage = Annotated[Configure | Close, Field(discriminator="type")]
ServerMessage = Annotated[
    SessionCreated | Configured | FrameResult | FrameDropped | FrameError | SessionClosed, Field(discriminator="type")
]

CLIENT_MESSAGES: TypeAdapter[Configure | Close] = TypeAdapter(ClientMessage)
SERVER_MESSAGES: TypeAdapter[SessionCreated | Configured | FrameResult | FrameDropped | FrameError | SessionClosed] = (
    TypeAdapter(ServerMessage)
)
