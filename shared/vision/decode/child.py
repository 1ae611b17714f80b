"""Decoding process: `python -m shared.vision.decode.child [ORDER]`, started by duygu.shared.vision.decode.video.

It inherits an open file and shared memory, or receives them with its order on standard input. It sandboxes itself, and
then reads untrusted input. It imports little more than PyAV, because it is started for each video.
"""

import gc
import json
import math
import mmap
import os
import sys
import time
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from functools import partial

import av
import av.subtitles.stream  # PyAV would import it later, when no file can be opened any more
from av.container import InputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.stream import Disposition
from av.video.codeccontext import VideoCodecContext
from av.video.stream import VideoStream

from duygu.shared.inputs.media.motion_jpeg import HEAD_BYTES, JPEG, PART_HEADER_BYTES, JpegRun, is_multipart, timestamp
from duygu.shared.inputs.media.stated_size import breaks_off
from duygu.shared.vision.decode.clock import Clock, LastPacket, PacketClock, may_jump, played_s, unwrapped, watched
from duygu.shared.vision.decode.letterbox import Size, fit
from duygu.shared.vision.decode.messages import SLOTS, Decoded, Ended, Failed, Message, Opened, Order, Skipping, write
from duygu.shared.vision.decode.orientation import PictureMaker, orientation, shape, transfer
from duygu.shared.vision.decode.part import Part, key_frames, seek
from duygu.shared.vision.decode.picture_sender import PictureSender
from duygu.shared.vision.decode.sampling import ROUNDING_S, Sampler
from duygu.shared.vision.decode.sandbox import confine

FORMATS = (
    "mov,matroska,webm,avi,flv,mpegts,mpeg,mpegvideo,h264,hevc,obu,ivf,gif,apng,asf,ogg,mjpeg,m4v,mxf,dv,nut,"
    "yuv4mpegpipe,rm,wtv,3gp,live_flv,h263,vc1,mp3,wav,flac,aac"
)
"""Accepted container formats; audio formats are included for more precise errors. Formats that refer to other files
(playlists, image sequences, devices) are excluded."""

READ_BYTES = 1 << 20

HEADS = {4: (b"ftyp", b"moov", b"mdat"), 0: (b"\x1aE\xdf\xa3", b"RIFF", b"FLV", b"OggS", b"\0\0\1\xba", b"GIF8")}
"""Magic bytes of containers, by offset. A file with these bytes that cannot be read is a damaged video."""

WORTH_SKIPPING = 0.5
"""Maximum product of frame interval and sampling rate for skipping: at least two frames per analysed frame."""

EASY_PIXELS_S = 1920 * 1080 * 30
"""Pixel rate up to which one thread is used. It decodes such a video much faster than real time, while the worker uses
another core."""

MOST_THREADS, AHEAD_BYTES = 12, 40_000_000
"""Number of threads for other videos, more than there are cores, and maximum size of the frames that they decode at the
same time. A thread whose frame is skipped has nothing to do, and the others wait for each other's frames."""

NEAR = 0.75
"""Half-width of the window around a sampling time, in frame intervals: it contains the nearest frame and at most one
other."""

DENSE = 2 * NEAR
"""Maximum distance of frames, in frame intervals, at which each sampling time has a frame within NEAR."""

NEIGHBOURS = 4
"""Number of preceding packets, in decoding order, that include the temporal neighbour of a non-reference frame."""

FASTEST_HZ = 240.0
"""Maximum plausible frame rate of a codec. A faster clock does not tick once per picture."""

SLOWEST_HZ = 1 / 3600
"""Minimum plausible frame rate. A lower one means that the file does not know its rate."""

HELD = 6
"""Maximum number of first frames to hold back until their timestamps are verified; two consecutive B-frames suffice."""

END_TOLERANCE_S, END_TOLERANCE_SHARE = 0.25, 0.02
"""Tolerances for the end of a video before the duration in its header."""

FILE_DURATION = ("asf", "wtv")
"""Formats in which the duration of each stream is that of the file, whose sound can be longer than its pictures."""

SKIPPING_INTERVAL_S = 2.0
"""Interval of the messages that the process sends before a part; the parent ends a silent process."""


