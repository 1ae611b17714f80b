"""One live session as the API sees it: what came in, what is still to be answered, and in which order."""

import asyncio
import time
from collections import OrderedDict
from dataclasses import dataclass
from enum import StrEnum

from duygu.shared.errors import DuyguError, OutOfOrderError, TooLargeError, TooManyPixelsError
from duygu.shared.live.header import unpack
from duygu.shared.live.messages import (
    CloseCode,
    FrameDropped,
    FrameError,
    FrameResult,
    Limits,
    Options,
    SessionClosed,
    Totals,
)
from duygu.shared.live.steps import About, Reply
from duygu.shared.media.image_size import dimensions
from duygu.shared.schemas import Schema

MOST_UNANSWERED = 64
"""Frames of a session that may be without an answer; after that nothing is read from its socket until one is."""

RATE_SLACK = 0.1
"""A frame may come by this share of the wanted interval too early, so that a camera's jitter costs nothing."""


class State(StrEnum):
    """The life of a session."""

    OPEN = "open"
    DRAINING = "draining"
    """The client asked for the end; what waits is answered."""
    CLOSED = "closed"


class SessionEnd(Exception):  # noqa: N818 - it is an end, not always an error
    """The session is over; raised in whichever task notices it first."""

    def __init__(self, code: CloseCode, error: DuyguError | None = None) -> None:
        self.code = code
        self.error = error
        super().__init__(code.name)

    @property
    def reason(self) -> str:
        """What goes with the code: a code of the errors, or the close code's own name."""
        return self.error.code if self.error else self.code.name.lower()


@dataclass(slots=True)
class Unanswered:
    """A frame between its arrival and its answer."""

    seq: int
    frame: int | None
    captured_at: float
    arrived: float  # seconds of the monotonic clock
    answer: Schema | None = None


@dataclass(frozen=True, slots=True)
class Accepted:
    """A frame that goes to the workers."""

    seq: int
    about: About
    picture: bytes


