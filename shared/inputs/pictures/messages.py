"""What the API and a worker send each other about a picture, and the names in Redis."""

from duygu.shared.errors import DuyguError, from_code
from duygu.shared.schemas.base import Schema
from duygu.shared.schemas.options import DEFAULTS, AnalysisOptions
from duygu.shared.schemas.picture import PictureResult

WAITING = "duygu:pictures:waiting"
"""List of the ids of the pictures that wait for a worker, the oldest first."""

WORKERS = "pictures"
"""The workers that serve pictures send heartbeats for a queue of this name."""

REPLY_S = 15.0
"""Longest time from a request to its reply. A picture that waits for longer is deleted."""


def request_key(picture_id: str) -> str:
    """Hash with a waiting picture and its options. It expires after REPLY_S, and is deleted when a worker takes it."""
    return f"duygu:pictures:request:{picture_id}"


def reply_key(picture_id: str) -> str:
    """List with the reply to a picture, on which the API waits."""
    return f"duygu:pictures:reply:{picture_id}"


class PictureRequest(Schema):
    """A picture without its bytes."""

    options: AnalysisOptions = DEFAULTS


class PictureReply(Schema):
    """A worker's reply: the result, or an error code with its detail."""

    result: PictureResult | None = None
    code: str = ""
    detail: str = ""

    @classmethod
    def of_error(cls, error: DuyguError) -> "PictureReply":
        """The reply that reports an error."""
        return cls(code=error.code, detail=error.detail)

    def unwrap(self) -> PictureResult:
        """The result. Raises the error that the worker reported."""
        if self.result is None:
            raise from_code(self.code, self.detail)
        return self.result
