"""The JSON messages of the WebSocket `/v1/stream`. Binary frames are described in shared/live/header.py."""

from enum import IntEnum
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, TypeAdapter

from duygu.shared.schemas.base import Probability, Schema, Seconds
from duygu.shared.schemas.model import ModelInfo
from duygu.shared.schemas.options import MOST_FACES, SMALLEST_FACE, Measure, chosen_spans
from duygu.shared.schemas.result import Baseline, Position, RelativePrediction, Warning, Window  # noqa: A004

PROTOCOL_VERSION = "1"


class CloseCode(IntEnum):
    """The close codes of the socket. The close reason is an error code of docs/errors.md."""

    DONE = 1000
    """The client closed the session."""
    GOING_AWAY = 1001
    """The service is shutting down; reconnect later."""
    INVALID_TEXT = 1007
    """A text message is not valid UTF-8."""
    TOO_BIG = 1009
    """A message exceeds the maximum size."""
    INTERNAL = 1011
    """Internal error."""
    RESTARTING = 1012
    """The service is shutting down or restarting; reconnect later."""
    TRY_AGAIN = 1013
    """Redis or the workers are unavailable; reconnect after a moment."""
    REFUSED = 4403
    """The API key or the origin of the page is not permitted."""
    IDLE = 4408
    """No message arrived within the idle timeout."""
    SLOW_READER = 4413
    """The client does not read its messages."""
    TOO_MANY_SESSIONS = 4429
    """The session limit of the key or of the service is reached."""


class SessionLimits(Schema):
    """The limits of a session."""

    max_frame_bytes: int = Field(description="maximum size of a binary message")
    max_pixels: int = Field(description="maximum number of pixels in a picture")
    max_waiting: int = Field(
        description="maximum number of frames that wait for a worker; a further one drops the oldest"
    )
    idle_timeout_s: Seconds = Field(description="time without a message after which the session is closed")


class SessionCreated(Schema):
    """`session.created`: the first message of every session."""

    type: Literal["session.created"] = "session.created"
    session_id: str
    version: Literal["1"] = "1"
    model: ModelInfo
    limits: SessionLimits


class SessionOptions(Schema):
    """The options of a session."""

    labels: list[str] | None = Field(
        default=None,
        min_length=1,
        description="labels to report, all others as `other`; null reports all. Probabilities do not change",
    )
    min_face: Annotated[float, Field(ge=SMALLEST_FACE, le=1)] | None = Field(
        default=None,
        description="minimum size of a detected face, as a share of the shorter side of the picture; null, and "
        "anything below the setting of the service: the setting",
    )
    max_faces: Annotated[int, Field(ge=1, le=MOST_FACES)] | None = Field(
        default=None, description="maximum number of faces tracked at the same time; null: the setting of the service"
    )
    smallest_face: Probability = Field(
        default=0.0, description="minimum size of a reported face, as a share of the shorter side of the picture"
    )
    measures: list[Measure] | None = Field(
        default=None, min_length=1, description="what is measured besides emotions: `movements`; null: nothing"
    )
    baseline: Annotated[str, BeforeValidator(chosen_spans)] | None = Field(
        default=None,
        description="spans in seconds of the session, such as `0-3`, in which the person has a resting face, to which "
        "`relative` of the later windows refers; null: none",
        examples=["0-3"],
    )
    rate_hz: Annotated[float, Field(gt=0, le=60)] | None = Field(
        default=None, description="maximum number of results per second; further frames are dropped with reason `rate`"
    )


class Configure(SessionOptions):
    """`session.configure`: set the options from the next frame on."""

    type: Literal["session.configure"]


class Configured(SessionOptions):
    """`session.configured`: confirms the options."""

    type: Literal["session.configured"] = "session.configured"


class Close(Schema):
    """`session.close`: end the session once each waiting frame has its reply."""

    type: Literal["session.close"]


