"""Fetches the video of a link into a file, and resumes after a broken connection."""

import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import partial
from typing import BinaryIO

from duygu.shared.config.settings import Settings
from duygu.shared.errors import (
    CancelledError,
    ConfigurationError,
    EmptyFileError,
    LinkIsAPageError,
    LinkTooSlowError,
    LinkUnreachableError,
    NotAVideoError,
    TooLargeError,
)
from duygu.shared.inputs.links.http_source import HTTPSource
from duygu.shared.inputs.links.link import Link, LinkPolicy, link_policy
from duygu.shared.inputs.links.source import Content, InterruptedFetchError, Source
from duygu.shared.inputs.media.file_signature import SignatureCheck, is_page
from duygu.shared.runtime.background import in_background
from duygu.shared.storage.measured_writer import MeasuredWriter

MIN_BYTES_PER_S = 10_000
"""Minimum average rate of a connection, once it has existed for the longest pause."""

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.2, 10.0
"""Pauses before an attempt; each doubles, and progress returns to the first."""

MAX_FAILED_ATTEMPTS = 6
"""Attempts without progress after which the fetch is given up."""

MAX_RESTARTS = 20
"""Restarts from the first byte, of a server that cannot resume or a content that changes."""

POLL_S = 0.2
"""Interval between checks whether the fetch has to stop."""


@dataclass(frozen=True, slots=True)
class FetchRules:
    """What may be fetched, and how long that may take."""

    policy: LinkPolicy
    max_bytes: int
    timeout_s: float
    pause_s: float  # maximum time without a byte


@dataclass(frozen=True, slots=True)
class Fetched:
    """A fetched video."""

    size: int  # bytes
    sha256: str


def fetch_rules(settings: Settings) -> FetchRules:
    """Return the rules of the settings. Raises ConfigurationError."""
    return FetchRules(
        link_policy(settings), settings.max_upload_bytes, settings.link_timeout_s, settings.body_timeout_s
    )


def fetch(
    link: Link,
    file: BinaryIO,
    rules: FetchRules,
    *,
    on_size: Callable[[int], None] = lambda _size: None,
    on_progress: Callable[[int, int | None], None] = lambda _received, _size: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Fetched:
    """Fetch the video of a link.

    file         an empty file for writing that can seek
    on_size      receives the size once the server has stated it, and may raise
    on_progress  receives the number of bytes so far, and the size or None while it is unknown

    Raises the errors of duygu.shared.errors.links, TooLargeError, EmptyFileError, NotAVideoError, and CancelledError
    soon after `should_stop` returns True.
    """
    rules.policy.check(link)
    fetching = _Fetch(_open(link, rules), file, rules, on_size, on_progress, should_stop)
    return fetching.run()


def _open(link: Link, rules: FetchRules) -> Source:
    """Raises ConfigurationError without what objects need."""
    if link.scheme != "s3":
        return HTTPSource(link, rules.policy, rules.pause_s + 1)  # later than the check of the pause
    try:
        from duygu.shared.inputs.links.s3_source import S3Source
    except ImportError as error:
        raise ConfigurationError("A link with s3:// needs the extra `s3`, which is not installed") from error
    return S3Source(link)


@dataclass(slots=True)
class _Fetch:
    source: Source
    file: BinaryIO
    rules: FetchRules
    on_size: Callable[[int], None]
    on_progress: Callable[[int, int | None], None]
    should_stop: Callable[[], bool]
    deadline: float = field(init=False)
    paused: float = field(init=False)
    """When the running attempt has paused for too long."""
    slow: float = field(init=False)
    """When the running attempt has been too slow on average."""
    version: str = ""
    complete: bool = False
    restarts: int = 0
    writer: MeasuredWriter = field(init=False)
    signature: SignatureCheck = field(init=False)

    def __post_init__(self) -> None:
        self.deadline = self.paused = self.slow = time.monotonic() + self.rules.timeout_s
        self._begin()

    def run(self) -> Fetched:
        """Attempt until the content is complete."""
        failed_attempts, furthest = 0, 0
        while not self.complete:
            try:
                with self._watched():
                    self._attempt()
            except InterruptedFetchError as error:
                self._check()
                failed_attempts = 0 if self.writer.size > furthest else failed_attempts + 1
                furthest = max(furthest, self.writer.size)
                if failed_attempts >= MAX_FAILED_ATTEMPTS or self.restarts > MAX_RESTARTS:
                    raise LinkUnreachableError(f"The link could not be fetched: {error}") from error
                self._pause(max(min(FIRST_PAUSE_S * 2**failed_attempts, LONGEST_PAUSE_S), error.retry_after_s))
        if not self.writer.size:
            raise EmptyFileError
        self._check_signature(self.signature.finish)
        return Fetched(self.writer.size, self.writer.sha256)

    def _attempt(self) -> None:
        offset = self.writer.size if self.version else 0
        self.slow = self.paused = time.monotonic() + self.rules.pause_s
        with self.source.open(offset, self.version) as content:
            self._check()
            self._take(content)
        self.complete = True

    def _take(self, content: Content) -> None:
        if content.size is not None:
            if content.size > self.rules.max_bytes:
                raise TooLargeError.of_upload(self.rules.max_bytes)
            self.on_size(content.size)
        if content.start == 0 and self.writer.size:
            self.restarts += 1
            self._begin()
        self.version = content.version
        for piece in content.pieces:
            self._check()
            self.writer.write(piece)
            self._check_signature(partial(self.signature.feed, piece))
            self.slow += len(piece) / MIN_BYTES_PER_S
            self.paused = time.monotonic() + self.rules.pause_s
            self.on_progress(self.writer.size, content.size)
        self._check()  # an aborted connection without a length looks like a complete one

    def _begin(self) -> None:
        """Start from the first byte."""
        self.file.seek(0)
        self.file.truncate()
        self.writer, self.signature = MeasuredWriter(self.file, self.rules.max_bytes), SignatureCheck()

    def _check_signature(self, judge: Callable[[], None]) -> None:
        """Examine the signature. Raises NotAVideoError or, for a page, LinkIsAPageError."""
        try:
            judge()
        except NotAVideoError as error:
            if is_page(self.signature.head):
                raise LinkIsAPageError(
                    "The link leads to an HTML page; use the address of the video file itself"
                ) from error
            raise

    def _check(self) -> None:
        """Raises CancelledError or LinkTooSlowError."""
        if self.should_stop():
            raise CancelledError
        now = time.monotonic()
        if now > self.deadline:
            raise LinkTooSlowError(
                f"The link was not complete after {self.rules.timeout_s:g} s, the limit of DUYGU_LINK_TIMEOUT_S"
            )
        if now > min(self.slow, self.paused):
            raise LinkTooSlowError(
                f"The server of the link paused for more than {self.rules.pause_s:g} s or sent less than "
                f"{MIN_BYTES_PER_S} bytes per second"
            )

    def _pause(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        self.slow = self.paused = self.deadline
        while time.monotonic() < until:
            self._check()
            time.sleep(min(POLL_S, seconds))

    def _watched(self) -> AbstractContextManager[None]:
        """Abort a read that waits for the server when the fetch has to stop."""
        return in_background(self._watch, "fetch")

    def _watch(self, ended: threading.Event) -> None:
        while not ended.wait(POLL_S):
            if self.should_stop() or time.monotonic() > min(self.deadline, self.slow, self.paused):
                self.source.abort()
                return