class Refused(Exception):  # noqa: N818 - the file is refused; nothing went wrong
    """The file is rejected; `code` is one of duygu.shared.errors."""

    def __init__(self, code: str, detail: str | None = None) -> None:
        super().__init__(code)
        self.code, self.detail = code, detail


class FrameSkipping:
    """Decides from a packet's time whether its frame can be selected.

    The decoder skips the other frames if no frame refers to them: about half of a typical H.264 file.
    """

    def __init__(
        self, rate_hz: float | None, interval_s: float | None, clock: Clock, *, reorders: bool, from_s: float = 0.0
    ) -> None:
        """Create the decision before the first packet.

        reorders  whether the codec declares a decoding order that differs from the presentation order
        from_s    time before which no frame is selected
        """
        self._clock, self._reorders = clock, reorders
        self._rate_hz = rate_hz if rate_hz and interval_s and interval_s * rate_hz <= WORTH_SKIPPING else None
        self._interval_s = interval_s or 0.0
        self._from_s = from_s - self._interval_s
        self._before_s: deque[float] = deque(maxlen=NEIGHBOURS)
        self._sampler = Sampler(rate_hz, interval_s)
        self._decoded: deque[tuple[int, float]] = deque(maxlen=NEIGHBOURS)  # tick and time

    def may_be_selected(self, packet: "Packet[VideoStream]") -> bool:
        """Whether the frame can be the first one within NEAR intervals of a sampling time.

        True also where frames are too sparse to skip any.
        """
        if packet.pts is None or self.has_unverified_times():
            return True
        time_s = float(packet.pts * packet.time_base)
        if self._clock.start_s is not None and self._since_start(time_s, self._clock.start_s) < self._from_s:
            return False
        if self._rate_hz is None:
            return True
        dense = any(abs(time_s - before_s) <= DENSE * self._interval_s for before_s in self._before_s)
        self._before_s.append(time_s)
        return self._is_needed(time_s, self._rate_hz, dense=dense)

    def has_unverified_times(self) -> bool:
        """Whether the timestamps of packets can be numbers in decoding order."""
        return self._reorders and not self._clock.reordered

    def _is_needed(self, time_s: float, rate_hz: float, *, dense: bool) -> bool:
        """Whether the frame is near a sampling time for which no earlier frame is decoded, or its neighbours are far.

        `dense`: whether frames are so close here that each sampling time has one near it
        """
        if self._clock.start_s is None:
            return True
        since_s = self._since_start(time_s, self._clock.start_s)
        ticks = since_s * rate_hz
        tick = self._sampler.candidate(since_s)
        if dense and (
            abs(ticks - round(ticks)) > NEAR * self._interval_s * rate_hz
            or any(other == tick and earlier_s < since_s for other, earlier_s in self._decoded)
        ):
            return False
        if self._sampler.candidate(since_s - ROUNDING_S / 2) == tick:  # also if the frame's time is rounded differently
            self._decoded.append((tick, since_s))
        return True

    def _since_start(self, time_s: float, start_s: float) -> float:
        return unwrapped(time_s - start_s, self._clock.last_s)


