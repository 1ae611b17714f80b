"""Options of one analysis, by the same names as form fields, JSON, command-line flags and arguments of `analyze`."""

import hashlib
import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, TypedDict, get_args

from pydantic import BeforeValidator, Field, ValidationError, ValidationInfo, field_validator

from duygu.shared.errors import (
    InvalidBaselineError,
    InvalidEndError,
    InvalidEveryError,
    InvalidLabelsError,
    InvalidMaxFacesError,
    InvalidMeasuresError,
    InvalidMinFaceError,
    InvalidOptionError,
    InvalidStartError,
    UnknownParameterError,
)
from duygu.shared.model.label_choice import chosen_labels
from duygu.shared.schemas.base import JOB_ID, Schema

LATEST_S = 1e7
"""Maximum of `start_s` and `end_s`, far beyond any video."""

SHORTEST_EVERY_S = 0.01
"""Minimum of `every_s`, far below the interval of two windows."""

SMALLEST_FACE = 0.01
"""Minimum of `min_face`. The cost of the detection grows with the inverse square of it."""

MOST_FACES = 1000
"""Maximum of `max_faces`, as of the setting."""

AUTO = "auto"
"""The baseline that is chosen from each face's own track."""

MOST_BASELINE_SPANS = 20
"""Maximum number of spans of a baseline."""

LONGEST_SHOWN = 40
"""Characters of an invalid value that an error quotes."""


def _number(value: object) -> object:
    """A number or its text. JSON's `true` is no number."""
    if isinstance(value, bool):
        raise ValueError("a number is required")
    return value


def _names(value: object) -> object:
    """Names as a list, from a list of texts, each with names separated by commas."""
    if isinstance(value, str):
        value = [value]
    if isinstance(value, list | tuple) and all(isinstance(text, str) for text in value):
        return [name.strip() for text in value for name in text.split(",")]
    return value


def _measures(value: object) -> object:
    """Names of measures, as `_names` reads them."""
    names = _names(value)
    if isinstance(names, list) and (unknown := [name for name in names if name not in MEASURES]):
        raise ValueError(f"unknown measure {_shown(unknown[0])}; known: {', '.join(MEASURES)}")
    return names


NO_BASELINE = "`auto`, spans such as `3-13,20-25` in seconds, or a recording is required"

SPAN = re.compile(r"\s*(\d+(?:\.\d*)?)\s*-\s*(\d+(?:\.\d*)?)\s*")


def _baseline(value: object) -> object:
    """The normal form of a baseline: `auto`, the id of a job, or its spans in order, joined where they overlap.

    value  that text, several of them, or pairs of numbers
    """
    if value is None or value == AUTO or is_job_id(value):
        return value
    spans = [_span(part) for part in _span_parts(value)]
    if not 1 <= len(spans) <= MOST_BASELINE_SPANS:
        raise ValueError(f"1 to {MOST_BASELINE_SPANS} spans are required")
    return ",".join(f"{_seconds(start_s)}-{_seconds(end_s)}" for start_s, end_s in joined_spans(spans))


def is_job_id(value: object) -> bool:
    """Whether a baseline is the id of a job, whose recording shows the person at rest."""
    return isinstance(value, str) and JOB_ID.fullmatch(value) is not None


def baseline_spans(baseline: str | None) -> list[tuple[float, float]]:
    """Starts and ends of a baseline in its normal form, in seconds; empty if it is not made of spans."""
    if baseline is None or baseline == AUTO or is_job_id(baseline):
        return []
    return [_span(part) for part in baseline.split(",")]


def baseline_file(value: object) -> Path | None:
    """The file of a baseline that is another recording; None for other baselines."""
    if isinstance(value, Path):
        return value
    if not isinstance(value, str):
        return None
    try:
        _baseline(value)
    except ValueError:
        return Path(value) if Path(value).is_file() else None
    return None


def chosen_spans(value: object) -> object:
    """The normal form of a baseline that is taken from spans, as `AnalysisOptions` has it. Raises ValueError."""
    if value == AUTO:
        raise ValueError("`auto` needs a whole recording; spans such as `0-3` are required")
    if is_job_id(value):
        raise ValueError("a job is a baseline of whole recordings; spans such as `0-3` are required")
    return _baseline(value)


