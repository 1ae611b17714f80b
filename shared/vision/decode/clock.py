"""When each picture or piece of sound of a file is due, in seconds from its first picture on.

Files lie about time in several ways: clocks run through all their numbers or are started anew in mid-stream, and some
containers number pictures in the order of decoding and call that time. Runs in the decoding processes.
"""

from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import av
from av.container import InputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.stream import Stream

BACKWARDS_S = 1.0
"""A clock that jumps back by more than this was started anew, as where two recordings were joined."""

FORWARDS_S = 10.0
"""So was a clock that jumps ahead by more than this, where the format allows it: as FFmpeg's dts_delta_threshold."""

FORWARDS_INTERVALS = 3
"""A slow video may pause for this many of its intervals."""

NEAR_JUMP_S = 2.0
"""Between the time of decoding, by which jumps are seen, and that of presentation."""

JUMPS = 64
"""Jumps that are remembered; pictures come out of the decoder at most a few packets later."""

TS_DISCONT = 0x0200
"""AVFMT_TS_DISCONT of avformat.h: "format allows timestamp discontinuities"."""

CYCLE_S = 2**33 / 90_000
"""The clock of MPEG streams runs through its numbers in 26.5 hours (ISO/IEC 13818-1, 2.4.3.7), and begins anew."""


def unwrapped(time_s: float, near_s: float) -> float:
    """A time that may be off by whole cycles of an MPEG clock, as near to another one as can be.

    No other clock jumps so far that it would be taken for one.
    """
    return time_s - round((time_s - near_s) / CYCLE_S) * CYCLE_S


def may_jump(container: InputContainer) -> bool:
    """Whether clocks of this format may be started anew at any packet: MPEG-TS, program streams, Ogg, live FLV."""
    return bool(container.format.flags & TS_DISCONT)


@dataclass(frozen=True, slots=True)
class Jump:
    """Where the packets of all streams leap ahead, in seconds of the file's own clock."""

    before_s: float
    after_s: float


class PacketClock:
    """Follows the packets of all streams of sound and pictures, in the order of the file.

    A time that no packet of any stream has is a jump of the clock; one that another stream goes on through is a pause.
    """

    def __init__(self, interval_s: float | None = None) -> None:
        """`interval_s`: from picture to picture, where it is known."""
        self._jumps: deque[Jump] = deque(maxlen=JUMPS)
        self._longest_s = longest_pause(interval_s)
        self._last_s: dict[int, float] = {}  # by index of the stream; some files have one far ahead of the others
        self._played_s: dict[int, float] = {}

    @property
    def played_s(self) -> float:
        """How long the longest stream takes so far, without the jumps."""
        return max(self._played_s.values(), default=0.0)

    def see(self, packet: "Packet[Any]") -> None:
        """Take the next packet."""
        stamp, index = packet.pts if packet.dts is None else packet.dts, packet.stream.index
        if stamp is None:
            return
        time_s = float(stamp * packet.time_base)
        if self._last_s:
            latest_s = max(self._last_s.values())
            before_s = self._last_s.get(index, latest_s)
            time_s = unwrapped(time_s, before_s)
            if time_s > latest_s + self._longest_s:
                self._jumps.append(Jump(latest_s, time_s))
            if time_s >= before_s - BACKWARDS_S:
                ahead_s = time_s - before_s - self.jumped_s(before_s, time_s)
                self._played_s[index] = self._played_s.get(index, 0.0) + max(ahead_s, 0.0)
                time_s = max(time_s, before_s)
        self._last_s[index] = time_s

    def jumped_s(self, before_s: float, after_s: float) -> float:
        """How far the clock leapt between two moments of one stream, both in seconds of the file's own clock."""
        return max(
            (
                jump.after_s - jump.before_s
                for jump in self._jumps
                if jump.before_s >= before_s - NEAR_JUMP_S and jump.after_s <= after_s + NEAR_JUMP_S
            ),
            default=0.0,
        )


def watched(container: InputContainer, stream: Stream, clock: PacketClock | None) -> "Iterator[Packet[Any]]":
    """The packets of one stream, while a clock sees those of all streams of sound and pictures."""
    streams = [stream] if clock is None else [*container.streams.video, *container.streams.audio]
    for packet in container.demux(*streams):
        if clock:
            clock.see(packet)
        if packet.stream.index == stream.index:
            yield packet


def played_s(container: InputContainer, longest_s: float) -> float:
    """How long a file takes by the times of its packets; it is read no further than a little beyond `longest_s`."""
    clock = PacketClock()
    with suppress(FFmpegError):  # it breaks off
        for packet in container.demux(*container.streams.video, *container.streams.audio):
            clock.see(packet)
            if clock.played_s > longest_s:
                break
    return clock.played_s


