"""Labels: what a person, the rater, says about a face in a stretch of time."""

from collections.abc import Iterable
from itertools import pairwise
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter, model_validator

from duygu.shared.errors import LabelsOverlapError
from duygu.shared.schemas.base import Schema, Seconds
from duygu.shared.schemas.emotions import EMOTIONS

MAX_LABELS = 5000
"""Maximum number of labels of one rater for one result."""

CANNOT_TELL = "cannot_tell"
"""The answer of a rater who sees no clear emotion. It counts as a missing value."""

LabelEmotion = Literal["anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral", "cannot_tell"]

RATER_PATTERN = "^[a-z0-9-]{1,40}$"
"""Names of raters: they are part of a URL and of a key in Redis."""

Rater = Annotated[str, Field(pattern=RATER_PATTERN)]

SYNONYMS = {
    "angry": "anger",
    "disgusted": "disgust",
    "fearful": "fear",
    "afraid": "fear",
    "happy": "happiness",
    "joy": "happiness",
    "sad": "sadness",
    "surprised": "surprise",
    "calm": "neutral",
}
"""Other words for the seven labels."""


class Label(Schema):
    """A stretch of a face with the emotion that a rater sees in it."""

    face_id: int = Field(ge=1)
    start_s: Seconds
    end_s: Seconds
    emotion: LabelEmotion

    @model_validator(mode="after")
    def _check(self) -> "Label":
        if self.end_s <= self.start_s:
            raise ValueError(f"end_s {self.end_s} is not above start_s {self.start_s}")
        return self

    @property
    def middle_s(self) -> float:
        """The middle of the stretch, in seconds."""
        return (self.start_s + self.end_s) / 2


Labels = Annotated[list[Label], Field(max_length=MAX_LABELS)]

LABELS: TypeAdapter[list[Label]] = TypeAdapter(Labels)
"""Validates the labels of one rater from JSON or plain values."""


def ordered(labels: Iterable[Label]) -> list[Label]:
    """Labels by face and time. Raises LabelsOverlapError when two labels of a face overlap."""
    found = sorted(labels, key=lambda label: (label.face_id, label.start_s, label.end_s))
    for one, other in pairwise(found):
        if one.face_id == other.face_id and other.start_s < one.end_s:
            raise LabelsOverlapError(one.face_id, (one.start_s, one.end_s), (other.start_s, other.end_s))
    return found


def emotion_of(word: str) -> str | None:
    """The label for a word or a synonym, in any case; None for another word."""
    lower = word.strip().lower().replace(" ", "_").replace("-", "_")
    emotion = SYNONYMS.get(lower, lower)
    return emotion if emotion in (*EMOTIONS, CANNOT_TELL) else None
