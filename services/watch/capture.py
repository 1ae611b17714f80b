"""Captures a camera or a network stream: the newest frame wins, and a lost stream is opened again."""

import errno
import logging
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import av
import numpy as np
from av.codec.hwaccel import HWAccel, hwdevices_available
from av.container import InputContainer

from duygu.client.pictures import Picture, encode
from duygu.services.watch.pacing import Pacing

logger = logging.getLogger(__name__)

OPEN_TIMEOUT_S, READ_TIMEOUT_S = 10.0, 10.0

TOLERANCE_S = 0.1
"""By how much FFmpeg's timeouts may end early."""

NO_ANSWER = "no answer within {:g} s"

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 30.0
"""Pauses before a stream is opened again; each doubles until frames arrive."""

MOST_JUMP_S = 5.0
"""A larger jump of the stream's clock, or one backwards, is a new clock."""

MOST_AHEAD_S, MOST_BEHIND_S = 0.25, 5.0
"""A live stream whose clock is further from the time that has passed here runs too fast or too slow: a new clock."""

UNTIMED = {"mpjpeg", "mjpeg", "h264", "hevc"}
"""FFmpeg's names of formats without times. It invents some, at 25 frames a second whatever the camera does."""

SEGMENTED = {"hls", "dash"}
"""FFmpeg's names of formats that arrive a segment at a time."""

MICROSECONDS = 1_000_000


@dataclass(frozen=True, slots=True)
class Source:
    """What is captured. `rate_hz` is the maximum number of pictures per second."""

    address: str
    rate_hz: float = 10.0
    hardware: str | None = None
    """Device for hardware decoding, such as `vaapi`; software decodes where it fails. None: software."""

    @property
    def title(self) -> str:
        """The address without user, password, query and fragment, for messages."""
        parts = urlsplit(self.address)
        if not parts.netloc:
            return self.address
        host = parts.netloc.rpartition("@")[2]
        return urlunsplit((parts.scheme, host, parts.path, "", ""))

    @property
    def is_file(self) -> bool:
        """Whether it is a file, which ends and is read in real time; also a path that does not exist, or a folder."""
        path = Path(self.address)
        if ":" in self.address or self.address.startswith("/dev/"):
            return path.is_file()
        return path.is_file() or path.is_dir() or not path.exists()


