"""The operations of an edit, as the API, the command line and files of edits have them."""

from typing import Annotated, Literal

from pydantic import AfterValidator, ConfigDict, Field, TypeAdapter, model_validator

from duygu.shared.schemas.base import Probability, Schema, Seconds
from duygu.shared.schemas.result import RecordedBaseline
from duygu.shared.schemas.visible_text import is_visible

MAX_NAME = 80
"""Maximum length of a face's name, in characters."""

MAX_EDITS = 2000
"""Maximum number of edits of one result."""

FaceId = Annotated[int, Field(ge=1)]


def _clean_name(name: str) -> str:
    """The name without leading and trailing space. Raises ValueError for an empty name and control characters."""
    name = name.strip()
    if not name:
        raise ValueError("the name is empty")
    if not is_visible(name):
        raise ValueError("the name contains a control character")
    return name


Name = Annotated[str, Field(max_length=MAX_NAME), AfterValidator(_clean_name)]


class Operation(Schema):
    """Base of the operations."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Rename(Operation):
    """Give a face a name; null removes it."""

    op: Literal["rename"] = "rename"
    face_id: FaceId
    name: Name | None


class Merge(Operation):
    """Join a face to another one: its windows and positions become those of `into`, and its id disappears."""

    op: Literal["merge"] = "merge"
    face_id: FaceId
    into: FaceId

    @model_validator(mode="after")
    def _check(self) -> "Merge":
        if self.face_id == self.into:
            raise ValueError(f"face {self.face_id} cannot be merged into itself")
        return self


class Split(Operation):
    """Split a face in time: the part from `at_s` on becomes a new face, with the lowest id that was never used."""

    op: Literal["split"] = "split"
    face_id: FaceId
    at_s: Seconds


class _Part(Operation):
    """A face, or a part of its time."""

    face_id: FaceId
    start_s: Seconds | None = Field(default=None, description="start of the part; null, with `end_s`, for all of it")
    end_s: Seconds | None = None

    @model_validator(mode="after")
    def _check(self) -> "_Part":
        if (self.start_s is None) != (self.end_s is None):
            raise ValueError("start_s and end_s must be given together")
        if self.start_s is not None and self.end_s is not None and self.end_s <= self.start_s:
            raise ValueError(f"end_s {self.end_s} is not above start_s {self.start_s}")
        return self

    @property
    def span(self) -> tuple[float, float] | None:
        """Start and end of the part in seconds; None for the whole face."""
        return None if self.start_s is None or self.end_s is None else (self.start_s, self.end_s)


class Exclude(_Part):
    """Exclude a face, or a part of its time, from exports and statistics."""

    op: Literal["exclude"] = "exclude"


class Include(_Part):
    """Revert the exclusion of a face, or of a part of its time."""

    op: Literal["include"] = "include"


class SetBaseline(_Part):
    """Take a part of a face's time, or another recording, as its resting face, to which `relative` refers.

    With neither, the face has no baseline.
    """

    op: Literal["baseline"] = "baseline"
    recording: RecordedBaseline | None = Field(
        default=None, description="as `GET /v1/jobs/{id}/baseline` of the other recording responds; without a part"
    )

    @model_validator(mode="after")
    def _check_recording(self) -> "SetBaseline":
        if self.recording is not None and self.span is not None:
            raise ValueError("a baseline is a part of the face's time or another recording, not both")
        return self


class Threshold(Operation):
    """Set the threshold of `uncertain` for all windows of the result; null returns to that of the model."""

    op: Literal["threshold"] = "threshold"
    uncertain_below: Probability | None


Edit = Annotated[Rename | Merge | Split | Exclude | Include | SetBaseline | Threshold, Field(discriminator="op")]

EDIT: TypeAdapter[Edit] = TypeAdapter(Edit)
"""Validates one edit from JSON or plain values."""

EDITS: TypeAdapter[list[Edit]] = TypeAdapter(Annotated[list[Edit], Field(max_length=MAX_EDITS)])
"""Validates a list of edits."""