class LiveFace(Schema):
    """A face in a frame; `windows` and `positions` contain what this frame added."""

    face_id: int = Field(ge=1, description="never reused within a session")
    state: Literal["warming_up", "known"] = Field(description="`warming_up` until the face has its first window")
    start_s: Seconds = Field(description="first detection of the face, relative to the capture time of the first frame")
    end_s: Seconds
    emotion: str | None = Field(description="of the newest window")
    confidence: Probability | None
    probabilities: dict[str, Probability] | None
    uncertain: bool | None
    relative: RelativePrediction | None = Field(
        default=None, description="of the newest window, relative to the person's resting face; null without one"
    )
    baseline: Baseline | None = Field(
        default=None, description="the resting face that was accepted; null without one, and until the end of its span"
    )
    windows: list[Window]
    positions: list[Position]


class Numbered(Schema):
    """The frame to which a message belongs."""

    seq: int = Field(ge=1, description="number of the binary message within the session")
    frame: int | None = Field(description="frame number of the client, from the header")


class FrameReply(Numbered):
    """What `result` and `dropped` have in common."""

    overload_rate_hz: float | None = Field(
        default=None,
        description="maximum number of results per second of every session while the service is overloaded; null while "
        "it is not. Frames above it are dropped with reason `rate`, and need not be sent",
    )


class FrameResult(FrameReply):
    """`result`: the faces in a frame."""

    type: Literal["result"] = "result"
    captured_at: float = Field(
        description="capture time in seconds, from the header; without a header, the arrival time since 1970"
    )
    latency_ms: float = Field(description="time from the arrival of the frame to this message")
    width: int
    height: int
    faces: list[LiveFace]
    warnings: list[Warning] = Field(
        default=[],
        description="limitations of this result. `animated_picture`: only the first picture of an animation was used; "
        "`baseline_expressive`: the resting face was accepted, and shows an emotion",
    )


class FrameDropped(FrameReply):
    """`dropped`: the frame was not analysed."""

    type: Literal["dropped"] = "dropped"
    reason: Literal["newer", "rate"] = Field(
        description="`newer`: a newer frame displaced it; `rate`: it exceeds `rate_hz` or `overload_rate_hz`"
    )


class FrameError(Schema):
    """`error`: a frame or message was rejected, or the session ended with an error."""

    type: Literal["error"] = "error"
    seq: int | None = Field(default=None, description="null if it does not concern a frame")
    frame: int | None = None
    code: str = Field(description="as in docs/errors.md")
    detail: str
    recoverable: bool = Field(description="whether the session continues")


class Totals(Schema):
    """The totals of a session."""

    frames: int
    answered: int
    dropped: int
    errors: int
    faces: int = Field(description="number of distinct faces")
    duration_s: Seconds = Field(description="capture time of the last frame, relative to the first")


class SessionClosed(Schema):
    """`session.closed`: the last message after `session.close`."""

    type: Literal["session.closed"] = "session.closed"
    totals: Totals
    faces: list[LiveFace] = Field(description="the last windows of the faces that were still tracked")


ClientMessage = Annotated[Configure | Close, Field(discriminator="type")]
ServerMessage = Annotated[
    SessionCreated | Configured | FrameResult | FrameDropped | FrameError | SessionClosed, Field(discriminator="type")
]

CLIENT_MESSAGES: TypeAdapter[Configure | Close] = TypeAdapter(ClientMessage)
SERVER_MESSAGES: TypeAdapter[SessionCreated | Configured | FrameResult | FrameDropped | FrameError | SessionClosed] = (
    TypeAdapter(ServerMessage)
)


def read_message(
    text: bytes | str,
) -> SessionCreated | Configured | FrameResult | FrameDropped | FrameError | SessionClosed:
    """Parse a message of the service, also of a newer version. Raises ValidationError."""
    return SERVER_MESSAGES.validate_json(text, extra="ignore")
