"""The state of one live session in the API: received frames, pending replies and their order."""

import asyncio
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from enum import StrEnum

from duygu.services.api.live.overload import Load
from duygu.shared.errors import DuyguError, OutOfOrderError, TooLargeError, TooManyPixelsError
from duygu.shared.inputs.media.animation import is_animated
from duygu.shared.inputs.media.image_size import dimensions
from duygu.shared.live.header import unpack
from duygu.shared.live.messages import (
    CloseCode,
    FrameDropped,
    FrameError,
    FrameResult,
    SessionClosed,
    SessionLimits,
    SessionOptions,
    Totals,
)
from duygu.shared.live.steps import FrameInfo, Reply
from duygu.shared.schemas.base import Schema
from duygu.shared.schemas.result import Warning  # noqa: A004

MAX_PENDING_FRAMES = 64
"""Maximum number of frames without a reply. Beyond it, the socket is not read until a reply has been sent."""

RATE_SLACK = 0.1
"""Tolerated jitter: a frame may be early by this share of the interval of `rate_hz`."""

ANIMATED_PICTURE = Warning(
    code="animated_picture",
    detail="The picture is animated; only its first picture was analysed",
)

OVERLOAD_SLACK = 0.4
"""Share of the interval of `overload_rate_hz` by which a frame may be early; the next one then is due later. Without
it, a camera of 10 Hz would get 5 results per second at 6 Hz."""


class State(StrEnum):
    """The states of a session."""

    OPEN = "open"
    DRAINING = "draining"
    """After `session.close`: replies to the pending frames are still sent."""
    CLOSED = "closed"


class SessionEnd(Exception):  # noqa: N818 - it is an end, not always an error
    """The end of a session, raised in the task that notices it first."""

    def __init__(self, code: CloseCode, error: DuyguError | None = None) -> None:
        self.code = code
        self.error = error
        super().__init__(code.name)

    @property
    def reason(self) -> str:
        """The close reason: an error code, or the name of the close code."""
        return self.error.code if self.error else self.code.name.lower()


@dataclass(slots=True)
class PendingFrame:
    """A frame between its arrival and its reply."""

    seq: int
    frame: int | None
    captured_at: float
    arrived: float  # seconds of the monotonic clock
    reply: Schema | None = None
    warnings: list[Warning] = field(default_factory=list)
    notices: list[Schema] = field(default_factory=list)  # messages that follow the reply


@dataclass(frozen=True, slots=True)
class AcceptedFrame:
    """A frame that is sent to the workers."""

    seq: int
    about: FrameInfo
    picture: bytes


