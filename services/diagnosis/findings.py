"""What a check found."""

from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """How a check ended. A note is nothing that has to be changed."""

    OK = "ok"
    NOTE = "note"
    FAILED = "failed"


class CheckFailedError(Exception):
    """A failed check: the problem and a hint for its solution."""

    def __init__(self, problem: str, hint: str) -> None:
        super().__init__(problem)
        self.problem, self.hint = problem, hint


class Note(CheckFailedError):  # noqa: N818 - it is no error
    """A check that passed with something to know: what it is, and a hint."""


@dataclass(frozen=True, slots=True)
class Finding:
    """The outcome of one check; `hint` is empty where nothing can be done or has to be."""

    name: str
    detail: str
    hint: str = ""
    is_note: bool = False

    @property
    def ok(self) -> bool:
        """Whether the check passed; a note passes."""
        return self.is_note or not self.hint

    @property
    def status(self) -> Status:
        """How the check ended."""
        if self.is_note:
            return Status.NOTE
        return Status.OK if self.ok else Status.FAILED