def longest_pause(interval_s: float | None) -> float:
    """Seconds after which a clock that goes on has been started anew."""
    return max(FORWARDS_S, FORWARDS_INTERVALS * (interval_s or 0.0))


class Clock:
    """Presentation times of one stream in seconds from a start, never running backwards."""

    def __init__(self, interval_s: float | None, packets: PacketClock | None = None) -> None:
        """Start before the first frame.

        interval_s  from frame to frame, for frames without times
        packets     has seen each packet before its frame comes; None where the format does not let clocks jump ahead
        """
        self.interval_s = interval_s or 0.04
        self.last_s, self.end_s = 0.0, 0.0
        self.start_s: float | None = None  # the first frame's time in the file's own clock; moves when that jumps
        self.restarted = False
        """Whether the clock jumped: what a header says of the length is worth nothing then."""
        self.packets = packets
        self._longest_s = longest_pause(interval_s)
        self._order = StampOrder()

    def see(self, packet: "Packet[Any]") -> None:
        """Take a packet of this stream, in the order of decoding."""
        self._order.see(packet)

    @property
    def reordered(self) -> bool:
        """Whether packets came in another order than their pictures are shown, so that their times are true ones."""
        return self._order.reordered

    def learn(self, frames: list[av.VideoFrame]) -> None:
        """Look at the first frames before any gets its time: are those that the packets have in their order?"""
        self._order.learn(frames)

    def time(self, frame: av.VideoFrame) -> float:
        """When this frame is shown; a frame without a time follows the last one."""
        following_s = self.last_s + self.interval_s
        stamp = self._order.stamp(frame)
        if stamp is None or frame.time_base is None:
            time_s = following_s if self.start_s is not None else 0.0
            self.start_s = self.start_s or 0.0
        else:
            time_s = self._since_start(float(stamp * frame.time_base), following_s)
        self.last_s = max(time_s, self.last_s)
        # Only the last picture's own time counts: one before a pause may be said to last as long as that.
        self.end_s = self.last_s + (lasting_s(frame.duration, frame.time_base) or self.interval_s)
        return self.last_s

    def _since_start(self, stamp_s: float, following_s: float) -> float:
        if self.start_s is None:
            self.start_s = stamp_s
        time_s = unwrapped(stamp_s - self.start_s, self.last_s)
        if time_s < self.last_s - BACKWARDS_S:
            self.start_s, time_s, self.restarted = stamp_s - following_s, following_s, True
        elif self.packets and time_s > self.last_s + self._longest_s:
            jumped_s = self.packets.jumped_s(self.last_s + self.start_s, time_s + self.start_s)
            if jumped_s:
                time_s = max(time_s - jumped_s, following_s)
                self.start_s, self.restarted = stamp_s - time_s, True
        return time_s


def lasting_s(duration: int | None, time_base: Fraction | None) -> float | None:
    """How long a frame is said to last, in seconds."""
    return float(duration * time_base) if duration and time_base else None


class StampOrder:
    """Says which of the two times of a frame is that of its presentation.

    AVI, and whatever was written from it without care, has no presentation times; FFmpeg hands out consecutive numbers
    in the order of decoding. They are known by frames that run back though packets do not, and the times of decoding,
    which come out in order, are right then up to a constant.
    """

    def __init__(self) -> None:
        self.reordered = False
        self._wrong = False
        self._highest: int | None = None  # pts of the packets
        self._last: int | None = None  # pts of the frames

    def see(self, packet: "Packet[Any]") -> None:
        """Take the next packet in the order of decoding."""
        if packet.pts is not None:
            self.reordered = self.reordered or (self._highest is not None and packet.pts < self._highest)
            self._highest = packet.pts if self._highest is None else max(packet.pts, self._highest)

    def learn(self, frames: list[av.VideoFrame]) -> None:
        """Take the first frames before any of them is asked about."""
        for frame in frames:
            self._check(frame)
        self._last = None

    def _check(self, frame: av.VideoFrame) -> None:
        """Take the next frame in the order of presentation."""
        if frame.pts is not None:
            runs_back = self._last is not None and frame.pts < self._last
            self._wrong = self._wrong or (runs_back and not self.reordered)
            self._last = frame.pts

    def stamp(self, frame: av.VideoFrame) -> int | None:
        """Its presentation time in units of its time base."""
        self._check(frame)
        return frame.dts if self._wrong or frame.pts is None else frame.pts