class Session:
    """The state of one session. It performs no input or output: the events `outgoing_ready` and `can_receive` wake the
    tasks that do."""

    def __init__(self, session_id: str, owner: str, limits: SessionLimits) -> None:
        self.session_id = session_id
        self.owner = owner
        self.limits = limits
        self.options = SessionOptions()
        self.state = State.OPEN
        self.end: SessionEnd | None = None
        self.outgoing_ready = asyncio.Event()
        self.can_receive = asyncio.Event()
        self.can_receive.set()
        self.overload_drops = 0  # frames dropped because of overload: for newer ones, or above `overload_rate_hz`
        self.overload_rate_hz: float | None = None  # of every session while the service is overloaded
        self._due_s = 0.0  # when the next frame is within `overload_rate_hz`, seconds of the monotonic clock
        self._load = Load()  # since `take_load`
        self._pending: OrderedDict[int, PendingFrame] = OrderedDict()
        self._seq = self._results = self._dropped = self._errors = self._most_face_id = 0
        self._first_s: float | None = None
        self._last_s = self._last_accepted_s = 0.0
        self._last_seq: int | None = None
        # The system clock may be set back during a session: it is read once, and the monotonic clock is added.
        self._clock_zero_s = time.time() - time.monotonic()
        self._final_reply: Reply | None = None

    @property
    def oldest_wait_s(self) -> float:
        """Seconds for which the oldest pending frame has waited."""
        first = next(iter(self._pending.values()), None)
        return time.monotonic() - first.arrived if first and first.reply is None else 0.0

    def receive(self, message: bytes) -> AcceptedFrame | None:
        """Handle a binary message. None if it was rejected or dropped, to which a reply was sent already."""
        self._require(State.OPEN)
        self._seq += 1
        arrived = time.monotonic()
        entry = self._enter(PendingFrame(self._seq, None, self._clock_zero_s + arrived, arrived))
        try:
            incoming = unpack(message)
            entry.frame = incoming.frame
            if incoming.captured_at is not None:
                entry.captured_at = incoming.captured_at
            self._check(incoming.picture, len(message))
            if is_animated(incoming.picture):
                entry.warnings.append(ANIMATED_PICTURE)
            time_s = self._clock(entry.captured_at)
        except DuyguError as error:
            self._settle(entry, _frame_error(entry, error.code, error.detail))
            return None
        if self._exceeds_rate(time_s):
            self.drop(entry.seq, "rate")
            return None
        self._load.received += 1
        if self._exceeds_overload_rate(arrived):
            self.overload_drops += 1
            self.drop(entry.seq, "rate")
            return None
        self._load.offered += 1
        about = FrameInfo(time_s=time_s, options=self.options, overload_drops=self.overload_drops)
        return AcceptedFrame(entry.seq, about, incoming.picture)

    def drain(self) -> AcceptedFrame:
        """Stop accepting frames; returns the final message to the workers."""
        self._require(State.OPEN)
        self.state = State.DRAINING
        self._seq += 1
        self._last_seq = self._seq
        self._enter(PendingFrame(self._seq, None, self._last_s, time.monotonic()))
        time_s = self._last_s - (self._first_s or 0.0)
        return AcceptedFrame(self._seq, FrameInfo(time_s=time_s, options=self.options, last=True), b"")

    def drop(self, seq: int, reason: str = "newer") -> None:
        """Drop a frame unless it has a reply already."""
        if entry := self._pending.get(seq):
            dropped = {"seq": seq, "frame": entry.frame, "reason": reason}
            self._load.displaced += entry.reply is None and reason == "newer"
            self._settle(entry, FrameDropped.model_validate(dropped))

    def handle_reply(self, reply: Reply) -> None:
        """Handle the reply of a worker unless the frame has one already."""
        entry = self._pending.get(reply.seq)
        if entry is None or entry.reply is not None:
            return
        if reply.skipped:
            self.drop(reply.seq)
            return
        self._most_face_id = max([self._most_face_id, *(face.face_id for face in reply.faces)])
        if reply.seq == self._last_seq:
            self._final_reply = reply
            self._settle(entry, reply)
        elif reply.code:
            self._settle(entry, _frame_error(entry, reply.code, reply.detail))
        else:
            if reply.refused:
                entry.notices.append(FrameError(code=reply.refused.code, detail=reply.refused.detail, recoverable=True))
            self._load.processed += entry.reply is None
            self._settle(entry, _result(entry, reply))

    def take_load(self) -> Load:
        """The frames since the previous call."""
        load, self._load = self._load, Load()
        return load

    def fail(self, code: CloseCode, error: DuyguError | None = None) -> None:
        """End the session for an external reason."""
        self.end = self.end or SessionEnd(code, error)
        self.outgoing_ready.set()

    def outgoing(self) -> list[Schema]:
        """The replies that are next in order; each is returned once."""
        ready: list[Schema] = []
        while self._pending and (first := next(iter(self._pending.values()))).reply is not None:
            del self._pending[first.seq]
            ready += [self._finalized(first), *first.notices]
        if len(self._pending) < MAX_PENDING_FRAMES:
            self.can_receive.set()
        return ready

    def _finalized(self, entry: PendingFrame) -> Schema:
        reply = entry.reply
        if isinstance(reply, FrameResult):
            self._results += 1
            waited_ms = (time.monotonic() - entry.arrived) * 1000
            return reply.model_copy(update={"latency_ms": round(waited_ms, 1), **self._overload()})
        if isinstance(reply, FrameDropped):
            self._dropped += 1
            return reply.model_copy(update=self._overload())
        if isinstance(reply, FrameError):
            self._errors += 1
        else:
            return self._closed()
        return reply

    def _overload(self) -> dict[str, float | None]:
        """What a reply says about overload."""
        return {"overload_rate_hz": None if self.overload_rate_hz is None else round(self.overload_rate_hz, 1)}

    def _closed(self) -> SessionClosed:
        self.state = State.CLOSED
        totals = Totals(
            frames=self._seq - 1,
            answered=self._results,
            dropped=self._dropped,
            errors=self._errors,
            faces=self._most_face_id,
            duration_s=round(self._last_s - (self._first_s or 0.0), 3),
        )
        return SessionClosed(totals=totals, faces=list(self._final_reply.faces) if self._final_reply else [])

    def _require(self, state: State) -> None:
        if self.state is not state:
            raise RuntimeError(f"expected a session in state {state}, not {self.state}")

    def _enter(self, entry: PendingFrame) -> PendingFrame:
        self._pending[entry.seq] = entry
        if len(self._pending) >= MAX_PENDING_FRAMES:
            self.can_receive.clear()
        return entry

    def _settle(self, entry: PendingFrame, reply: Schema) -> None:
        if entry.reply is None:
            entry.reply = reply
            self.outgoing_ready.set()

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

    def _exceeds_rate(self, time_s: float) -> bool:
        """Whether the frame exceeds the `rate_hz` of the session."""
        rate_hz = self.options.rate_hz
        if rate_hz and time_s and time_s - self._last_accepted_s < (1 - RATE_SLACK) / rate_hz:
            return True
        self._last_accepted_s = time_s
        return False

    def _exceeds_overload_rate(self, arrived: float) -> bool:
        """Whether the frame exceeds the rate of all sessions. Capture times, which the client chooses, do not count."""
        if self.overload_rate_hz is None:
            return False
        interval_s = 1 / self.overload_rate_hz
        if arrived < self._due_s - OVERLOAD_SLACK * interval_s:
            return True
        is_late = arrived - self._due_s > interval_s  # the first frame, or one after a pause
        self._due_s = (arrived if is_late else self._due_s) + interval_s
        return False


def _frame_error(entry: PendingFrame, code: str, detail: str) -> FrameError:
    return FrameError(seq=entry.seq, frame=entry.frame, code=code, detail=detail, recoverable=True)


def _result(entry: PendingFrame, reply: Reply) -> FrameResult:
    return FrameResult(
        seq=entry.seq,
        frame=entry.frame,
        captured_at=round(entry.captured_at, 6),
        latency_ms=0.0,  # set when it is sent
        width=reply.width,
        height=reply.height,
        faces=list(reply.faces),
        warnings=[*entry.warnings, *reply.warnings],
    )
