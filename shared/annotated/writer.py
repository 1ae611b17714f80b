"""MP4 writer for browsers: H.264 in 4:2:0 and AAC, with the index at the front."""

from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self

import av
import numpy as np
from av.audio.stream import AudioStream
from av.video.reformatter import Colorspace, VideoReformatter
from av.video.stream import VideoStream

from duygu.shared.annotated.paint import Canvas
from duygu.shared.annotated.sound_child import SOUND_HZ

CLOCK_HZ = 90_000
"""Time base of the pictures, in ticks per second."""

USUAL_HZ = Fraction(30)
"""Nominal frame rate in the header; pictures keep their own times."""

QUALITY = {"preset": "superfast", "crf": "25", "bf": "0"}
"""No B-frames: if the decoding order differs from the presentation order, MP4 truncates the duration of the last
picture."""

KEEP_DURATIONS = 1 << 8
"""AV_CODEC_FLAG_FRAME_DURATION of libavcodec: the encoder passes the duration of pictures through."""

BT709 = 1
"""Number of ITU-R BT.709 in colour spaces, primaries and transfers (ITU-T H.273)."""


class Painted:
    """Canvas in the memory of a frame, which avoids a copy per picture."""

    def __init__(self, width: int, height: int) -> None:
        """Width and height must be even."""
        self.frame = av.VideoFrame(width, height, "rgb24")
        (plane,) = self.frame.planes
        rows = np.asarray(memoryview(plane), np.uint8).reshape(height, plane.line_size)
        self.canvas: Canvas = rows[:, : 3 * width].reshape(height, width, 3)


class VideoWriter:
    """Writes the pictures of one canvas, and sound. The file is complete when the context exits.

    A picture is shown until the next one; the last one until `end_s`, in seconds from the beginning.
    """

    def __init__(self, path: Path, painted: Painted, *, sound: bool, threads: int) -> None:
        """Open the file. `threads` 0 uses one thread per core."""
        self._painted = painted
        height, width = painted.canvas.shape[:2]
        self._container = av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"})
        self._pictures = self._add_pictures(width, height, threads)
        self._sound = self._add_sound() if sound else None
        self._converter = VideoReformatter()
        self._waiting: av.VideoFrame | None = None  # the last picture; its duration depends on the next one
        self._samples = 0
        self.end_s = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._flush()
        finally:
            self._container.close()

    def picture(self, time_s: float) -> None:
        """Add the current canvas. Its time must be later than that of the previous picture."""
        frame = self._converter.reformat(self._painted.frame, format="yuv420p", dst_colorspace=Colorspace.ITU709)
        ticks = round(time_s * CLOCK_HZ)
        if self._waiting is not None:
            ticks = max(ticks, (self._waiting.pts or 0) + 1)
            self._encode_waiting(ticks)
        frame.pts, frame.time_base = ticks, Fraction(1, CLOCK_HZ)
        self._waiting = frame

    def _encode_waiting(self, until: int) -> None:
        """Encode the last picture, shown until this tick."""
        if self._waiting is not None:
            self._waiting.duration = max(until - (self._waiting.pts or 0), 1)
            self._container.mux(self._pictures.encode(self._waiting))

    def sound(self, content: bytes) -> None:
        """Add samples in the format of duygu.shared.annotated.sound."""
        if self._sound is None or not content:
            return
        samples = np.frombuffer(content, np.int16)[np.newaxis]
        frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="stereo")
        frame.sample_rate, frame.pts, frame.time_base = SOUND_HZ, self._samples, Fraction(1, SOUND_HZ)
        self._samples += samples.shape[1] // 2
        self._container.mux(self._sound.encode(frame))

    @property
    def sound_s(self) -> float:
        """Duration of the added sound, in seconds."""
        return self._samples / SOUND_HZ

    def _add_pictures(self, width: int, height: int, threads: int) -> VideoStream:
        stream: VideoStream = self._container.add_stream("libx264", rate=USUAL_HZ)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        context = stream.codec_context
        context.time_base, context.options, context.thread_count = Fraction(1, CLOCK_HZ), QUALITY, threads
        context.flags |= KEEP_DURATIONS
        context.colorspace = context.color_primaries = context.color_trc = BT709
        return stream

    def _add_sound(self) -> AudioStream:
        stream: AudioStream = self._container.add_stream("aac", rate=SOUND_HZ, layout="stereo")
        return stream

    def _flush(self) -> None:
        self._encode_waiting(round(self.end_s * CLOCK_HZ))
        self._container.mux(self._pictures.encode(None))
        if self._sound is not None:
            self._container.mux(self._sound.encode(None))