class FileDecoder:
    """Decodes one file and sends its pictures to the parent."""

    def __init__(self, order: Order, memory: mmap.mmap) -> None:
        self.order = order
        self.memory = memoryview(memory)
        self.free = list(range(SLOTS))
        self.pictures = PictureMaker()
        self.warnings: dict[str, str] = {}
        self.decoded = 0
        self.selected = 0
        self.sent_at = time.monotonic()
        self.last_packet: LastPacket | None = None
        self.size: Size | None = None  # of the first picture, upright, with square pixels

    def run(self) -> Ended:
        """Decode the whole file. Raises Refused if it gives no picture."""
        with os.fdopen(self.order.file, "rb", buffering=0) as file:
            with open_container(file) as container:
                duration_s = stated_duration(container, video_stream(container))
                if not may_jump(container) or (duration_s or 0.0) <= self.order.max_duration_s:
                    return self._read(container, duration_s)
                # FFmpeg estimated it from the last timestamp, which is meaningless if the clock jumps before.
                duration_s = played_s(container, self.order.max_duration_s)
            file.seek(0)
            with open_container(file) as container:
                return self._read(container, duration_s)

    def _read(self, container: InputContainer, duration_s: float | None) -> Ended:
        stream = video_stream(container)
        interval_s = average_interval(stream)
        self._check(stream, duration_s)
        clock = Clock(interval_s, PacketClock(interval_s) if may_jump(container) else None)
        part = Part(self.order.start_s, self.order.end_s, Sampler(self.order.rate_hz, interval_s))
        pixels = PixelShape(stream)
        skipped_s = 0.0
        self.last_packet = LastPacket() if has_file_duration(container, stream) else None
        self._set_up(stream.codec_context, interval_s)
        sender = PictureSender(self._send_frame, Refused, MemoryError)
        for index, frame in enumerate(self._frames_of_part(container, stream, clock, part)):
            self.decoded = index + 1
            time_s = clock.time(frame)
            if not index:
                start_s = clock.start_s or 0.0
                skipped_s = max(start_s - stated_start_s(stream), 0.0)
                listed = key_frames(container, stream, clock, frame) if self.order.lists_key_frames else None
                send(Opened(duration_s, interval_s, start_s, first_frame_s(container, start_s), listed))
            if time_s > self.order.max_duration_s:
                raise Refused("too_long")
            if part.selects(time_s):
                if not self.selected and self.order.start_s:
                    self.warnings.pop("damaged", None)  # only before the part
                self.selected += 1
                sender.put(frame, index, time_s, pixels.aspect())
            elif part.over:
                break
            else:
                self._send_sign_of_life(time_s)
        sender.finish()
        if not self.decoded:
            raise Refused("undecodable")
        if not self.selected:
            self._refuse_part(clock, over=part.over)
        stated_s = None if clock.restarted or duration_s is None else duration_s - skipped_s
        return (
            self._part_ended(container, stream, clock, stated_s)
            if part.over
            else self._ended(container, clock, stated_s)
        )

    def _refuse_part(self, clock: Clock, *, over: bool) -> None:
        """Raise Refused, as no frame was in the part."""
        start_s = f"{self.order.start_s:g}"
        if over:
            raise Refused("empty_part", f"no picture is between start_s {start_s} and end_s {self.order.end_s:g}")
        raise Refused("start_beyond_end", f"start_s {start_s} is beyond the last picture at {clock.last_s:.3f} s")

    def _part_ended(
        self, container: InputContainer, stream: VideoStream, clock: Clock, stated_s: float | None
    ) -> Ended:
        """The end of a part. Without a stated duration, the rest of the file is read, but not decoded."""
        end_s = clock.end_s if stated_s is None else max(stated_s, clock.end_s)
        if stated_s is None:
            with suppress(FFmpegError):  # the file is truncated or damaged
                for packet in container.demux(stream):
                    if packet.pts is not None and packet.time_base is not None:
                        lasting = packet.duration or 0
                        after_s = float((packet.pts + lasting) * packet.time_base) - (clock.start_s or 0.0)
                        end_s = max(end_s, unwrapped(after_s, clock.last_s))
        return Ended(end_s, self.decoded, [list(warning) for warning in self.warnings.items()])

    def _ended(self, container: InputContainer, clock: Clock, stated_s: float | None) -> Ended:
        """`stated_s`: duration of the pictures in the header, if it is credible."""
        end_s = clock.end_s
        if self._ends_early(container, clock, stated_s):
            self._warn_of_truncation("the video ends before its header says")
        elif breaks_off(partial(pread, self.order.file), os.fstat(self.order.file).st_size):
            self._warn_of_truncation("the file is shorter than its header says")
        if stated_s is not None:
            end_s = min(end_s, max(stated_s, clock.last_s + clock.interval_s))
        return Ended(end_s, self.decoded, [list(warning) for warning in self.warnings.items()])

    def _ends_early(self, container: InputContainer, clock: Clock, stated_s: float | None) -> bool:
        """Whether the pictures end before the header says; if it has one duration for all streams, whether all end."""
        end_s = clock.end_s
        if self.last_packet is not None and not clock.restarted:
            stated_s = container.duration / av.time_base if container.duration else None
            end_s = max(end_s, self.last_packet.end_s)
        return stated_s is not None and stated_s - end_s > max(END_TOLERANCE_S, stated_s * END_TOLERANCE_SHARE)

    def _warn_of_truncation(self, detail: str) -> None:
        self.warnings.pop("damaged", None)  # implied
        self.warnings["truncated"] = detail

    def _check(self, stream: VideoStream, duration_s: float | None) -> None:
        context = stream.codec_context
        if context.width * context.height > self.order.max_pixels:
            raise Refused("too_many_pixels")
        if duration_s is not None and duration_s > self.order.max_duration_s:
            raise Refused("too_long")

    def _set_up(self, context: VideoCodecContext, interval_s: float | None) -> None:
        context.thread_type, context.thread_count = "AUTO", self.order.threads or threads_for(context, interval_s)
        context.options = {"max_pixels": str(self.order.max_pixels)}

    def _frames_of_part(
        self, container: InputContainer, stream: VideoStream, clock: Clock, part: Part
    ) -> Iterator[av.VideoFrame]:
        """The first frame of the file, whose time is the origin of all times, then those from the part on.

        Frames between them are included, as many as decoding the part needs.
        """
        frames = self._frames(container, stream, clock)
        first = next(frames, None)
        if first is None:
            return
        yield first
        if part.can_seek(container, stream, clock, first) and seek(container, stream, part.seek_stamp(stream, clock)):
            frames = self._frames(container, stream, clock)
            landed = next(frames, None)
            if landed is not None and part.follows(landed, clock):
                yield landed
            else:
                self.warnings.clear()
                seek(container, stream, first.pts or 0)
                frames = self._frames(container, stream, clock)
        yield from frames

    def _frames(self, container: InputContainer, stream: VideoStream, clock: Clock) -> Iterator[av.VideoFrame]:
        """Decode packet by packet: a damaged packet loses only itself, and a truncated file keeps its beginning."""
        context = stream.codec_context
        skipping = FrameSkipping(
            self.order.rate_hz,
            average_interval(stream),
            clock,
            reorders=bool(context.has_b_frames),
            from_s=self.order.start_s,
        )
        held: list[av.VideoFrame] | None = []
        for packet in self._packets(container, stream, clock):
            context.skip_frame = "DEFAULT" if packet is None or skipping.may_be_selected(packet) else "NONREF"
            for frame in self._decoded(context, packet):
                if held is None:
                    yield frame
                    continue
                held.append(frame)
                if not skipping.has_unverified_times() or len(held) >= HELD:
                    clock.check_order(held)
                    yield from held
                    held = None
        if held:
            clock.check_order(held)
            yield from held

    def _decoded(self, context: VideoCodecContext, packet: "Packet[VideoStream] | None") -> Iterator[av.VideoFrame]:
        try:
            yield from context.decode(packet)
        except MemoryError as error:
            raise Refused("decoder_limit") from error
        except (FFmpegError, ValueError):
            self.warnings["damaged"] = "parts of the video could not be decoded"

    def _packets(
        self, container: InputContainer, stream: VideoStream, clock: Clock
    ) -> "Iterator[Packet[VideoStream] | None]":
        packets = watched(container, stream, clock.packets or self.last_packet)
        while True:
            try:
                packet = next(packets)
            except StopIteration:
                return
            except MemoryError as error:
                raise Refused("decoder_limit") from error
            except FFmpegError:
                self.warnings["truncated"] = "the file breaks off"
                yield None
                return
            if packet.has_sidedata("encryption_info"):
                raise Refused("encrypted")
            if container.format.name == "mjpeg":
                self._stamp(packet)
            clock.add(packet)
            yield packet

    def _stamp(self, packet: "Packet[VideoStream]") -> None:
        """Set the time of a picture without a container, if the camera wrote one in the part header."""
        if not packet.size or packet.pos is None:
            return
        start = max(packet.pos - PART_HEADER_BYTES, 0)
        around = os.pread(self.order.file, packet.pos - start + PART_HEADER_BYTES, start)
        first = around.find(JPEG, packet.pos - start)
        time_s = timestamp(around[: max(first, 0)])
        if time_s is None:
            self.warnings.setdefault("assumed_rate", "the file has no times; 25 pictures a second are assumed")
        else:
            packet.pts = packet.dts = round(time_s / packet.time_base)

    def _send_sign_of_life(self, time_s: float) -> None:
        """Send a message if the parent has received none for a while."""
        now = time.monotonic()
        if now - self.sent_at > SKIPPING_INTERVAL_S:
            send(Skipping(time_s))
            self.sent_at = now

    def _send_frame(self, frame: av.VideoFrame, index: int, time_s: float, aspect: Fraction | None) -> None:
        upright = orientation(frame)
        square = shape(frame, aspect)
        self.size = self.size or upright.turn(square)
        size = upright.turn(self.size)  # as stored
        if max(frame.width * frame.height, math.prod(size)) > self.order.max_pixels:
            raise Refused("too_many_pixels")
        slot = self._slot()
        memory = self.memory[slot * self.order.slot_bytes :][: self.order.slot_bytes]
        try:
            planes = self.pictures.write(frame, size, fit(square, size), memory)
        except ValueError as error:
            raise Refused("too_many_pixels") from error
        levels = planes.limited, list(planes.weights)
        turned = upright.turns, upright.mirrored
        self.sent_at = time.monotonic()
        send(Decoded(slot, index, time_s, planes.sizes, *levels, *turned, transfer(frame)))

    def _slot(self) -> int:
        """Return a free slot. Waits until the parent releases one, and exits with the parent."""
        if not self.free:
            returned = os.read(sys.stdin.fileno(), SLOTS)
            if not returned:
                os._exit(0)
            self.free.extend(returned)
        return self.free.pop(0)


