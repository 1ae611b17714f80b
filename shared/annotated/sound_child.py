"""Child process that decodes the sound of a video: `python -m shared.annotated.sound_child ORDER`.

Like the decoding process, it inherits an open file and sandboxes itself. It writes raw samples to its standard output,
from the requested time on: 16 bits, little-endian, two channels, SOUND_HZ.
"""

import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import av
from av.container import InputContainer
from av.error import FFmpegError

from duygu.shared.vision.decode.child import Refused, open_container
from duygu.shared.vision.decode.clock import BACKWARDS_S, FORWARDS_S, PacketClock, may_jump, unwrapped, watched
from duygu.shared.vision.decode.sandbox import confine

SOUND_HZ = 48_000
BYTES = 4
"""Size of one stereo sample."""

SLACK_S = 0.1
"""Maximum deviation of timestamps that is treated as rounding of the container; a larger one is a gap."""

SILENCE = bytes(SOUND_HZ * BYTES)
"""One second of silence."""


@dataclass(frozen=True, slots=True)
class SoundOrder:
    """Parameters of the process."""

    file: int  # file descriptor
    start_s: float  # time of the first sample in the file's clock
    memory_bytes: int
    cpu_s: int


class SoundClock:
    """Times of sound in seconds from the start, continuous across jumps of the file's clock."""

    def __init__(self, start_s: float, packets: PacketClock | None = None) -> None:
        self._start_s, self._packets = start_s, packets
        self._end_s: float | None = None  # end of the previous piece

    def time(self, frame: "av.AudioFrame") -> float | None:
        """Time of this piece; None if it has no timestamp."""
        if frame.pts is None or frame.time_base is None:
            return None
        time_s = unwrapped(float(frame.pts * frame.time_base) - self._start_s, self._end_s or 0.0)
        if self._end_s is not None and time_s < self._end_s - BACKWARDS_S:
            self._start_s += time_s - self._end_s
            time_s = self._end_s
        elif self._packets and time_s > (self._end_s or 0.0) + FORWARDS_S:
            before_s = self._start_s + (self._end_s or 0.0)
            jumped_s = self._packets.jumped_s(before_s, self._start_s + time_s)
            self._start_s += jumped_s
            time_s -= jumped_s
        self._end_s = time_s + frame.samples / frame.sample_rate
        return time_s


class Converter:
    """Converts sound to one sample format. A broadcast can change its sample rate and channels between programmes."""

    def __init__(self) -> None:
        self._resampler: av.AudioResampler | None = None
        self._form: tuple[str, str, int] | None = None

    def convert(self, frame: "av.AudioFrame") -> bytes:
        """Convert a piece of sound to SOUND_HZ, after the rest of the previous resampler if the format changes."""
        form = frame.format.name, frame.layout.name, frame.sample_rate
        before = b"" if form == self._form else self.rest()
        if self._resampler is None:
            self._resampler, self._form = av.AudioResampler("s16", "stereo", SOUND_HZ), form
        return before + _joined(self._resampler.resample(frame))

    def rest(self) -> bytes:
        """Flush the resampler; the next piece creates a new one."""
        resampler, self._resampler = self._resampler, None
        return _joined(resampler.resample(None)) if resampler else b""


def _joined(frames: "list[av.AudioFrame]") -> bytes:
    return b"".join(bytes(part.planes[0])[: part.samples * BYTES] for part in frames)


def samples(container: InputContainer, start_s: float) -> Iterator[bytes]:
    """Iterate over contiguous pieces of sound; empty if the file has none.

    start_s  time of the first sample in the file's clock
    """
    stream = next((stream for stream in container.streams.audio if stream.codec_context is not None), None)
    if stream is None:
        return
    packets = PacketClock() if may_jump(container) else None
    clock, converter, written = SoundClock(start_s, packets), Converter(), 0
    for frame in _frames(container, stream, packets):
        time_s = clock.time(frame)
        frame.pts = None
        try:
            content = converter.convert(frame)
        except (FFmpegError, ValueError):  # only the piece that cannot be converted is lost
            continue
        for piece in _placed(content, time_s, written):
            written += len(piece) // BYTES
            yield piece
    yield converter.rest()


def _frames(
    container: InputContainer, stream: "av.AudioStream", clock: PacketClock | None
) -> Iterator["av.AudioFrame"]:
    """Decode packet by packet: a damaged packet loses only itself."""
    packets = watched(container, stream, clock)
    while True:
        try:
            packet = next(packets)
        except (StopIteration, FFmpegError):
            return
        try:
            yield from stream.codec_context.decode(packet)
        except (FFmpegError, ValueError):
            continue


def _placed(content: bytes, time_s: float | None, written: int) -> Iterator[bytes]:
    """The content, preceded by silence if it is late, or without its beginning if it is early."""
    late_s = 0.0 if time_s is None else time_s - written / SOUND_HZ
    if written and abs(late_s) <= SLACK_S:
        late_s = 0.0
    missing = max(round(late_s * SOUND_HZ), 0) * BYTES
    while missing:
        piece = SILENCE[:missing]
        missing -= len(piece)
        yield piece
    content = content[max(round(-late_s * SOUND_HZ), 0) * BYTES :]
    if content:
        yield content


def main(argument: str) -> None:
    """Write the samples that the order requests."""
    order = SoundOrder(**json.loads(argument))
    confine(memory_bytes=order.memory_bytes, cpu_s=order.cpu_s, highest_file=order.file)
    with os.fdopen(order.file, "rb", buffering=0) as file, open_container(file) as container:
        for piece in samples(container, order.start_s):
            sys.stdout.buffer.write(piece)
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except (Refused, MemoryError, BrokenPipeError):
        sys.exit(1)
