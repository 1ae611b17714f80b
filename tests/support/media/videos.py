"""Synthetic videos of a real face: the astronaut of scikit-image moves through described scenes.

    path = VideoMaker(folder).make(Scene(faces=(PANNING,), fps=30, container="mp4", codec="libx264"))

A scene knows where its faces are (`Scene.boxes`), so that tests can verify the engine against the true boxes.
"""

import hashlib
import io
import math
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO, Literal

import av
import cv2
import numpy as np
import numpy.typing as npt
from av.container import OutputContainer
from av.video.reformatter import VideoReformatter
from skimage import data

Image = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]
Box = tuple[float, float, float, float]

HEAD = (slice(0, 230), slice(124, 324))
"""Rows and columns of data.astronaut() with the head and its hair."""

FACE: Box = (57.0, 62.0, 144.0, 172.0)
"""x1, y1, x2, y2 of the face in the head picture, detected by facenet-pytorch's MTCNN (score 1.00)."""

BACKGROUNDS = ((96, 120, 104), (150, 128, 98), (84, 88, 140), (170, 170, 160))
"""RGB of the wall behind the faces; each cut uses the next one."""

CLOCK_HZ = 30_000
"""Ticks per second of the presentation times: whole numbers for 15, 24, 25, 29.97, 30, 50 and 60 frames/s."""

SOUND_HZ = 48_000

BT2020 = 9
"""Code of ITU-R BT.2020 among primaries and matrices (ITU-T H.273)."""

WRITERS = {"mkv": "matroska", "m4a": "ipod", "ts": "mpegts"}
"""Names of muxers that differ from the suffix."""

FAST = {
    "libx264": {"preset": "veryfast"},
    "libx265": {"preset": "ultrafast", "x265-params": "log-level=none"},
    "libvpx": {"deadline": "realtime", "cpu-used": "8", "b": "1M"},
    "libvpx-vp9": {"deadline": "realtime", "cpu-used": "8", "b": "1M"},
    "libsvtav1": {"preset": "12", "svtav1-params": "lp=1"},
}
"""Options for fast encoding."""


@dataclass(frozen=True, slots=True)
class Actor:
    """One face: its place, its movement and its visibility. Lengths are shares of the frame."""

    start: tuple[float, float] = (0.5, 0.5)
    """Centre of the head at the start, as shares of width and height."""
    end: tuple[float, float] | None = None
    """Centre of the head at the end; None keeps it at the start."""
    size: float = 0.7
    """Height of the head as a share of the frame's height; the face itself is 0.48 of that."""
    seen: tuple[tuple[float, float], ...] = ((0.0, math.inf),)
    """Spans of time in seconds in which the face is visible."""
    mirrored: bool = False

    def is_seen(self, time_s: float) -> bool:
        """Return whether the face is visible at a time."""
        return any(start <= time_s < end for start, end in self.seen)

    def centre(self, share: float) -> tuple[float, float]:
        """Return the centre of the head after `share` of the scene."""
        (x, y), (end_x, end_y) = self.start, self.end or self.start
        return x + (end_x - x) * share, y + (end_y - y) * share


