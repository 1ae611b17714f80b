"""Presentation times of pictures and sound, in seconds from the first picture.

Timestamps in files can be wrong in several ways: clocks wrap around or restart in mid-stream, and some containers store
the decoding order as a time. This module runs in the decoding processes.
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
"""Smallest backward jump that counts as a restart of the clock, for example where two recordings were joined."""

FORWARDS_S = 10.0
"""Smallest forward jump that counts as a restart, in formats that allow it: as FFmpeg's dts_delta_threshold."""

FORWARDS_INTERVALS = 3
"""Longest pause of a slow video, in frame intervals."""

NEAR_JUMP_S = 2.0
"""Maximum difference between the decoding time, in which jumps are detected, and the presentation time."""

JUMPS = 64
"""Maximum number of recorded jumps. The decoder outputs a picture at most a few packets later."""

TS_DISCONT = 0x0200
"""AVFMT_TS_DISCONT of avformat.h: "format allows timestamp discontinuities"."""

CYCLE_S = 2**33 / 90_000
"""Period of MPEG clocks, 26.5 hours (ISO/IEC 13818-1, 2.4.3.7)."""


def unwrapped(time_s: float, near_s: float) -> float:
    """Shift a time by whole periods of an MPEG clock, to the value nearest to another time.

    Jumps of other clocks are too short to be mistaken for a period.
    """
    return time_s - round((time_s - near_s) / CYCLE_S) * CYCLE_S


def may_jump(container: InputContainer) -> bool:
    """Whether clocks of this format can restart at any packet: MPEG-TS, program streams, Ogg, live FLV."""
    return bool(container.format.flags & TS_DISCONT)


@dataclass(frozen=True, slots=True)
class Jump:
    """Forward jump of the packets of all streams, in seconds of the file's clock."""

    before_s: float
    after_s: float


class PacketClock:
    """Tracks the times of all audio and video packets, in file order.

    A gap in all streams is a jump of the clock; a gap that another stream fills is a pause.
    """

    def __init__(self, interval_s: float | None = None) -> None:
        """`interval_s`: frame interval, if known."""
        self._jumps: deque[Jump] = deque(maxlen=JUMPS)
        self._longest_s = longest_pause(interval_s)
        self._last_s: dict[int, float] = {}  # by stream index; in some files one stream is far ahead of the others
        self._played_s: dict[int, float] = {}

    @property
    def played_s(self) -> float:
        """Duration of the longest stream so far, without the jumps."""
        return max(self._played_s.values(), default=0.0)

    def add(self, packet: "Packet[Any]") -> None:
        """Process the next packet."""
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
        """Size of the largest jump between two times of one stream in the file's clock, in seconds; 0 if none."""
        return max(
            (
                jump.after_s - jump.before_s
                for jump in self._jumps
                if jump.before_s >= before_s - NEAR_JUMP_S and jump.after_s <= after_s + NEAR_JUMP_S
            ),
            default=0.0,
        )


class LastPacket:
    """Tracks the end of the packets of all streams, in seconds of the file's clock."""

    def __init__(self) -> None:
        self.end_s = 0.0

    def add(self, packet: "Packet[Any]") -> None:
        """Process the next packet."""
        if packet.pts is not None:
            self.end_s = max(self.end_s, float((packet.pts + (packet.duration or 0)) * packet.time_base))


def watched(
    container: InputContainer, stream: Stream, watch: PacketClock | LastPacket | None
) -> "Iterator[Packet[Any]]":
    """Iterate over the packets of one stream, while `watch` processes those of several.

    A clock processes those of all audio and video streams, LastPacket those of all streams.
    """
    streams = [stream]
    if isinstance(watch, PacketClock):
        streams = [*container.streams.video, *container.streams.audio]
    elif watch:
        streams = list(container.streams)
    for packet in container.demux(*streams):
        if watch:
            watch.add(packet)
        if packet.stream.index == stream.index:
            yield packet