class Session:
    """The books of one session. Nothing here waits or sends; whoever does is woken through `news` and `room`."""

    def __init__(self, session_id: str, owner: str, limits: Limits) -> None:
        self.session_id = session_id
        self.owner = owner
        self.limits = limits
        self.options = Options()
        self.state = State.OPEN
        self.end: SessionEnd | None = None
        self.news = asyncio.Event()
        self.room = asyncio.Event()
        self.room.set()
        self.crowded = 0  # frames that had to make way for newer ones before a worker had time for them
        self._unanswered: OrderedDict[int, Unanswered] = OrderedDict()
        self._seq = self._answered = self._dropped = self._errors = self._most_face_id = 0
        self._first_s: float | None = None
        self._last_s = self._last_asked_s = 0.0
        self._last_seq: int | None = None
        # The system's clock may be set back while a session runs: it is read once, and the monotonic clock goes on.
        self._clock_zero_s = time.time() - time.monotonic()
        self._farewell: Reply | None = None

    @property
    def oldest_wait_s(self) -> float:
        """How long the frame that is to be answered next has waited."""
        first = next(iter(self._unanswered.values()), None)
        return time.monotonic() - first.arrived if first and first.answer is None else 0.0

    def receive(self, message: bytes) -> Accepted | None:
        """Take a binary message. None where it is answered already: it cannot be used, or is not wanted."""
        self._require(State.OPEN)
        self._seq += 1
        arrived = time.monotonic()
        entry = self._enter(Unanswered(self._seq, None, self._clock_zero_s + arrived, arrived))
        try:
            incoming = unpack(message)
            entry.frame = incoming.frame
            if incoming.captured_at is not None:
                entry.captured_at = incoming.captured_at
            self._check(incoming.picture, len(message))
            time_s = self._clock(entry.captured_at)
        except DuyguError as error:
            self._settle(entry, _frame_error(entry, error.code, error.detail))
            return None
        if self._too_soon(time_s):
            self.drop(entry.seq, "rate")
            return None
        about = About(time_s=time_s, options=self.options, crowded=self.crowded)
        return Accepted(entry.seq, about, incoming.picture)

    def drain(self) -> Accepted:
        """Take no more frames; returns what tells the workers so."""
        self._require(State.OPEN)
        self.state = State.DRAINING
        self._seq += 1
        self._last_seq = self._seq
        self._enter(Unanswered(self._seq, None, self._last_s, time.monotonic()))
        time_s = self._last_s - (self._first_s or 0.0)
        return Accepted(self._seq, About(time_s=time_s, options=self.options, last=True), b"")

    def drop(self, seq: int, reason: str = "newer") -> None:
        """Say that a frame is not looked at, unless it is answered already."""
        if entry := self._unanswered.get(seq):
            told = {"seq": seq, "frame": entry.frame, "reason": reason}
            self._settle(entry, FrameDropped.model_validate(told))

    def answer(self, reply: Reply) -> None:
        """Take a worker's answer, unless the frame is answered already."""
        entry = self._unanswered.get(reply.seq)
        if entry is None or entry.answer is not None:
            return
        if reply.passed_over:
            self.drop(reply.seq)
            return
        self._most_face_id = max([self._most_face_id, *(face.face_id for face in reply.faces)])
        if reply.seq == self._last_seq:
            self._farewell = reply
            self._settle(entry, reply)
        elif reply.code:
            self._settle(entry, _frame_error(entry, reply.code, reply.detail))
        else:
            self._settle(entry, _result(entry, reply))

    def fail(self, code: CloseCode, error: DuyguError | None = None) -> None:
        """End the session for a reason that lies outside of it."""
        self.end = self.end or SessionEnd(code, error)
        self.news.set()

    def outgoing(self) -> list[Schema]:
        """The answers whose turn it is, each handed out once."""
        ready: list[Schema] = []
        while self._unanswered and (first := next(iter(self._unanswered.values()))).answer is not None:
            del self._unanswered[first.seq]
            ready.append(self._handed_out(first))
        if len(self._unanswered) < MOST_UNANSWERED:
            self.room.set()
        return ready

    def _handed_out(self, entry: Unanswered) -> Schema:
        answer = entry.answer
        if isinstance(answer, FrameResult):
            self._answered += 1
            waited_ms = (time.monotonic() - entry.arrived) * 1000
            return answer.model_copy(update={"latency_ms": round(waited_ms, 1)})
        if isinstance(answer, FrameDropped):
            self._dropped += 1
        elif isinstance(answer, FrameError):
            self._errors += 1
        else:
            return self._closed()
        return answer

    def _closed(self) -> SessionClosed:
        self.state = State.CLOSED
        totals = Totals(
            frames=self._seq - 1,
            answered=self._answered,
            dropped=self._dropped,
            errors=self._errors,
            faces=self._most_face_id,
            duration_s=round(self._last_s - (self._first_s or 0.0), 3),
        )
        return SessionClosed(totals=totals, faces=list(self._farewell.faces) if self._farewell else [])

    def _require(self, state: State) -> None:
        if self.state is not state:
            raise RuntimeError(f"expected a session in state {state}, not {self.state}")

    def _enter(self, entry: Unanswered) -> Unanswered:
        self._unanswered[entry.seq] = entry
        if len(self._unanswered) >= MOST_UNANSWERED:
            self.room.clear()
        return entry

    def _settle(self, entry: Unanswered, answer: Schema) -> None:
        if entry.answer is None:
            entry.answer = answer
            self.news.set()

    def _check(self, picture: bytes, size: int) -> None:
        if size > self.limits.max_frame_bytes:
            raise TooLargeError(f"The frame has {size} bytes; the limit is {self.limits.max_frame_bytes}")
        width, height = dimensions(picture)
        if width * height > self.limits.max_pixels:
            raise TooManyPixelsError(
                f"The picture has {width} x {height} pixels; the limit is {self.limits.max_pixels} pixels"
            )

    def _clock(self, captured_at: float) -> float:
        """Seconds from the first frame's capture to this one's. Raises OutOfOrderError."""
        if self._first_s is None:
            self._first_s = captured_at
        elif captured_at <= self._last_s:
            raise OutOfOrderError(
                f"The capture time {captured_at:.6f} s is not later than {self._last_s:.6f} s of the previous frame"
            )
        self._last_s = captured_at
        return captured_at - self._first_s

    def _too_soon(self, time_s: float) -> bool:
        """Whether the session's rate leaves this frame out."""
        rate_hz = self.options.rate_hz
        if rate_hz and time_s and time_s - self._last_asked_s < (1 - RATE_SLACK) / rate_hz:
            return True
        self._last_asked_s = time_s
        return False


def _frame_error(entry: Unanswered, code: str, detail: str) -> FrameError:
    return FrameError(seq=entry.seq, frame=entry.frame, code=code, detail=detail, recoverable=True)


def _result(entry: Unanswered, reply: Reply) -> FrameResult:
    return FrameResult(
        seq=entry.seq,
        frame=entry.frame,
        captured_at=round(entry.captured_at, 6),
        latency_ms=0.0,  # known once it leaves
        width=reply.width,
        height=reply.height,
        faces=list(reply.faces),
    )
