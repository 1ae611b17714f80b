"""Columns of the tables of a study, with what the code book says about each."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from duygu.shared.workbench.sheets.columns import LABELS


class Kind(StrEnum):
    """Type of the values of a column."""

    TEXT = "text"
    NUMBER = "number"
    INTEGER = "integer"
    TRUTH = "truth"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table and its entry in the code book."""

    name: str
    kind: Kind
    meaning: str
    unit: str = ""
    range: str = ""
    computed: str = ""
    """How the value is computed; empty for input."""


def text(name: str, meaning: str, computed: str = "", *, values: str = "") -> Column:
    """A column of text."""
    return Column(name, Kind.TEXT, meaning, "", values, computed)


def share(name: str, meaning: str, computed: str) -> Column:
    """A share or probability from 0 to 1."""
    return Column(name, Kind.NUMBER, meaning, "1", "0 to 1", computed)


def difference(name: str, meaning: str, computed: str) -> Column:
    """A difference of two shares or probabilities."""
    return Column(name, Kind.NUMBER, meaning, "1", "-1 to 1", computed)


def seconds(name: str, meaning: str, computed: str = "", *, values: str = "at least 0") -> Column:
    """A time or length."""
    return Column(name, Kind.NUMBER, meaning, "s", values, computed)


def number(name: str, meaning: str, computed: str, unit: str = "1", values: str = "") -> Column:
    """Any other number."""
    return Column(name, Kind.NUMBER, meaning, unit, values, computed)


def count(name: str, meaning: str, computed: str = "") -> Column:
    """A number of things."""
    return Column(name, Kind.INTEGER, meaning, "", "at least 0", computed)


def truth(name: str, meaning: str, computed: str = "") -> Column:
    """`true` or `false`."""
    return Column(name, Kind.TRUTH, meaning, "", "true, false", computed)


NUMERIC = re.compile(r"[+-]?(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,15})?(?:[eE][+-]?[0-9]{1,2})?", re.ASCII)
"""A free cell that is a number. Digits after a leading zero, as in 007, and longer ones are a name."""


def free(name: str, cells: Iterable[str]) -> Column:
    """A column that study.csv has beside `INPUTS`: of numbers if each cell that is not empty is one, else of text."""
    filled = [cell for cell in cells if cell]
    numeric = bool(filled) and all(NUMERIC.fullmatch(cell) for cell in filled)
    if numeric:
        return Column(name, Kind.NUMBER, "free column of study.csv, a number", "as in study.csv")
    return text(name, "free column of study.csv")


PARTICIPANT = text("participant", "participant, as in study.csv")
GROUP = text("group", "group of the participant, as in study.csv; empty without one")
STIMULUS = text("stimulus", "stimulus, as in study.csv; empty without one")
PATH = text("path", "video, as in study.csv")
FACE = Column(
    "face",
    Kind.INTEGER,
    "face_id of the chosen face",
    "",
    "at least 1",
    "`face` of study.csv, or the face with the longest time in windows between start_s and end_s",
)
LABEL = text("emotion", "label of the model", values=", ".join(LABELS))

IDENTITY = [PARTICIPANT, GROUP, STIMULUS]