@dataclass(frozen=True, slots=True)
class Scene:
    """The description of a video; equal scenes have the same file."""

    actors: tuple[Actor, ...] = (Actor(),)
    duration_s: float = 2.0
    fps: float = 30.0
    width: int = 320
    """Width of the upright picture, as displayed."""
    height: int = 240
    container: str = "mp4"
    codec: str = "libx264"
    pixel_format: str = "yuv420p"
    transfer: Literal["", "pq", "hlg"] = ""
    """HDR transfer function (ITU-R BT.2100), with ten bits and the primaries of BT.2020."""
    rotation: Literal[0, 90, 180, 270] = 0
    """Clockwise rotation in degrees that a player applies to the stored pictures."""
    jitter: float = 0.0
    """Longest delay of a frame as a share of the interval, as in a browser's recording."""
    cuts: tuple[float, ...] = ()
    """Times at which the wall behind the faces changes."""
    brightness: float = 1.0
    sound: bool = False
    sound_s: float | None = None
    """Duration of the sound; None is that of the pictures."""
    sound_hz: int = SOUND_HZ
    stereo: bool = False
    late: float = 0.0
    """Delay of the first picture after the start of the sound, in seconds."""
    start: float = 0.0
    """Start of the clock of sound and pictures, in seconds."""
    live: bool = False
    """Writes an unseekable stream: a WebM without duration and index, as browsers record it."""
    gop: int | None = None
    """Number of pictures per GOP; None is the encoder's default."""
    options: tuple[tuple[str, str], ...] = ()
    """Options of the muxer, such as ("movflags", "faststart")."""

    def times(self) -> list[float]:
        """Return the presentation time of each frame in seconds."""
        late = np.random.default_rng(7).uniform(0.0, self.jitter, round(self.duration_s * self.fps))
        late[:1] = 0.0
        return [float((index + delay) / self.fps) for index, delay in enumerate(late)]

    def boxes(self, time_s: float) -> list[Box]:
        """Return x, y, width, height in pixels of each visible face at a time."""
        x1, y1, x2, y2 = FACE
        placed = (self._place(actor, time_s) for actor in self.actors if actor.is_seen(time_s))
        return [(left + x1 * s, top + y1 * s, (x2 - x1) * s, (y2 - y1) * s) for left, top, s in placed]

    def picture(self, time_s: float) -> Image:
        """Return the upright picture at a time, (height, width, 3) RGB."""
        wall = BACKGROUNDS[sum(cut <= time_s for cut in self.cuts) % len(BACKGROUNDS)]
        shade = np.linspace(0.8, 1.2, self.height)[:, np.newaxis, np.newaxis]
        canvas = np.clip(np.broadcast_to(wall, (self.height, self.width, 3)) * shade, 0, 255)
        for actor in self.actors:
            if actor.is_seen(time_s):
                left, top, scale = self._place(actor, time_s)
                canvas = _paste(canvas, *_scaled_head(scale, actor.mirrored), left, top)
        return np.clip(canvas * self.brightness, 0, 255).astype(np.uint8)

    def _place(self, actor: Actor, time_s: float) -> tuple[float, float, float]:
        """Return left, top and scale of an actor's head picture."""
        rows, columns, _ = head().shape
        scale = actor.size * self.height / rows
        x, y = actor.centre(time_s / self.duration_s)
        return x * self.width - columns * scale / 2, y * self.height - rows * scale / 2, scale


STILL = Scene()
PAN = Scene(actors=(Actor(start=(0.25, 0.5), end=(0.75, 0.5)),))
PAIR = Scene(actors=(Actor(start=(0.27, 0.5)), Actor(start=(0.73, 0.5), mirrored=True)))
CROSSING = Scene(
    actors=(Actor(start=(0.2, 0.35), end=(0.8, 0.35), size=0.5), Actor(start=(0.8, 0.7), end=(0.2, 0.7), size=0.5))
)
CROWD = Scene(
    actors=tuple(Actor(start=(x, y), size=0.42) for y in (0.28, 0.76) for x in (0.2, 0.5, 0.8)), width=640, height=480
)
LEAVING = replace(STILL, actors=(Actor(seen=((0.0, 1.5),)),), duration_s=3.0)
HIDING = replace(STILL, actors=(Actor(seen=((0.0, 1.2), (1.5, math.inf))),), duration_s=3.0)
CUT = Scene(
    actors=(
        Actor(start=(0.3, 0.5), seen=((0.0, 1.5),)),
        Actor(start=(0.7, 0.5), size=0.9, mirrored=True, seen=((1.5, math.inf),)),
    ),
    duration_s=3.0,
    cuts=(1.5,),
)
NOBODY = Scene(actors=())
DARK = replace(STILL, brightness=0.12)
SMALL = replace(STILL, actors=(Actor(size=0.16),), width=640, height=480)
BROWSER = replace(PAN, container="webm", codec="libvpx", live=True, jitter=0.7)
"""A browser's recording: WebM without duration, at a varying frame rate."""
PHONE = replace(STILL, rotation=90, width=240, height=320, actors=(Actor(size=0.6),), sound=True)
"""A phone's portrait recording: pictures stored rotated."""

PQ = replace(STILL, container="mov", codec="libx265", pixel_format="yuv420p10le", transfer="pq", duration_s=0.5)
HLG = replace(PQ, transfer="hlg")
"""HDR video of phones."""

BROADCAST = replace(STILL, container="ts", gop=30, sound=True)
"""A stream that can be cut: a key frame each second."""
WRAPPING = replace(BROADCAST, start=2**33 / 90_000 - 1.0)
"""A stream whose clock wraps after a second."""


@cache
def head() -> Image:
    """Return the head of scikit-image's astronaut, (230, 200, 3) RGB."""
    return np.ascontiguousarray(data.astronaut()[HEAD], np.uint8)  # type: ignore[no-untyped-call]


@cache
def _soft_edge() -> Floats:
    """Return a mask, (230, 200, 1): 1 inside the ellipse of the head, falling to 0 at its border."""
    rows, columns, _ = head().shape
    y, x = np.mgrid[-1 : 1 : rows * 1j, -1 : 1 : columns * 1j]
    return np.asarray(np.clip((1.0 - np.hypot(x, y)) / 0.15, 0, 1), np.float64)[..., np.newaxis]


