"""Schemas of studies that the service keeps."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, StringConstraints, WithJsonSchema, model_validator

from duygu.shared.schemas.base import Schema
from duygu.shared.schemas.job import JobStatus
from duygu.shared.workbench.sheets.line import FaultCode

MAX_ROWS, MAX_MARKERS, MAX_FREE, MAX_CELL = 500, 2000, 50, 200
"""Maximum number of rows, markers and further columns of a study, and of characters in a cell."""


def _text(value: Any) -> Any:
    """Numbers of clients as text; `true` and `false` are neither."""
    return f"{value:.12g}" if isinstance(value, int | float) and not isinstance(value, bool) else value


Cell = Annotated[
    Annotated[str, StringConstraints(max_length=MAX_CELL, strip_whitespace=True)],
    BeforeValidator(_text),
    WithJsonSchema({"anyOf": [{"type": "string", "maxLength": MAX_CELL}, {"type": "number"}]}),
]
"""A cell of a table as text. A number is accepted and stored as text."""

JobIdText = Annotated[str, Field(pattern="^[0-9a-f]{32}$")]


class StudyCells(Schema):
    """One recording of a study. Cells are text, so that a table can be stored before it is complete."""

    job_id: JobIdText
    participant: Cell = ""
    group: Cell = ""
    stimulus: Cell = ""
    offset_s: Cell = Field(default="", description="time of the video at which the stimulus starts; default 0")
    start_s: Cell = Field(default="", description="start of the part that counts; default: that of the video")
    end_s: Cell = Field(default="", description="end of the part that counts; default: that of the video")
    baseline: Cell = Field(
        default="",
        description="the participant at rest: a part of the video, as in `0-10`, or another job, by its id or, if it "
        "is in the study, its title",
    )
    face: Cell = Field(default="", description="`face_id` or name; default: the face with the longest time")
    free: dict[Annotated[str, StringConstraints(min_length=1, max_length=60, strip_whitespace=True)], Cell] = Field(
        default={}, max_length=MAX_FREE, description="further columns, which every table has"
    )


class MarkerCells(Schema):
    """An event of a participant, of a stimulus, or of both."""

    name: Cell = ""
    time_s: Cell = Field(default="", description="seconds on the clock of the stimulus")
    duration_s: Cell = ""
    participant: Cell = ""
    stimulus: Cell = ""


class StudyChoices(Schema):
    """How the tables are computed; absent fields have the defaults of `duygu study`."""

    up: float | None = Field(default=None, ge=0, le=1, description="probability from which an episode starts")
    down: float | None = Field(default=None, ge=0, le=1, description="probability below which an episode ends")
    min_length_s: float | None = Field(default=None, ge=0, le=3600, description="shortest episode")
    gap_s: float | None = Field(default=None, ge=0, le=3600, description="longest interruption within an episode")
    around_s: float | None = Field(default=None, ge=0.01, le=3600, description="time before and after a marker")
    step_s: float | None = Field(default=None, ge=0.05, le=3600, description="width of the bins of time courses")
    window_s: float | None = Field(default=None, ge=0.5, le=3600, description="length of the windows of synchrony")
    lag_s: float | None = Field(default=None, ge=0, le=60, description="longest lag of synchrony")

    def chosen(self) -> dict[str, float]:
        """The settings that differ from the defaults."""
        return self.model_dump(exclude_none=True)


class StudyContent(Schema):
    """What a client stores of a study."""

    title: Annotated[str, StringConstraints(max_length=MAX_CELL, strip_whitespace=True)] = ""
    rows: list[StudyCells] = Field(default=[], max_length=MAX_ROWS)
    markers: list[MarkerCells] = Field(default=[], max_length=MAX_MARKERS)
    settings: StudyChoices = StudyChoices()

    @model_validator(mode="after")
    def _has_few_columns(self) -> Self:
        if len({name for row in self.rows for name in row.free}) > MAX_FREE:
            raise ValueError(f"the rows have more than {MAX_FREE} further columns together")
        return self


class StudyFault(Schema):
    """What is wrong with a study. It can be stored nevertheless, but not exported."""

    table: Literal["rows", "markers"]
    row: int | None = Field(ge=1, description="number of the row, from 1; null for a whole column or table")
    column: str = Field(description="empty for a whole row")
    code: FaultCode
    message: str


class StudyJob(Schema):
    """A job of a study that the caller may see."""

    job_id: str
    path: str = Field(description="name in the tables: the title, with the id where several have it, or the id")
    status: JobStatus
    duration_s: float | None = Field(default=None, description="length of the video; null while it is unknown")
    faces: int | None = Field(default=None, description="number of faces in the result; null without a result")


class StudyLinks(Schema):
    """Related resources."""

    self: str
    export: str = Field(description="ZIP of the tables")


class Study(StudyContent):
    """A study that the service keeps until it is deleted."""

    study_id: str
    version: int = Field(ge=1, description="grows with every change; the `ETag`")
    created_at: datetime
    changed_at: datetime
    jobs: list[StudyJob] = Field(description="the jobs of its rows and baselines")
    faults: list[StudyFault] = Field(description="what has to be corrected before the study can be exported")
    links: StudyLinks


class StudySummary(Schema):
    """A study in a list."""

    study_id: str
    title: str
    rows: int = Field(ge=0, description="number of recordings")
    created_at: datetime
    changed_at: datetime


class StudyPage(Schema):
    """One page of studies, newest first."""

    studies: list[StudySummary]
    next_cursor: str | None = Field(default=None, description="`cursor` of the next page; null on the last one")


class StudyExport(Schema):
    """The ZIP of a study while it is being computed."""

    status: Literal["queued", "running"]
    progress: float = Field(ge=0, le=1)