def _span_parts(value: object) -> Sequence[object]:
    if isinstance(value, str):
        return value.split(",")
    if isinstance(value, list | tuple):
        return [part for item in value for part in (item.split(",") if isinstance(item, str) else [item])]
    raise ValueError(NO_BASELINE)


def _span(part: object) -> tuple[float, float]:
    """Start and end in seconds, of a text or of a pair of numbers."""
    if isinstance(part, str) and (found := SPAN.fullmatch(part)):
        start_s, end_s = map(float, found.groups())
    elif isinstance(part, list | tuple) and [type(item) in (int, float) for item in part] == [True, True]:
        start_s, end_s = map(float, part)
    else:
        raise ValueError(NO_BASELINE)
    start_s, end_s = round(start_s, 3), round(end_s, 3)
    if not 0 <= start_s < end_s <= LATEST_S:
        raise ValueError(f"each span ends after its start, and lies between 0 and {LATEST_S:g} s")
    return start_s, end_s


def _seconds(value: float) -> str:
    return f"{value:.3f}".rstrip("0").rstrip(".")


def joined_spans(spans: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    """The union of spans, in order of time."""
    joined: list[tuple[float, float]] = []
    for start_s, end_s in sorted(spans):
        if joined and start_s <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end_s))
        else:
            joined.append((start_s, end_s))
    return joined


Number = Annotated[float, BeforeValidator(_number)]
Count = Annotated[int, BeforeValidator(_number)]
Name = Annotated[str, Field(min_length=1, max_length=40)]
Measure = Literal["movements"]

MEASURES: tuple[Measure, ...] = get_args(Measure)

MOVEMENTS: Measure = "movements"
"""The measure of facial movements, head pose and speaking."""


class AnalysisOptions(Schema):
    """Options of one analysis. None selects the default of the service."""

    start_s: Annotated[Number, Field(ge=0, le=LATEST_S)] | None = Field(
        default=None, description="start of the part to analyse, in seconds from the first frame; null: the beginning"
    )
    end_s: Annotated[Number, Field(gt=0, le=LATEST_S)] | None = Field(
        default=None, description="end of the part to analyse, exclusive; beyond the end of the video or null: the end"
    )
    every_s: Annotated[Number, Field(ge=SHORTEST_EVERY_S)] | None = Field(
        default=None, description="keep only the windows that contain a multiple of so many seconds; null keeps all"
    )
    labels: Annotated[tuple[Name, ...], Field(min_length=1, max_length=40), BeforeValidator(_names)] | None = Field(
        default=None,
        description="labels to report, all others as `other`; null reports all. Probabilities do not change",
    )
    min_face: Annotated[Number, Field(ge=SMALLEST_FACE, le=1)] | None = Field(
        default=None,
        description="minimum size of a detected face, as a share of the shorter side of the frame; null: the setting",
    )
    max_faces: Annotated[Count, Field(ge=1, le=MOST_FACES)] | None = Field(
        default=None, description="maximum number of faces tracked at the same time; null: the setting"
    )
    measures: Annotated[tuple[Measure, ...], Field(min_length=1, max_length=10), BeforeValidator(_measures)] | None = (
        Field(default=None, description="what is measured besides emotions: `movements`; null: nothing")
    )

    baseline: Annotated[str, BeforeValidator(_baseline)] | None = Field(
        default=None,
        description="resting face of each person, to which `relative` of the windows refers: `auto`, spans in seconds "
        "such as `3-13,20-25`, or the id of a job whose video shows the person alone; null: none",
        examples=["auto", "3-13"],
    )

    @property
    def baseline_spans(self) -> list[tuple[float, float]]:
        """Starts and ends of the baseline in seconds; empty for `auto` and without one."""
        return baseline_spans(self.baseline)

    @property
    def baseline_job(self) -> str | None:
        """Id of the job whose recording is the baseline; None for another baseline and without one."""
        return self.baseline if is_job_id(self.baseline) else None

    @property
    def measures_movements(self) -> bool:
        """Whether facial movements are measured."""
        return self.measures is not None and MOVEMENTS in self.measures

    @field_validator("end_s")
    @classmethod
    def _end_after_start(cls, end_s: float | None, info: ValidationInfo) -> float | None:
        start_s = info.data.get("start_s")
        if end_s is not None and start_s is not None and end_s <= start_s:
            raise ValueError(f"input should be greater than `start_s`, {start_s:g}")
        return end_s

    @property
    def fingerprint(self) -> str:
        """Equal for options that give the same result; empty for the defaults."""
        labels = None if self.labels is None else tuple(sorted(set(self.labels)))
        measures = None if self.measures is None else tuple(sorted(set(self.measures)))
        chosen = self.model_copy(update={"labels": labels, "measures": measures}).model_dump_json(exclude_none=True)
        return "" if chosen == "{}" else hashlib.sha256(chosen.encode()).hexdigest()


