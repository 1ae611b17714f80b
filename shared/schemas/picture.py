"""Schemas of the analysis of pictures."""

from pydantic import Field

from duygu.shared.schemas.base import Box, Probability, Schema
from duygu.shared.schemas.job import JobError
from duygu.shared.schemas.model import ModelInfo
from duygu.shared.schemas.result import Flag, Warning  # noqa: A004


class PictureSize(Schema):
    """An analysed picture, upright."""

    width: int = Field(ge=1, description="pixels of the upright picture: the orientation in its EXIF data is applied")
    height: int = Field(ge=1)


class PictureFace(Schema):
    """A face in a picture, from left to right."""

    box: Box = Field(description="x, y, width, height in pixels of the upright picture")
    score: Probability = Field(description="the detector's own confidence that this is a face")
    emotion: str = Field(description="label with the highest probability; `other` if that label was not selected")
    confidence: Probability
    probabilities: dict[str, Probability] = Field(description="as of a window; they sum to 1")
    uncertain: bool = Field(
        description="whether the highest probability over all labels of the model is below its threshold for stills"
    )
    flags: list[Flag] = Field(default=[])


class PictureResult(Schema):
    """`POST /v1/pictures`: the faces of one picture and their emotions."""

    model: ModelInfo = Field(
        description="`certain_means`: share of the faces not marked `uncertain` that were right on labelled stills"
    )
    picture: PictureSize
    faces: list[PictureFace]
    warnings: list[Warning] = Field(default=[])


class PictureItem(Schema):
    """One of several pictures: its faces, or why it was not analysed."""

    picture: PictureSize | None = Field(description="null if the picture was not analysed")
    faces: list[PictureFace] | None = Field(description="null if the picture was not analysed")
    warnings: list[Warning] = Field(default=[])
    error: JobError | None = Field(default=None, description="why the picture was not analysed; null if it was")


class PictureList(Schema):
    """`POST /v1/pictures` with several pictures: an item for each, in the order of the request."""

    model: ModelInfo | None = Field(description="null if no picture was analysed")
    pictures: list[PictureItem]
