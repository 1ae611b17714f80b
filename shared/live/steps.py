"""What the API and a worker send each other about the frames of a live session."""

from pydantic import ConfigDict, Field, TypeAdapter

from duygu.shared.live.messages import LiveFace, SessionOptions
from duygu.shared.schemas.base import Schema, Seconds
from duygu.shared.schemas.result import Warning  # noqa: A004


class StepMessage(Schema):
    """Base of what is written into Redis: names there never change, so that versions understand each other."""

    model_config = ConfigDict(serialize_by_alias=True, validate_by_name=True, validate_by_alias=True)


class FrameInfo(StepMessage):
    """A frame without its picture. The last one of a session has no picture."""

    time_s: Seconds = Field(description="capture time, from the first frame's")
    options: SessionOptions = SessionOptions()
    last: bool = False
    overload_drops: int = Field(
        default=0,
        validation_alias="crowded",
        serialization_alias="crowded",
        description="frames of the session so far that newer ones replaced before a step",
    )


class Refusal(StepMessage):
    """Why the resting face of a session was refused."""

    code: str
    detail: str


class Reply(StepMessage):
    """A worker's reply to one frame: faces, an error code with its detail, or that load shedding skipped it."""

    seq: int
    width: int = 0
    height: int = 0
    faces: tuple[LiveFace, ...] = ()
    warnings: tuple[Warning, ...] = ()
    refused: Refusal | None = None
    code: str | None = None
    detail: str = ""
    skipped: bool = Field(default=False, validation_alias="passed_over", serialization_alias="passed_over")


REPLIES: TypeAdapter[list[Reply]] = TypeAdapter(list[Reply])


def read_replies(content: bytes | str) -> list[Reply]:
    """Parse the replies of a worker, also of a newer version. Raises ValidationError."""
    return REPLIES.validate_json(content, extra="ignore")