class OptionValues(TypedDict, total=False):
    """The options as keyword arguments of Python; `AnalysisOptions` describes them."""

    start_s: float | None
    end_s: float | None
    every_s: float | None
    labels: Sequence[str] | None
    min_face: float | None
    max_faces: int | None
    measures: Sequence[str] | None
    baseline: str | Path | Sequence[tuple[float, float]] | None


DEFAULTS = AnalysisOptions()

NAMES = tuple(AnalysisOptions.model_fields)
"""The names of all options."""

PICTURE_NAMES = ("labels", "min_face", "max_faces")
"""The names of the options that apply to a picture."""

ERRORS: Mapping[str, type[InvalidOptionError]] = {
    "start_s": InvalidStartError,
    "end_s": InvalidEndError,
    "every_s": InvalidEveryError,
    "labels": InvalidLabelsError,
    "min_face": InvalidMinFaceError,
    "max_faces": InvalidMaxFacesError,
    "measures": InvalidMeasuresError,
    "baseline": InvalidBaselineError,
}
"""The error of each option."""


def read_options(values: Mapping[str, Any], *, kind: str = "option") -> AnalysisOptions:
    """Options from plain values or from the texts of a form, in which an empty text selects the default.

    kind  what the values are, for the error of an unknown name

    Raises UnknownParameterError and, for an invalid value, the error of its option.
    """
    for name in values:
        if name not in NAMES:
            raise UnknownParameterError(kind, name, NAMES)
    try:
        return AnalysisOptions.model_validate({name: value for name, value in values.items() if value != ""})
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        name = str(fault["loc"][0])
        raise ERRORS[name](f"`{name}` {_shown(values[name])}: {_problem(fault['msg'])}") from error


def require_for_pictures(options: AnalysisOptions) -> None:
    """Raise the error of an option that does not apply to pictures."""
    for name in NAMES:
        if name not in PICTURE_NAMES and getattr(options, name) is not None:
            raise not_for_pictures(name)


def not_for_pictures(name: str) -> InvalidOptionError:
    """The error of an option that does not apply to pictures."""
    return ERRORS[name](f"`{name}` does not apply to a picture; {', '.join(f'`{one}`' for one in PICTURE_NAMES)} do")


def form_fields(options: AnalysisOptions) -> dict[str, str | list[str]]:
    """The options as fields of a form, of which `read_options` makes the same options again."""
    chosen = options.model_dump(mode="json", exclude_none=True)
    return {name: value if isinstance(value, list) else _field(value) for name, value in chosen.items()}


def _field(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def require_no_job(options: AnalysisOptions) -> None:
    """Raise InvalidBaselineError for a baseline that is the job of a service."""
    if options.baseline_job is not None:
        raise InvalidBaselineError(f"`baseline` {options.baseline}: a job is a baseline of a service; name a recording")


def require_labels(options: AnalysisOptions, known: Sequence[str]) -> None:
    """Raise InvalidLabelsError if the options select a label that the model does not output."""
    if options.labels is not None:
        try:
            chosen_labels(options.labels, known)
        except ValueError as error:
            raise InvalidLabelsError(str(error)) from error


def part_length(duration_s: float | None, start_s: float | None, end_s: float | None) -> float | None:
    """Length of the part of a video of this duration, in seconds; None while it is unknown."""
    ends = [value for value in (duration_s, end_s) if value is not None]
    return max(min(ends) - (start_s or 0.0), 0.0) if ends else None


def _shown(value: object) -> str:
    text = str(value) if isinstance(value, int | float) and math.isfinite(value) else repr(value)
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"


def _problem(message: str) -> str:
    """The message of a validator, which pydantic begins with a capital or with a prefix."""
    message = message.removeprefix("Value error, ")
    return message[0].lower() + message[1:]
