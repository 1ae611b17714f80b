"""One line of a table that describes a study: its cells as text, and what is wrong with them."""

import math
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

NUMBER = re.compile(r"[+-]?(\d+[.,]?\d*|[.,]\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
"""A number, with a point or a comma as its decimal sign."""

NOT_FINITE = {"nan", "inf", "infinity"}
"""Texts that spreadsheets and programs write for a number that is not finite."""

LONGEST = 60
"""Characters of a value that a fault quotes."""


class FaultCode(StrEnum):
    """What is wrong with a table, for programs. The pages have a text for each."""

    REQUIRED = "required"
    NOT_A_NUMBER = "not_a_number"
    NOT_FINITE = "not_finite"
    BELOW_MINIMUM = "below_minimum"
    END_NOT_AFTER_START = "end_not_after_start"
    REPEATED_ROW = "repeated_row"
    TWO_GROUPS = "two_groups"
    RESERVED_COLUMN = "reserved_column"
    NOT_IN_STUDY = "not_in_study"
    UNKNOWN_BASELINE = "unknown_baseline"
    JOB_NOT_FOUND = "job_not_found"
    RESULT_NOT_READY = "result_not_ready"
    OF_THE_TABLE = "table"
    """The table as a whole: its header, its separators."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault of a table."""

    text: str
    """In words, with row and column."""
    code: FaultCode = FaultCode.OF_THE_TABLE
    line: int = 0
    """Line of the table, the header being line 1; 0 for the table as a whole."""
    column: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """The cells of one line by column, and their faults."""

    number: int
    cells: Mapping[str, str]
    faults: list[Fault] = field(default_factory=list)

    def get(self, column: str) -> str:
        """The text of a cell in the normal form C; empty without one."""
        return unicodedata.normalize("NFC", self.cells.get(column, ""))

    def add(self, text: str, code: FaultCode, column: str = "") -> None:
        """Add a fault with its whole text."""
        self.faults.append(Fault(text, code, self.number, column))

    def fault(self, column: str, code: FaultCode, message: str) -> None:
        """Add a fault of a cell; the text quotes its value."""
        value = self.get(column)
        shown = value if len(value) <= LONGEST else f"{value[:LONGEST]}…"
        self.add(f"row {self.number}, column {column}: `{shown}` {message}", code, column)

    def required(self, column: str) -> str:
        """The text of a cell, which is a fault if it is empty."""
        if not self.get(column):
            self.add(f"row {self.number}, column {column}: a value is required", FaultCode.REQUIRED, column)
        return self.get(column)

    def number_of(self, column: str, default: float | None, low: float = 0.0) -> float | None:
        """A number of seconds of at least `low`."""
        if not self.get(column):
            return default
        value = decimal(self.get(column))
        if value is None:
            self.fault(column, FaultCode.NOT_A_NUMBER, "is not a number of seconds, such as 12.5")
            return default
        if not math.isfinite(value):
            self.fault(column, FaultCode.NOT_FINITE, "is not a finite number of seconds")
            return default
        if value < low:
            self.fault(column, FaultCode.BELOW_MINIMUM, f"is below the minimum of {low:g}")
            return default
        return value


def decimal(text: str) -> float | None:
    """The number in a text whose decimal sign is a point or a comma, as spreadsheets write it; None without one."""
    if text.lower().lstrip("+-") in NOT_FINITE:
        return float(text)
    return float(text.replace(",", ".")) if NUMBER.fullmatch(text) else None
