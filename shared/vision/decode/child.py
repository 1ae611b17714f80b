"""The decoding process: `python -m shared.vision.decode.child ORDER`, started by duygu.shared.vision.decode.video.

It holds an open file and shared memory, confines itself, and then reads what a stranger has made. It imports PyAV
and little else, because it is started anew for each video.
"""

import json
import math
import mmap
import os
import sys
from collections import deque
from collections.abc import Iterator
from fractions import Fraction

import av
import av.subtitles.stream  # which PyAV would import when no file can be opened any more
from av.container import InputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.stream import Disposition
from av.video.codeccontext import VideoCodecContext
from av.video.stream import VideoStream

from duygu.shared.media.motion_jpeg import HEAD_BYTES, JPEG, PART_HEADER_BYTES, JpegRun, is_multipart, timestamp
from duygu.shared.vision.decode.clock import Clock, PacketClock, may_jump, played_s, unwrapped, watched
from duygu.shared.vision.decode.letterbox import Size, fit
from duygu.shared.vision.decode.messages import SLOTS, Decoded, Ended, Failed, Message, Opened, Order, write
from duygu.shared.vision.decode.orientation import PictureMaker, orientation, shape, transfer
from duygu.shared.vision.decode.sampling import Sampler
from duygu.shared.vision.decode.sandbox import confine

FORMATS = (
    "mov,matroska,webm,avi,flv,mpegts,mpeg,mpegvideo,h264,hevc,obu,ivf,gif,apng,asf,ogg,mjpeg,m4v,mxf,dv,nut,"
    "yuv4mpegpipe,rm,wtv,3gp,live_flv,h263,vc1,mp3,wav,flac,aac"
)
"""Containers that are read; those of sound for the sake of a better answer. None of them names other files: playlists,
lists of pictures and devices are missing."""

READ_BYTES = 1 << 20

HEADS = {4: (b"ftyp", b"moov", b"mdat"), 0: (b"\x1aE\xdf\xa3", b"RIFF", b"FLV", b"OggS", b"\0\0\1\xba", b"GIF8")}
"""First bytes of containers, by their place: a file with them that cannot be read is a damaged video."""

WORTH_SKIPPING = 0.5
"""Frames are left out only where there are at least two for each that is analysed."""

EASY_PIXELS_S = 1920 * 1080 * 30
"""Pixels a second that one thread decodes many times faster than they are shown, while the worker uses another core."""

NEAR = 0.75
"""Of the time between frames: on either side of a tick, the frame closest to it and no more than one other."""

DENSE = 2 * NEAR
"""Of the time between frames: where they are no further apart than this, one of them is near each tick."""

NEIGHBOURS = 4
"""Packets before one, in the order of decoding, that its neighbour in time is among when no frame refers to it."""

FASTEST_HZ = 240.0
"""A codec whose clock ticks more often than this ticks more often than its pictures come."""

SLOWEST_HZ = 1 / 3600
"""Fewer pictures than this are those of a file that does not know its rate."""

HELD = 6
"""First pictures that are held back until it is clear whether their times are true; two B-frames in a row show it."""

END_TOLERANCE_S, END_TOLERANCE_SHARE = 0.25, 0.02
"""A video may end this much before its header says."""


class Refused(Exception):  # noqa: N818 - the file is refused; nothing went wrong
    """The file gives no picture; `code` is one of duygu.shared.errors."""

    def __init__(self, code: str, detail: str | None = None) -> None:
        super().__init__(code)
        self.code, self.detail = code, detail


class Need:
    """Knows from a packet's time whether its frame may be wanted.

    The decoder is told to leave out the others where no frame refers to them: about half of a usual H.264 file.
    """

    def __init__(self, rate_hz: float | None, interval_s: float | None, clock: Clock, *, reorders: bool) -> None:
        """`reorders`: whether the codec says that it does not decode in the order of presentation."""
        self._clock, self._reorders = clock, reorders
        self._rate_hz = rate_hz if rate_hz and interval_s and interval_s * rate_hz <= WORTH_SKIPPING else None
        self._interval_s = interval_s or 0.0
        self._before_s: deque[float] = deque(maxlen=NEIGHBOURS)

    def may_be_wanted(self, packet: "Packet[VideoStream]") -> bool:
        """Whether the frame is within NEAR intervals of a tick, or no other one may be: frames are far apart here."""
        if self._rate_hz is None or packet.pts is None or self.is_doubtful():
            return True
        time_s = float(packet.pts * packet.time_base)
        dense = any(abs(time_s - before_s) <= DENSE * self._interval_s for before_s in self._before_s)
        self._before_s.append(time_s)
        return not dense or self._is_near_tick(time_s, self._rate_hz)

    def is_doubtful(self) -> bool:
        """Whether packets may have numbers in the order of decoding instead of times."""
        return self._reorders and not self._clock.reordered

    def _is_near_tick(self, time_s: float, rate_hz: float) -> bool:
        if self._clock.start_s is None:
            return True
        ticks = unwrapped(time_s - self._clock.start_s, self._clock.last_s) * rate_hz
        return abs(ticks - round(ticks)) <= NEAR * self._interval_s * rate_hz


