"""The process that reads a video's sound: `python -m shared.film.sound_child ORDER`, started by shared.film.sound.

Like the decoding process it holds an open file and confines itself. To its standard output it writes samples alone,
from the moment of the first picture on: 16 bits, little-endian, two channels, SOUND_HZ.
"""

import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import av
from av.container import InputContainer
from av.error import FFmpegError

from shared.vision.confinement import confine
from shared.vision.decoder_child import Refused, open_container, video_stream

SOUND_HZ = 48_000
BYTES = 4
"""Of one sample of both channels."""

SLACK_S = 0.1
"""Times that are off by less than this are those of a container that rounds; beyond it there is a gap."""

SILENCE = bytes(SOUND_HZ * BYTES)
"""One second."""


@dataclass(frozen=True, slots=True)
class SoundOrder:
    """What the process is to do."""

    file: int  # file descriptor
    memory_bytes: int
    cpu_s: int


def samples(container: InputContainer) -> Iterator[bytes]:
    """Pieces of sound that fit together without gaps; nothing when there is none."""
    stream = next(iter(container.streams.audio), None)
    if stream is None or stream.codec_context is None:
        return
    pictures = video_stream(container)
    start_s = float((pictures.start_time or 0) * (pictures.time_base or 0))
    resampler = av.AudioResampler("s16", "stereo", SOUND_HZ)
    written = 0
    for frame in _frames(container, stream):
        time_s = None if frame.pts is None or frame.time_base is None else float(frame.pts * frame.time_base) - start_s
        frame.pts = None
        content = b"".join(bytes(part.planes[0])[: part.samples * BYTES] for part in resampler.resample(frame))
        for piece in _placed(content, time_s, written):
            written += len(piece) // BYTES
            yield piece


def _frames(container: InputContainer, stream: "av.AudioStream") -> Iterator["av.AudioFrame"]:
    """Packet by packet: a broken one costs itself."""
    packets = container.demux(stream)
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
    """The content, behind the silence that it is late by, or without what it is early by."""
    late_s = 0.0 if time_s is None else time_s - written / SOUND_HZ
    if abs(late_s) <= SLACK_S:
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
    """Follow the order."""
    order = SoundOrder(**json.loads(argument))
    confine(memory_bytes=order.memory_bytes, cpu_s=order.cpu_s, highest_file=order.file)
    with os.fdopen(order.file, "rb", buffering=0) as file, open_container(file) as container:
        for piece in samples(container):
            sys.stdout.buffer.write(piece)
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except (Refused, MemoryError, BrokenPipeError):
        sys.exit(1)