@cache
def _scaled_head(scale: float, mirrored: bool) -> tuple[Floats, Floats]:
    """Return the resized head (h, w, 3) and mask (h, w, 1). The face is centred, so that mirroring keeps its place."""
    rows, columns, _ = head().shape
    size = (max(1, round(columns * scale)), max(1, round(rows * scale)))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    side = slice(None, None, -1 if mirrored else 1)
    picture, edge = head()[:, side].astype(np.float64), _soft_edge()[:, side]
    picture, edge = (np.asarray(cv2.resize(values, size, interpolation=how), np.float64) for values in (picture, edge))
    return picture, edge[..., np.newaxis]


def _paste(canvas: Floats, picture: Floats, edge: Floats, left: float, top: float) -> Floats:
    """Return the canvas with a head at a place that may be fractional or cross the border."""
    size = (canvas.shape[1], canvas.shape[0])
    shift = np.array([[1.0, 0.0, left], [0.0, 1.0, top]])
    weight = np.asarray(cv2.warpAffine(edge, shift, size), np.float64)[..., np.newaxis]
    return canvas * (1.0 - weight) + np.asarray(cv2.warpAffine(picture, shift, size), np.float64) * weight


@dataclass(frozen=True, slots=True)
class VideoMaker:
    """Creates each video once and keeps it in a folder."""

    folder: Path

    def make(self, scene: Scene) -> Path:
        """Return the file of a scene."""
        return self._once(f"{scene!r}", scene.container, lambda path: write_scene(scene, path))

    def truncated(self, scene: Scene = PAN, *, share: float = 0.8) -> Path:
        """Return the first part of a file with its index at the start, as after an interrupted upload."""
        whole = self.make(replace(scene, options=(*scene.options, ("movflags", "faststart"))))
        return self._once(f"{scene!r}{share}", scene.container, lambda path: _write_part(whole, path, share))

    def without_index(self, scene: Scene = PAN, *, share: float = 0.8) -> Path:
        """Return the first part of an mp4 with its index at the end, which cannot be decoded."""
        whole = self.make(scene)
        return self._once(f"{scene!r}{share}end", scene.container, lambda path: _write_part(whole, path, share))

    def encrypted(self, scene: Scene = STILL) -> Path:
        """Return an mp4 that is encrypted by Common Encryption with an unknown key."""
        scheme = ("encryption_scheme", "cenc-aes-ctr")
        return self.make(replace(scene, options=(scheme, ("encryption_key", "7" * 32), ("encryption_kid", "3" * 32))))

    def audio_only(self, container: str = "m4a") -> Path:
        """Return a sound recording of one second."""
        return self._once("audio", container, _write_audio)

    def text(self) -> Path:
        """Return a text file with the extension of a video."""
        return self._once("text", "mp4", _write_text)

    def empty(self) -> Path:
        """Return an empty file with the extension of a video."""
        return self._once("empty", "mp4", Path.touch)

    def _once(self, what: str, suffix: str, write: Callable[[Path], None]) -> Path:
        path = self.folder / f"{hashlib.sha256(what.encode()).hexdigest()[:16]}.{suffix}"
        if not path.exists():
            write(path)
        return path