class Reader:
    """Decodes one file and hands its pictures over."""

    def __init__(self, order: Order, memory: mmap.mmap) -> None:
        self.order = order
        self.memory = memoryview(memory)
        self.free = list(range(SLOTS))
        self.pictures = PictureMaker()
        self.warnings: dict[str, str] = {}
        self.decoded = 0
        self.size: Size | None = None  # of the first picture, upright, its pixels square

    def run(self) -> Ended:
        """Read the whole file. Raises Refused when it gives no picture at all."""
        with os.fdopen(self.order.file, "rb", buffering=0) as file:
            with open_container(file) as container:
                duration_s = stated_duration(container, video_stream(container))
                if not may_jump(container) or (duration_s or 0.0) <= self.order.max_duration_s:
                    return self._read(container, duration_s)
                # It was estimated from the last time in the file, which says nothing where the clock jumps before it.
                duration_s = played_s(container, self.order.max_duration_s)
            file.seek(0)
            with open_container(file) as container:
                return self._read(container, duration_s)

    def _read(self, container: InputContainer, duration_s: float | None) -> Ended:
        stream = video_stream(container)
        interval_s = average_interval(stream)
        self._check(stream, duration_s)
        clock = Clock(interval_s, PacketClock(interval_s) if may_jump(container) else None)
        sampler = Sampler(self.order.rate_hz, interval_s)
        pixels = PixelShape(stream)
        skipped_s = 0.0
        for index, frame in enumerate(self._frames(container, stream, clock, interval_s)):
            self.decoded = index + 1
            time_s = clock.time(frame)
            if not index:
                start_s = clock.start_s or 0.0
                skipped_s = max(start_s - stated_start_s(stream), 0.0)
                send(Opened(duration_s, interval_s, start_s, first_frame_s(container, start_s)))
            if time_s > self.order.max_duration_s:
                raise Refused("too_long")
            if sampler.tick(time_s) is not None:
                self._hand_over(frame, index, time_s, pixels.aspect())
        if not self.decoded:
            raise Refused("undecodable")
        return self._ended(clock, None if clock.restarted or duration_s is None else duration_s - skipped_s)

    def _ended(self, clock: Clock, stated_s: float | None) -> Ended:
        """`stated_s`: how long the header says that the pictures last, where it can be believed."""
        end_s = clock.end_s
        if stated_s is not None:
            if stated_s - end_s > max(END_TOLERANCE_S, stated_s * END_TOLERANCE_SHARE):
                self.warnings.pop("damaged", None)  # which it is because of this
                self.warnings["truncated"] = "the video ends before its header says"
            end_s = min(end_s, max(stated_s, clock.last_s + clock.interval_s))
        return Ended(end_s, self.decoded, [list(warning) for warning in self.warnings.items()])

    def _check(self, stream: VideoStream, duration_s: float | None) -> None:
        context = stream.codec_context
        if context.width * context.height > self.order.max_pixels:
            raise Refused("too_many_pixels")
        if duration_s is not None and duration_s > self.order.max_duration_s:
            raise Refused("too_long")

    def _frames(
        self, container: InputContainer, stream: VideoStream, clock: Clock, interval_s: float | None
    ) -> Iterator[av.VideoFrame]:
        """Packet by packet: a broken one costs itself, and a file that ends early keeps what came before."""
        context = stream.codec_context
        context.thread_type, context.thread_count = "AUTO", self.order.threads or threads_for(context, interval_s)
        context.options = {"max_pixels": str(self.order.max_pixels)}
        needed = Need(self.order.rate_hz, interval_s, clock, reorders=bool(context.has_b_frames))
        held: list[av.VideoFrame] | None = []
        for packet in self._packets(container, stream, clock):
            context.skip_frame = "DEFAULT" if packet is None or needed.may_be_wanted(packet) else "NONREF"
            for frame in self._decoded(context, packet):
                if held is None:
                    yield frame
                    continue
                held.append(frame)
                if not needed.is_doubtful() or len(held) >= HELD:
                    clock.learn(held)
                    yield from held
                    held = None
        if held:
            clock.learn(held)
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
        packets = watched(container, stream, clock.packets)
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
            clock.see(packet)
            yield packet

    def _stamp(self, packet: "Packet[VideoStream]") -> None:
        """Pictures without a container have times only where a camera wrote them above each."""
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

    def _hand_over(self, frame: av.VideoFrame, index: int, time_s: float, aspect: Fraction | None) -> None:
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
        send(Decoded(slot, index, time_s, planes.sizes, *levels, *turned, transfer(frame)))

    def _slot(self) -> int:
        """One that is free; waits for the parent to give one back, and ends with it."""
        if not self.free:
            returned = os.read(sys.stdin.fileno(), SLOTS)
            if not returned:
                sys.exit(0)
            self.free.extend(returned)
        return self.free.pop(0)


