"""The part of a video to decode: which frames belong to it, and whether seeking reaches it."""

import math

import av
from av.container import InputContainer
from av.error import FFmpegError
from av.video.stream import VideoStream

from duygu.shared.vision.decode.clock import Clock
from duygu.shared.vision.decode.sampling import ROUNDING_S, Sampler

SEEKABLE = ("mov", "matroska")
"""Demuxers with presentation times and an index, or a cheap search without one. A part of other files is decoded from
the beginning."""

SEEK_MARGIN_S = 1.0
"""The decoder seeks to the key frame before this time before a part. Indexes have decoding times, which can be later
than those of the pictures that are presented first."""


class Part:
    """Selects the frames to send: those of the sampling times in the part."""

    def __init__(self, start_s: float, end_s: float | None, sampler: Sampler) -> None:
        """`start_s`, `end_s`: in presentation times; the end is exclusive, None for the end of the video."""
        self.start_s = start_s
        self._end_s = math.inf if end_s is None else end_s
        self._sampler = sampler
        self.over = False
        """Whether a sampling time after the part has come."""

    def selects(self, time_s: float) -> bool:
        """Whether the next frame is to be sent."""
        tick = self._sampler.tick(time_s)
        if tick is None:
            return False
        nominal_s = tick / self._sampler.rate_hz if self._sampler.rate_hz else time_s
        self.over = nominal_s >= self._end_s - ROUNDING_S
        return not self.over and nominal_s >= self.start_s - ROUNDING_S

    def can_seek(self, container: InputContainer, stream: VideoStream, clock: Clock, first: av.VideoFrame) -> bool:
        """Whether seeking saves time, and times after it are those of the pictures. `first`: frame of the file."""
        return self.start_s > 2 * SEEK_MARGIN_S and is_seekable(container, stream, clock, first)

    def seek_stamp(self, stream: VideoStream, clock: Clock) -> int:
        """Where to seek, in units of the stream's time base."""
        return round(((clock.start_s or 0.0) + self.start_s - SEEK_MARGIN_S) / (stream.time_base or 1))

    def follows(self, frame: av.VideoFrame, clock: Clock) -> bool:
        """Whether the part is at or after this frame, the first one after a seek."""
        if frame.pts is None or frame.time_base is None:
            return False
        return float(frame.pts * frame.time_base) - (clock.start_s or 0.0) <= self.start_s


def is_seekable(container: InputContainer, stream: VideoStream, clock: Clock, first: av.VideoFrame) -> bool:
    """Whether the file has an index and times after a seek are those of the pictures. `first`: frame of the file."""
    timed = first.pts is not None and stream.time_base is not None and clock.has_presentation_times
    return timed and container.format.name.split(",")[0] in SEEKABLE


def key_frames(
    container: InputContainer, stream: VideoStream, clock: Clock, first: av.VideoFrame
) -> list[float] | None:
    """Times of the key frames in the file's index, to which the decoder can seek; None where it cannot seek.

    Seeks to the end of the file, since the index of Matroska is read by the first seek.
    """
    if not is_seekable(container, stream, clock, first) or stream.time_base is None or container.duration is None:
        return None
    seek(container, stream, round(container.duration / av.time_base / stream.time_base))
    stamps = [entry.timestamp for entry in stream.index_entries if entry.is_keyframe]
    return [round(float(stamp * stream.time_base) - (clock.start_s or 0.0), 3) for stamp in stamps]


def seek(container: InputContainer, stream: VideoStream, stamp: int) -> bool:
    """Seek to the key frame before a time, in units of the stream's time base; whether it succeeded."""
    try:
        container.seek(stamp, stream=stream, backward=True)
    except (FFmpegError, OverflowError):
        return False
    return True
