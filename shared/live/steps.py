"""What the API and a worker tell each other about the frames of a live session."""

from pydantic import Field, TypeAdapter

from duygu.shared.live.messages import LiveFace, Options
from duygu.shared.schemas import Schema, Seconds


class About(Schema):
    """What a worker needs to know of a frame besides the picture. The last one of a session has no picture."""

    time_s: Seconds = Field(description="capture time, from the first frame's")
    options: Options = Options()
    last: bool = False
    crowded: int = Field(default=0, description="frames so far that had to make way for newer ones, as nobody had time")


class Reply(Schema):
    """What a worker says of one frame: faces, a code with its detail, or that it was passed over for a newer one."""

    seq: int
    width: int = 0
    height: int = 0
    faces: tuple[LiveFace, ...] = ()
    code: str | None = None
    detail: str = ""
    passed_over: bool = False


REPLIES: TypeAdapter[list[Reply]] = TypeAdapter(list[Reply])