def open_container(file: object) -> InputContainer:
    """Open what the file holds, if it is one of FORMATS. Raises Refused."""
    descriptor: int = file.fileno()  # type: ignore[attr-defined]
    head = os.pread(descriptor, HEAD_BYTES, 0)
    # FFmpeg would take bare pictures for one photograph, and knows multipart messages of one dialect alone.
    named = "mjpeg" if is_multipart(head) or is_jpeg_run(descriptor) else None
    # FFmpeg would take each clock that jumps back for one that has run through all its numbers.
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
    """Whether an open file is JPEG pictures one behind another."""
    run, position = JpegRun(), 0
    while piece := os.pread(descriptor, READ_BYTES, position):
        run.feed(piece)
        if run.several or (not piece.startswith(JPEG) and not position):
            break
        position += len(piece)
    return run.several


def refuse_open(url: str, flags: int, options: dict[str, str]) -> object:
    """A container wants to read another file or address: never."""
    raise PermissionError("no other file is read")


def video_stream(container: InputContainer) -> VideoStream:
    """The stream that a player would show: not cover art, and the largest. Raises Refused."""
    streams = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
    if not streams:
        raise Refused("no_video_stream")
    usable = [s for s in streams if s.codec_context is not None]
    if not usable:
        raise Refused("undecodable", "the video is in a format that is not known here")
    # An animated AVIF has its first picture as a stream of its own.
    return max(usable, key=lambda s: (s.width * s.height, s.frames != 1, bool(s.disposition & Disposition.default)))


def threads_for(context: VideoCodecContext, interval_s: float | None) -> int:
    """One where that is quick enough: threads that wait for each other take a fifth more of the processor."""
    pixels_s = context.width * context.height / (interval_s or 1 / 30)
    return 1 if pixels_s <= EASY_PIXELS_S else 0


class PixelShape:
    """Width of a pixel to its height: what the container says, which players follow, else what the codec says now."""

    def __init__(self, stream: VideoStream) -> None:
        self._codec = stream.codec_context
        stated = stream.sample_aspect_ratio
        self._stated = stated if stated != self._codec.sample_aspect_ratio else None

    def aspect(self) -> Fraction | None:
        """Of the last decoded frame: a codec may change it in mid-stream. None where nothing says it."""
        return self._stated or self._codec.sample_aspect_ratio


def average_interval(stream: VideoStream) -> float | None:
    """Seconds from frame to frame, where the file knows."""
    rate, of_codec = stream.average_rate or stream.guessed_rate, stream.guessed_rate
    if stream.start_time is None and of_codec and of_codec <= FASTEST_HZ:
        rate = of_codec  # a file without times has no rate either, and what is told for it is always the same
    return float(1 / rate) if rate and SLOWEST_HZ <= rate <= 1000 else None


def stated_duration(container: InputContainer, stream: VideoStream) -> float | None:
    """What the header says, in seconds; None for a browser's webm."""
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    alone = len(container.streams) == 1
    return container.duration / av.time_base if container.duration and alone else None


def stated_start_s(stream: VideoStream) -> float:
    """Where that begins, in seconds of the file's own clock: a stream with its first packet, a whole file at zero."""
    if stream.duration and stream.start_time and stream.time_base:
        return float(stream.start_time * stream.time_base)
    return 0.0


def first_frame_s(container: InputContainer, start_s: float) -> float:
    """When the first picture is due, in seconds from the beginning of the file as players count it.

    start_s  its time in the file's own clock
    """
    return max(unwrapped(start_s - (container.start_time or 0) / av.time_base, 0.0), 0.0)


def send(message: Message) -> None:
    """To the parent."""
    os.write(sys.stdout.fileno(), write(message))


def main(argument: str) -> None:
    """Follow the order, and say how it ended."""
    order = Order(**json.loads(argument))
    memory = mmap.mmap(order.memory, 0)
    confine(memory_bytes=order.memory_bytes, cpu_s=order.cpu_s, highest_file=max(order.file, order.memory))
    try:
        send(Reader(order, memory).run())
    except Refused as refused:
        send(Failed(refused.code, refused.detail))
    except MemoryError:
        send(Failed("decoder_limit", None))


if __name__ == "__main__":
    main(sys.argv[1])
