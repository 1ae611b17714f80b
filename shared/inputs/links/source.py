"""The interface of what a link leads to: content that can be read from any offset while it stays the same."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol


class InterruptedFetchError(Exception):
    """The content ended early or did not begin, and a further attempt may succeed. Internal to fetching."""

    def __init__(self, reason: str, retry_after_s: float = 0.0) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(reason)


@dataclass(frozen=True, slots=True)
class Content:
    """Opened content."""

    start: int  # offset of the first byte of `pieces`: that which was requested, or 0
    size: int | None  # of the whole content in bytes; None while it is unknown
    version: str  # equal while the content is the same; empty if the server tells none
    pieces: Iterator[bytes]


class Source(Protocol):
    """What a link leads to."""

    def open(self, offset: int, version: str) -> AbstractContextManager[Content]:
        """Open the content at an offset if it still has that version, and at its beginning otherwise.

        Raises InterruptedFetchError, also while `pieces` is read, and the errors of duygu.shared.errors.links.
        """
        ...

    def abort(self) -> None:
        """End a read that waits for the server; another thread may call this."""
        ...