class Clock:
    """Capture times on the clock of the stream, from the first frame on; they grow, also after a reconnection.

    After a pause or a jump of the stream's clock, the time that has passed here replaces it; for a live stream also
    when its clock runs too fast or too slow.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic, *, live: bool = True) -> None:
        self._now, self._live = now, live
        self._origin: float | None = None
        self._offset: float | None = None
        self._last = -1.0

    def reset(self, *, live: bool | None = None) -> None:
        """Begin a new stream, whose clock is unknown. `live`: whether its frames arrive when they are captured."""
        self._offset = None
        self._live = self._live if live is None else live

    def time_of_day(self, captured_at: float) -> float:
        """Seconds since 1970 at a capture time."""
        return time.time() - (self._now() - (self._origin or 0.0)) + captured_at

    def time_s(self, stream_s: float | None) -> float:
        """The capture time of a frame with a presentation time; None where the stream has none."""
        now = self._now()
        self._origin = now if self._origin is None else self._origin
        elapsed = now - self._origin
        if stream_s is None:
            found = elapsed
        else:
            if self._offset is None or not self._fits(stream_s + self._offset, elapsed):
                self._offset = max(elapsed, self._last + 0.001) - stream_s
            found = stream_s + self._offset
        self._last = max(found, self._last + 0.001)
        return self._last

    def _fits(self, found: float, elapsed: float) -> bool:
        """Whether a time continues those before, and is near the time that has passed."""
        if not -1e-6 <= found - self._last <= MOST_JUMP_S:
            return False
        return not self._live or -MOST_BEHIND_S <= found - elapsed <= MOST_AHEAD_S


class Capture:
    """Decodes in a thread. `pictures` yields the newest frame at most `rate_hz` times a second."""

    def __init__(self, source: Source, on_state: Callable[[str], None] = logger.warning) -> None:
        self._source, self._on_state = source, on_state
        self._is_file = source.is_file
        self._clock = Clock(live=not self._is_file)
        self._hardware = source.hardware
        self._newest: tuple[float, av.VideoFrame] | None = None
        self._changed = threading.Condition()
        self._ended = threading.Event()
        self.lost = 0
        """Number of times that the stream was lost."""
        threading.Thread(target=self._run, name="capture", daemon=True).start()

    def close(self) -> None:
        """End the capture; `pictures` then ends too."""
        with self._changed:
            self._ended.set()
            self._changed.notify_all()

    def wait(self) -> bool:
        """Wait for a frame; False at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._newest is not None or self._ended.is_set())
            return self._newest is not None

    def taken_at(self, captured_at: float) -> float:
        """The time of day, in seconds since 1970, of a capture time of `pictures`."""
        return self._clock.time_of_day(captured_at)

    def pictures(self) -> Iterator[Picture]:
        """Pictures until the end of a file or `close`; waits while the stream is lost."""
        due = -1.0
        while (found := self._next()) is not None:
            time_s, frame = found
            if time_s < due - 1e-6:
                continue
            due = max(due, time_s) + 1 / self._source.rate_hz if due >= 0 else time_s + 1 / self._source.rate_hz
            pixels = np.rot90(frame.to_ndarray(format="bgr24"), frame.rotation // 90 % 4)
            yield Picture(time_s, encode(np.ascontiguousarray(pixels)))

    def _next(self) -> tuple[float, av.VideoFrame] | None:
        with self._changed:
            self._changed.wait_for(lambda: self._newest is not None or self._ended.is_set())
            found, self._newest = self._newest, None
            return found

    def _put(self, time_s: float, frame: av.VideoFrame) -> None:
        with self._changed:
            self._newest = time_s, frame
            self._changed.notify_all()

    def _run(self) -> None:
        pause_s = FIRST_PAUSE_S
        while not self._ended.is_set():
            try:
                for time_s, frame in self._frames():
                    pause_s = FIRST_PAUSE_S
                    self._put(time_s, frame)
                    if self._ended.is_set():
                        return
                reason = "" if self._is_file else "the stream ended"
            except (av.FFmpegError, OSError, ValueError) as error:
                reason = reason_of(error)
            if self._is_file:
                if reason:
                    self._on_state(f"{self._source.title}: {reason}")
                self._finish()
                return
            self.lost += 1
            self._on_state(f"{self._source.title}: {reason}; connecting again in {pause_s:g} s")
            self._ended.wait(pause_s)
            pause_s = min(pause_s * 2, LONGEST_PAUSE_S)

    def _finish(self) -> None:
        """End after the last frame was taken."""
        with self._changed:
            self._changed.wait_for(lambda: self._newest is None or self._ended.is_set(), timeout=READ_TIMEOUT_S)
        self.close()

    def _frames(self) -> Iterator[tuple[float, av.VideoFrame]]:
        with self._open() as container:
            pacing = None if self._is_file or not _is_in_bursts(container, self._source) else Pacing()
            self._clock.reset(live=not self._is_file and pacing is None)
            stream = container.streams.video[0]
            stream.thread_type = "SLICE"  # frame threads add a frame of delay each
            if self._hardware and not stream.codec_context.is_hwaccel:
                self._use_software(f"{self._hardware} does not decode {stream.codec_context.name}")
            untimed = not self._is_file and container.format.name in UNTIMED
            started, first_s = time.monotonic(), None
            for frame in container.decode(stream):
                stream_s = None if untimed else _seconds(frame)
                if self._is_file and stream_s is not None:
                    first_s = stream_s if first_s is None else first_s
                    self._ended.wait(max(0.0, started + stream_s - first_s - time.monotonic()))
                elif pacing and stream_s is not None:
                    self._ended.wait(pacing.wait_s(stream_s))
                yield self._clock.time_s(stream_s), frame

    def _open(self) -> InputContainer:
        if self._hardware and self._hardware not in hwdevices_available():
            known = ", ".join(hwdevices_available()) or "none"
            self._use_software(f"this FFmpeg has no device {self._hardware} (it has: {known})")
        if self._hardware is None:
            return open_stream(self._source.address)
        try:
            return open_stream(self._source.address, HWAccel(self._hardware, allow_software_fallback=True))
        except (av.FFmpegError, OSError) as error:
            container = open_stream(self._source.address)  # where this fails too, the device is not to blame
            self._use_software(f"{self._hardware} cannot be used: {reason_of(error)}")
            return container

    def _use_software(self, reason: str) -> None:
        self._hardware = None
        self._on_state(f"{self._source.title}: {reason}; decoding in software")


def open_stream(address: str, hardware: HWAccel | None = None) -> InputContainer:
    """A container with a video stream. Raises av.FFmpegError, OSError, and ValueError where there is no video.

    TimeoutError where something accepts the connection, or the packets get lost, and nothing answers.
    """
    options, form = {}, None
    if address.startswith(("rtsp://", "rtsps://")):
        options = {"rtsp_transport": "tcp", "timeout": str(int(READ_TIMEOUT_S * MICROSECONDS))}
    elif address.startswith("/dev/video"):
        form = "v4l2"
    timeouts, begun = (OPEN_TIMEOUT_S, READ_TIMEOUT_S), time.monotonic()
    try:
        container = av.open(address, format=form, options=options, timeout=timeouts, hwaccel=hardware)
    except av.FFmpegError as error:
        if time.monotonic() - begun < min(timeouts) - TOLERANCE_S:
            raise
        raise TimeoutError(errno.ETIMEDOUT, NO_ANSWER.format(OPEN_TIMEOUT_S)) from error  # FFmpeg: "Invalid data found"
    if not container.streams.video:
        container.close()
        raise ValueError("no video stream")
    return container


def reason_of(error: Exception) -> str:
    """Why a stream cannot be opened or read. The text of FFmpeg's errors contains the address, with its password."""
    if isinstance(error, av.error.ExitError):
        return NO_ANSWER.format(READ_TIMEOUT_S)
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def _is_in_bursts(container: InputContainer, source: Source) -> bool:
    """Whether frames arrive faster than they were captured: segments, and files that a web server sends."""
    is_web_file = source.address.startswith(("http://", "https://")) and container.duration is not None
    return container.format.name in SEGMENTED or is_web_file


def _seconds(frame: av.VideoFrame) -> float | None:
    """Presentation time; None where the stream has none."""
    if frame.pts is None or frame.time_base is None:
        return None
    return float(frame.pts * Fraction(frame.time_base))