def open_container(file: object) -> InputContainer:
    """Open a file of one of FORMATS. Raises Refused."""
    descriptor: int = file.fileno()  # type: ignore[attr-defined]
    head = os.pread(descriptor, HEAD_BYTES, 0)
    # FFmpeg would open concatenated JPEGs as one photograph, and parses only one dialect of multipart messages.
    named = "mjpeg" if is_multipart(head) or is_jpeg_run(descriptor) else None
    # correct_ts_overflow: FFmpeg would interpret each backward jump of a clock as a wrap-around.
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        raise Refused("not_a_video", "WebP is not read as a video; convert an animated one to GIF, WebM or MP4")
    options = {"format_whitelist": FORMATS, "protocol_whitelist": "none", "correct_ts_overflow": "0"}
    try:
        return av.open(file, "r", format=named, options=options, buffer_size=READ_BYTES, io_open=refuse_open)
    except MemoryError as error:
        raise Refused("decoder_limit") from error
    except (FFmpegError, ValueError, OSError) as error:
        known = any(head[at:].startswith(marks) for at, marks in HEADS.items())
        raise Refused("undecodable" if known else "not_a_video") from error


def is_jpeg_run(descriptor: int) -> bool:
    """Whether an open file consists of concatenated JPEG pictures."""
    run, position = JpegRun(), 0
    while piece := os.pread(descriptor, READ_BYTES, position):
        run.feed(piece)
        if run.several or (not piece.startswith(JPEG) and not position):
            break
        position += len(piece)
    return run.several