def played_s(container: InputContainer, longest_s: float) -> float:
    """Duration of a file by its packet times. Reading stops soon after `longest_s` is exceeded."""
    clock = PacketClock()
    with suppress(FFmpegError):  # the file is truncated or damaged
        for packet in container.demux(*container.streams.video, *container.streams.audio):
            clock.add(packet)
            if clock.played_s > longest_s:
                break
    return clock.played_s


def longest_pause(interval_s: float | None) -> float:
    """Length of a gap from which on the clock counts as restarted, in seconds."""
    return max(FORWARDS_S, FORWARDS_INTERVALS * (interval_s or 0.0))


class Clock:
    """Monotonic presentation times of one stream, in seconds from its start."""

    def __init__(self, interval_s: float | None, packets: PacketClock | None = None) -> None:
        """Create a clock before the first frame.

        interval_s  frame interval, for frames without times
        packets     must process each packet before its frame; None if the format does not allow forward jumps
        """
        self.interval_s = interval_s or 0.04
        self.last_s, self.end_s = 0.0, 0.0
        self.start_s: float | None = None  # time of the first frame in the file's clock; adjusted at jumps
        self.restarted = False
        """Whether the clock jumped. The duration in the header is then meaningless."""
        self.packets = packets
        self._longest_s = longest_pause(interval_s)
        self._order = StampOrder()

    def add(self, packet: "Packet[Any]") -> None:
        """Process a packet of this stream, in decoding order."""
        self._order.add(packet)

    @property
    def reordered(self) -> bool:
        """Whether packets and pictures differ in order, which proves that the packets have presentation times."""
        return self._order.reordered

    @property
    def has_presentation_times(self) -> bool:
        """Whether the first frames have shown no sign that the file has decoding times only."""
        return self._order.has_presentation_times

    def check_order(self, frames: list[av.VideoFrame]) -> None:
        """Check the order of the first frames before any of them gets a time."""
        self._order.check_order(frames)

    def time(self, frame: av.VideoFrame) -> float:
        """Presentation time of a frame. A frame without a timestamp follows the last one."""
        following_s = self.last_s + self.interval_s
        stamp = self._order.stamp(frame)
        if stamp is None or frame.time_base is None:
            time_s = following_s if self.start_s is not None else 0.0
            self.start_s = self.start_s or 0.0
        else:
            time_s = self._since_start(float(stamp * frame.time_base), following_s)
        self.last_s = max(time_s, self.last_s)
        # Only the last picture's duration counts: the duration of a picture before a pause can include the pause.
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
    """Duration of a frame by its header, in seconds."""
    return float(duration * time_base) if duration and time_base else None


class StampOrder:
    """Selects the timestamp of a frame that is its presentation time.

    AVI, and files converted from it carelessly, have no presentation times; FFmpeg then returns consecutive numbers in
    decoding order. This shows in frames whose numbers decrease while those of the packets do not. The decoding times,
    which are output in order, are then correct except for a constant.
    """

    def __init__(self) -> None:
        self.reordered = False
        self._wrong = False
        self._highest: int | None = None  # pts of the packets
        self._last: int | None = None  # pts of the frames

    @property
    def has_presentation_times(self) -> bool:
        """Whether the timestamps of the frames are in order."""
        return not self._wrong

    def add(self, packet: "Packet[Any]") -> None:
        """Process the next packet in decoding order."""
        if packet.pts is not None:
            self.reordered = self.reordered or (self._highest is not None and packet.pts < self._highest)
            self._highest = packet.pts if self._highest is None else max(packet.pts, self._highest)

    def check_order(self, frames: list[av.VideoFrame]) -> None:
        """Check the first frames before `stamp` is called for any of them."""
        for frame in frames:
            self._check(frame)
        self._last = None

    def _check(self, frame: av.VideoFrame) -> None:
        """Check the next frame in presentation order."""
        if frame.pts is not None:
            runs_back = self._last is not None and frame.pts < self._last
            self._wrong = self._wrong or (runs_back and not self.reordered)
            self._last = frame.pts

    def stamp(self, frame: av.VideoFrame) -> int | None:
        """Presentation time of the frame, in units of its time base."""
        self._check(frame)
        return frame.dts if self._wrong or frame.pts is None else frame.pts