class _Pipe(io.RawIOBase):
    """A file that its writer cannot seek in."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def writable(self) -> bool:
        """Return True: the file can be written to."""
        return True

    def write(self, content: Any) -> int:
        """Append the content."""
        return self._file.write(content)


def write_scene(scene: Scene, path: Path) -> None:
    """Encode a scene into a file."""
    options = dict(scene.options) | ({"live": "1"} if scene.live else {})
    with path.open("wb") as file:
        target: Any = _Pipe(file) if scene.live else file
        with (
            _usual_scheduling(),
            av.open(target, "w", format=WRITERS.get(scene.container, scene.container), options=options) as container,
        ):
            _write_pictures(container, scene)


@contextmanager
def _usual_scheduling() -> Iterator[None]:
    """Restore the scheduling policy: as root, SVT-AV1 makes the thread that opens it real-time, and so its children."""
    policy, parameters = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        yield
    finally:
        os.sched_setscheduler(0, policy, parameters)


def _write_pictures(container: OutputContainer, scene: Scene) -> None:
    stream = _add_pictures(container, scene)
    sound = _add_sound(container, scene.sound_hz, stereo=scene.stereo) if scene.sound else None
    for time_s in scene.times():
        stored = np.ascontiguousarray(np.rot90(scene.picture(time_s), scene.rotation // 90))
        frame = _high_dynamic_range(stored, scene.transfer) if scene.transfer else _frame(stored)
        frame.time_base, frame.pts = Fraction(1, CLOCK_HZ), round((scene.start + scene.late + time_s) * CLOCK_HZ)
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))
    if sound:
        _write_tone(container, sound, scene.sound_s or scene.duration_s, scene.start)


def _frame(picture: Image) -> av.VideoFrame:
    return av.VideoFrame.from_ndarray(picture, format="rgb24")


def _high_dynamic_range(picture: Image, transfer: str) -> av.VideoFrame:
    """Return an SDR picture (gamma 2.2) on a display of 203 cd/m2 in the levels of BT.2100."""
    to_bt2020 = np.array([[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.0880, 0.8956]])
    light = np.clip((picture / 255.0) ** 2.2 @ to_bt2020.T, 0, None) * 203
    if transfer == "pq":
        power = (light / 10_000) ** (2610 / 16384)
        levels = ((3424 / 4096 + 2413 / 128 * power) / (1 + 2392 / 128 * power)) ** (2523 / 32)
    else:
        luminance = np.maximum(light @ (0.2627, 0.6780, 0.0593), 1e-6)[..., np.newaxis] / 1000
        scene = light / 1000 * luminance ** (1 / 1.2 - 1)
        high = 0.17883277 * np.log(np.maximum(12 * scene - 0.28466892, 1e-9)) + 0.55991073
        levels = np.where(scene <= 1 / 12, np.sqrt(3 * scene), high)
    coded = av.VideoFrame.from_ndarray(np.round(levels * 65_535).astype(np.uint16), format="rgb48le")
    return VideoReformatter().reformat(coded, format="yuv420p10le", dst_colorspace=BT2020)


def _add_pictures(container: OutputContainer, scene: Scene) -> av.VideoStream:
    stream = container.add_stream(scene.codec, rate=Fraction(scene.fps).limit_denominator(1001))
    assert isinstance(stream, av.VideoStream)
    sideways = scene.rotation in (90, 270)
    stream.width, stream.height = (scene.height, scene.width) if sideways else (scene.width, scene.height)
    stream.pix_fmt = scene.pixel_format
    stream.codec_context.time_base = Fraction(1, CLOCK_HZ)
    stream.codec_context.options = FAST.get(scene.codec, {})
    if scene.transfer:
        stream.codec_context.color_trc = {"pq": 16, "hlg": 18}[scene.transfer]
        stream.codec_context.color_primaries = stream.codec_context.colorspace = BT2020
    if scene.gop:
        stream.codec_context.gop_size = scene.gop
    if scene.rotation:
        stream.set_display_rotation(-scene.rotation)  # counter-clockwise
    return stream


def _add_sound(container: OutputContainer, hz: int = SOUND_HZ, *, stereo: bool = False) -> av.AudioStream:
    codec = "libopus" if container.format.name == "webm" else "aac"
    stream = container.add_stream(codec, rate=hz, layout="stereo" if stereo else "mono")
    assert isinstance(stream, av.AudioStream)
    return stream


def _write_tone(container: OutputContainer, stream: av.AudioStream, duration_s: float, start_s: float = 0.0) -> None:
    hz, channels = stream.rate, stream.channels
    samples = np.sin(np.arange(round(duration_s * hz)) * (2 * np.pi * 440 / hz)).astype(np.float32)
    frame = av.AudioFrame.from_ndarray(np.tile(samples, (channels, 1)), format="fltp", layout=stream.layout.name)
    frame.sample_rate, frame.pts, frame.time_base = hz, round(start_s * hz), Fraction(1, hz)
    container.mux(stream.encode(frame))
    container.mux(stream.encode(None))


def _write_audio(path: Path) -> None:
    with av.open(str(path), "w", format=WRITERS.get(path.suffix[1:], path.suffix[1:])) as container:
        _write_tone(container, _add_sound(container), 1.0)


def _write_text(path: Path) -> None:
    path.write_text("This is not a video.\n" * 40, encoding="utf-8")


def cut_stream(whole: Path, path: Path, *, share: float = 0.2) -> Path:
    """Write the packets of an MPEG-TS without the first ones, as of a recording that starts within a broadcast."""
    content, packet = whole.read_bytes(), 188
    path.write_bytes(content[int(len(content) * share) // packet * packet :])
    return path


def _write_part(whole: Path, path: Path, share: float) -> None:
    """Write the first `share` of the packets, and half of the next one."""
    with av.open(str(whole)) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
    last = packets[int(len(packets) * share)]
    path.write_bytes(whole.read_bytes()[: (last.pos or 0) + last.size // 2])