def refuse_open(url: str, flags: int, options: dict[str, str]) -> object:
    """Reject any other file or address that a container refers to."""
    raise PermissionError("no other file is read")


def video_stream(container: InputContainer) -> VideoStream:
    """The largest video stream that is not cover art, as a player selects it. Raises Refused."""
    streams = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
    if not streams:
        raise Refused("no_video_stream")
    usable = [s for s in streams if s.codec_context is not None]
    if not usable:
        raise Refused("undecodable", "the video is in a format that is not known here")
    # The first picture of an animated AVIF is a separate stream.
    return max(usable, key=lambda s: (s.width * s.height, s.frames != 1, bool(s.disposition & Disposition.default)))


def threads_for(context: VideoCodecContext, interval_s: float | None) -> int:
    """Number of decoding threads: 1 if one is fast enough, as threads that wait for each other use 20% more CPU time.

    Otherwise as many as AHEAD_BYTES allow, or 0 for FFmpeg's choice, one more than there are cores, where that is more.
    """
    pixels = context.width * context.height
    if pixels / (interval_s or 1 / 30) <= EASY_PIXELS_S:
        return 1
    threads = min(AHEAD_BYTES * 2 // (pixels * 3), MOST_THREADS)  # a pixel of 4:2:0 takes one byte and a half
    return threads if threads > (os.cpu_count() or 1) + 1 else 0


class PixelShape:
    """Pixel aspect ratio: of the container, which players use, else the current one of the codec."""

    def __init__(self, stream: VideoStream) -> None:
        self._codec = stream.codec_context
        stated = stream.sample_aspect_ratio
        self._stated = stated if stated != self._codec.sample_aspect_ratio else None

    def aspect(self) -> Fraction | None:
        """Aspect ratio of the last decoded frame, which a codec can change in mid-stream; None if unknown."""
        return self._stated or self._codec.sample_aspect_ratio


def average_interval(stream: VideoStream) -> float | None:
    """Average frame interval in seconds; None if the file does not have one."""
    rate, of_codec = stream.average_rate or stream.guessed_rate, stream.guessed_rate
    if stream.start_time is None and of_codec and of_codec <= FASTEST_HZ:
        rate = of_codec  # a file without timestamps has no average rate either; FFmpeg returns a constant
    return float(1 / rate) if rate and SLOWEST_HZ <= rate <= 1000 else None


def stated_duration(container: InputContainer, stream: VideoStream) -> float | None:
    """Duration in the header, in seconds; None for a WebM file recorded in a browser."""
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    alone = len(container.streams) == 1
    return container.duration / av.time_base if container.duration and alone else None


def has_file_duration(container: InputContainer, stream: VideoStream) -> bool:
    """Whether the header has only one duration for several streams, which is that of the longest one.

    Where clocks may jump, FFmpeg estimates durations from the last timestamps.
    """
    shared = not stream.duration or container.format.name in FILE_DURATION
    return shared and len(container.streams) > 1 and not may_jump(container)


def stated_start_s(stream: VideoStream) -> float:
    """Start of the stated duration in the file's clock, in seconds: its first packet for a stream, 0 for a file."""
    if stream.duration and stream.start_time and stream.time_base:
        return float(stream.start_time * stream.time_base)
    return 0.0


def first_frame_s(container: InputContainer, start_s: float) -> float:
    """Presentation time of the first picture, in seconds from the beginning of the file in a player.

    start_s  its time in the file's clock
    """
    return max(unwrapped(start_s - (container.start_time or 0) / av.time_base, 0.0), 0.0)


def pread(file: int, offset: int, size: int) -> bytes:
    """Read so many bytes of an open file at an offset."""
    return os.pread(file, size, offset)


def send(message: Message) -> None:
    """Send a message to the parent."""
    os.write(sys.stdout.fileno(), write(message))


def main(argument: str | None) -> None:
    """Decode the file, and report how decoding ended. `argument`: the order; None if it arrives on standard input."""
    order = Order(**json.loads(argument)) if argument else awaited_order()
    if order is None:
        return
    gc.freeze()  # what is imported stays, so that collections are cheap
    memory = mmap.mmap(order.memory, 0)
    confine(memory_bytes=order.memory_bytes, cpu_s=order.cpu_s, highest_file=max(order.file, order.memory))
    try:
        send(FileDecoder(order, memory).run())
    except Refused as refused:
        send(Failed(refused.code, refused.detail))
    except MemoryError:
        send(Failed("decoder_limit", None))


def awaited_order() -> Order | None:
    """Wait for the order, and refer to its files as they are in this process; None if the parent has ended."""
    from duygu.shared.runtime.processes.orders import receive_order

    received = receive_order(sys.stdin.fileno())
    if received is None:
        return None
    order, files = Order(**received[0]), received[1]
    return replace(order, file=files[order.file], memory=files[order.memory])


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else None)
