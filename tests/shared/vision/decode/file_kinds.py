"""Every kind of file that somebody could send, and what each gets. docs/file-kinds.md is made from here.

python -m tests.shared.vision.decode.file_kinds > docs/file-kinds.md
"""

import io
import os
import struct
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import PIL.Image

from tests.support.videos import BROWSER, DARK, HLG, NOBODY, PHONE, PQ, SMALL, STILL, Actor, Image, Scene, VideoMaker

FACE = "one face"
NO_FACE = "no face"


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of file. `gets` is FACE, NO_FACE or the code of the problem; `also` a warning or flag that comes too."""

    name: str
    make: Callable[[VideoMaker], Path]
    gets: str
    also: str = ""


def scene(name: str, made: Scene, gets: str = FACE, also: str = "") -> Kind:
    """Return a kind that VideoMaker creates from a scene."""
    return Kind(name, lambda maker: maker.make(made), gets, also)


def bytes_of(name: str, content: Callable[[], bytes], gets: str, suffix: str = "mp4", also: str = "") -> Kind:
    """Return a kind that consists of given bytes."""

    def make(maker: VideoMaker) -> Path:
        path = maker.folder / f"{name.replace(' ', '-').replace('/', '-')}.{suffix}"
        path.write_bytes(content())
        return path

    return Kind(name, make, gets, also)


def coded(name: str, container: str, codec: str, pixel_format: str = "yuv420p", **changes: Any) -> Kind:
    """Return a still face in a container and codec."""
    made = replace(STILL, container=container, codec=codec, pixel_format=pixel_format)
    return scene(name, replace(made, **changes))


def written(name: str, write: Callable[[Path], None], gets: str = FACE, suffix: str = "mp4", also: str = "") -> Kind:
    """Return a kind that one of the functions below writes."""

    def make(maker: VideoMaker) -> Path:
        path = maker.folder / f"{write.__name__}.{suffix}"
        if not path.exists():
            write(path)
        return path

    return Kind(name, make, gets, also)


def encode(
    path: Path,
    pictures: Iterator[Image],
    *,
    codec: str = "libx264",
    fps: int = 20,
    start_s: float = 0.0,
    **stream: object,
) -> None:
    """Encode pictures; `stream` sets attributes of the encoder."""
    with av.open(str(path), "w") as container:
        output = container.add_stream(codec, rate=fps, options={"preset": "ultrafast"} if codec == "libx264" else {})
        assert isinstance(output, av.VideoStream)
        for index, picture in enumerate(pictures):
            if not index:
                output.height, output.width = picture.shape[:2]
                output.pix_fmt = "yuv420p"
                for name, value in stream.items():
                    setattr(output.codec_context, name, value)
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.time_base, frame.pts = Fraction(1, 1000), round((index / fps + start_s) * 1000)
            container.mux(output.encode(frame))
        container.mux(output.encode(None))


def pictures(count: int = 40, made: Scene = STILL) -> Iterator[Image]:
    """Repeat one picture."""
    picture = made.picture(0.0)
    return (picture for _ in range(count))


def oblong_pixels(path: Path) -> None:
    """Write pictures at half their width with a pixel aspect ratio of 2:1."""
    picture = cv2.resize(STILL.picture(0.0), (160, 240), interpolation=cv2.INTER_AREA)
    encode(path, (np.asarray(picture, np.uint8) for _ in range(40)), sample_aspect_ratio=Fraction(2, 1))


def oblong_pixels_vp9(path: Path) -> None:
    """Write the same in VP9, whose bitstream does not contain the pixel aspect ratio."""
    picture = cv2.resize(STILL.picture(0.0), (160, 240), interpolation=cv2.INTER_AREA)
    encode(
        path,
        (np.asarray(picture, np.uint8) for _ in range(40)),
        codec="libvpx-vp9",
        options={"deadline": "realtime", "cpu-used": "8"},
        sample_aspect_ratio=Fraction(2, 1),
    )


def b_frames_in_avi(path: Path) -> None:
    """Write a codec that reorders frames into a container without presentation times."""
    encode(path, pictures(), options={"preset": "veryfast", "x264-params": "bframes=3:b-adapt=0"})


def late_start(path: Path) -> None:
    """Write a video whose first frame is shown at 7.3 s."""
    encode(path, pictures(), start_s=7.3)


def program_stream(path: Path) -> None:
    """Write an MPEG program stream, as on a DVD."""
    encode(path, pictures(50), codec="mpeg2video", fps=25)


def interlaced(path: Path) -> None:
    """Write a video coded as fields."""
    encode(path, pictures(), options={"preset": "ultrafast", "x264-params": "tff=1"})


def changing_size(path: Path) -> None:
    """Write two recordings of different sizes one after the other, as MPEG-TS allows."""
    join(path, [(320, 240), (480, 360)])


def turned_midway(path: Path) -> None:
    """Write a recording of a phone that is turned: wide pictures, then tall ones."""
    join(path, [(320, 240), (240, 320)])


def join(path: Path, sizes: list[tuple[int, int]]) -> None:
    """Concatenate MPEG-TS files of these sizes, each with a face in the middle."""
    parts = []
    for index, (width, height) in enumerate(sizes):
        part = path.with_suffix(f".{index}.ts")
        encode(part, pictures(30, replace(STILL, width=width, height=height)))
        parts.append(part.read_bytes())
    path.write_bytes(b"".join(parts))


def cover_art(path: Path) -> None:
    """Write sound with cover art and without a video."""
    with av.open(str(path), "w", format="mp4") as container:
        sound = container.add_stream("aac", rate=48000, layout="mono")
        cover = container.add_stream("mjpeg")
        assert isinstance(sound, av.AudioStream)
        assert isinstance(cover, av.VideoStream)
        cover.width, cover.height, cover.pix_fmt, cover.time_base = 320, 240, "yuvj420p", Fraction(1, 90000)
        cover.disposition = av.stream.Disposition.attached_pic
        packet = av.Packet(jpeg(STILL.picture(0.0)))
        packet.stream, packet.pts, packet.dts, packet.is_keyframe = cover, 0, 0, True
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 48000), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 48000
        container.mux(sound.encode(frame))
        container.mux(sound.encode(None))
        container.mux(packet)


def two_streams(path: Path) -> None:
    """Write a small stream without a face and a large one with a face."""
    with av.open(str(path), "w") as container:
        made = [(replace(NOBODY, width=160, height=120), 160, 120), (STILL, 320, 240)]
        outputs = []
        for _, width, height in made:
            output = container.add_stream("libx264", rate=20, options={"preset": "ultrafast"})
            assert isinstance(output, av.VideoStream)
            output.width, output.height, output.pix_fmt = width, height, "yuv420p"
            outputs.append(output)
        for index in range(40):
            for (shown, _, _), output in zip(made, outputs, strict=True):
                frame = av.VideoFrame.from_ndarray(shown.picture(0.0), format="rgb24")
                frame.time_base, frame.pts = Fraction(1, 20), index
                container.mux(output.encode(frame))
        for output in outputs:
            container.mux(output.encode(None))


def jpeg(picture: Image) -> bytes:
    """Encode a picture as JPEG."""
    return bytes(cv2.imencode(".jpg", picture[..., ::-1])[1].tobytes())


def animation(container: str) -> bytes:
    """Return an animation of a few different pictures of a face."""
    made = [PIL.Image.fromarray(replace(STILL, brightness=1 - index / 20).picture(0.0)) for index in range(5)]
    file = io.BytesIO()
    made[0].save(file, container, save_all=True, append_images=made[1:], duration=500)
    return file.getvalue()


def motion_jpeg(*, header: bytes = b"", count: int = 30, fps: float | None = None) -> bytes:
    """Return concatenated JPEG pictures, each with `header` where given, and with its time where `fps` is given."""
    parts = []
    for index in range(count):
        content = jpeg(STILL.picture(0.0))
        stamp = b"" if fps is None else b"X-Timestamp: %.6f\r\n" % (1_700_000_000 + index / fps)
        length = b"Content-Length: %d\r\n" % len(content)
        parts.append(header + length + stamp + b"\r\n" + content + b"\r\n" if header else content)
    return b"".join(parts)


PART = b"--frame\r\nContent-Type: image/jpeg\r\n"
HTTP = b"HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace;boundary=frame\r\n\r\n"


def bomb(side: int) -> bytes:
    """Return a small file with huge pictures: a single colour compresses well."""
    file = io.BytesIO()
    with av.open(file, "w", format="matroska") as container:
        output = container.add_stream("mjpeg", rate=10)
        assert isinstance(output, av.VideoStream)
        output.width = output.height = side
        output.pix_fmt = "yuvj420p"
        packet = av.Packet(jpeg(np.zeros((side, side, 3), np.uint8)))
        for index in range(3):
            packet.stream, packet.pts, packet.dts, packet.is_keyframe = output, index, index, True
            packet.time_base = Fraction(1, 10)
            container.mux(packet)
    return file.getvalue()


def lying_header() -> bytes:
    """Return an AVI whose header declares pictures of 30000 x 30000."""
    file = io.BytesIO()
    with av.open(file, "w", format="avi") as container:
        output = container.add_stream("mpeg4", rate=10)
        assert isinstance(output, av.VideoStream)
        output.width, output.height, output.pix_fmt = 320, 240, "yuv420p"
        container.mux(output.encode(av.VideoFrame.from_ndarray(STILL.picture(0.0), format="rgb24")))
        container.mux(output.encode(None))
    small, huge = struct.pack("<II", 320, 240), struct.pack("<II", 30000, 30000)
    return file.getvalue().replace(small, huge)


def long_black() -> bytes:
    """Return ten hours of black in a few kilobytes, with one frame per hour."""
    file = io.BytesIO()
    with av.open(file, "w", format="matroska") as container:
        output = container.add_stream("libx264", rate=1)
        assert isinstance(output, av.VideoStream)
        output.width, output.height, output.pix_fmt = 64, 64, "yuv420p"
        output.codec_context.time_base = Fraction(1, 1000)
        for hour in range(11):
            frame = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="rgb24")
            frame.time_base, frame.pts = Fraction(1, 1000), hour * 3_600_000
            container.mux(output.encode(frame))
        container.mux(output.encode(None))
    return file.getvalue()


def archive() -> bytes:
    """Return a zip archive."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as zipped:
        zipped.writestr("video.mp4", b"no video" * 100)
    return file.getvalue()


HLS = b"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nfile:///etc/passwd\n#EXTINF:10,\nother.mp4\n#EXT-X-ENDLIST\n"
DASH = b'<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><Period><BaseURL>file:///etc/</BaseURL></Period></MPD>'
CONCAT = b"ffconcat version 1.0\nfile other.mp4\n"
SDP = (
    b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\n"
)

KINDS = [
    coded("MP4, H.264", "mp4", "libx264"),
    coded("MOV, HEVC 10-bit", "mov", "libx265", "yuv420p10le"),
    scene("MOV, HEVC 10-bit, high dynamic range (PQ)", replace(PQ, duration_s=2.0)),
    scene("MOV, HEVC 10-bit, high dynamic range (HLG)", replace(HLG, duration_s=2.0)),
    coded("MP4, AV1", "mp4", "libsvtav1"),
    coded("WebM, VP8", "webm", "libvpx"),
    coded("WebM, VP9", "webm", "libvpx-vp9"),
    coded("Matroska, H.264 4:4:4", "mkv", "libx264", "yuv444p"),
    coded("Matroska, H.264 10-bit 4:2:2", "mkv", "libx264", "yuv422p10le"),
    coded("Matroska, H.264 grey", "mkv", "libx264", "gray"),
    coded("Matroska, FFV1 RGB", "mkv", "ffv1", "bgr0"),
    coded("AVI, MPEG-4", "avi", "mpeg4"),
    written("AVI, H.264 with B-frames", b_frames_in_avi, suffix="avi"),
    coded("AVI, Motion JPEG", "avi", "mjpeg", "yuvj420p"),
    bytes_of("Motion JPEG, bare", motion_jpeg, FACE, "mjpeg", "assumed_rate"),
    bytes_of(
        "Motion JPEG, multipart, as IP cameras send it", lambda: motion_jpeg(header=PART), FACE, "mjpg", "assumed_rate"
    ),
    bytes_of(
        "Motion JPEG, multipart with X-Timestamp, as saved by curl -i",
        lambda: HTTP + motion_jpeg(header=PART, fps=5.0),
        FACE,
        "mjpg",
    ),
    coded("FLV, H.264", "flv", "libx264"),
    coded("MPEG-TS, H.264", "ts", "libx264"),
    written("MPEG program stream, MPEG-2", program_stream, suffix="mpg"),
    coded("3GP, H.263", "3gp", "h263", width=352, height=288),
    coded("MOV, ProRes", "mov", "prores_ks", "yuv422p10le"),
    coded("animated GIF", "gif", "gif", "rgb8"),
    bytes_of("animated PNG", lambda: animation("PNG"), FACE, "png"),
    bytes_of("animated AVIF", lambda: animation("AVIF"), FACE, "avif"),
    coded("raw H.264 without times", "h264", "libx264"),
    scene("WebM as a browser records it: no duration, varying rate", BROWSER),
    scene("recorded in portrait on a phone: rotated by 90 degrees", PHONE),
    *(scene(f"rotated by {angle} degrees", replace(PHONE, rotation=angle)) for angle in (180, 270)),
    scene("1 frame a second", replace(STILL, fps=1.0, duration_s=6.0)),
    scene("1 frame in 4 seconds", replace(STILL, fps=0.25, duration_s=24.0)),
    scene("1 frame in 10 seconds, as of a surveillance recorder", replace(STILL, fps=0.1, duration_s=60.0)),
    scene("240 frames a second", replace(STILL, fps=240.0, duration_s=1.0)),
    scene("odd size", replace(STILL, width=321, height=241, pixel_format="yuv444p")),
    scene("tiny size", replace(STILL, width=16, height=12), NO_FACE),
    written("one frame only", lambda path: encode(path, pictures(1)), also="padded"),
    scene("fewer than ten analysed frames", replace(STILL, duration_s=0.6), also="padded"),
    written("a start time that is not zero", late_start),
    written("pixels that are not square", oblong_pixels),
    written("VP9 with pixels that are not square according to the container", oblong_pixels_vp9),
    written("interlaced", interlaced),
    written("size that changes midway", changing_size, suffix="ts"),
    written(
        "rotated midway, from landscape to portrait: the portrait picture is centred in the landscape one",
        turned_midway,
        suffix="ts",
    ),
    written("several video streams: the larger one is used", two_streams),
    scene("face at the border", replace(STILL, actors=(Actor(start=(0.93, 0.5)),))),
    scene("dark", DARK, also="dark"),
    scene("small face", SMALL, also="small"),
    scene("no face", NOBODY, NO_FACE),
    Kind("truncated, index first", lambda maker: maker.truncated(), FACE, "truncated"),
    Kind("truncated, index last", lambda maker: maker.without_index(), "undecodable"),
    Kind("encrypted", lambda maker: maker.encrypted(), "encrypted"),
    Kind("sound only", lambda maker: maker.audio_only(), "no_video_stream"),
    written("sound with cover art", cover_art, "no_video_stream", suffix="m4a"),
    Kind("0 bytes", lambda maker: maker.empty(), "empty_file"),
    Kind("text named .mp4", lambda maker: maker.text(), "not_a_video"),
    bytes_of("HLS playlist that names a local file", lambda: HLS, "not_a_video"),
    bytes_of("DASH manifest", lambda: DASH, "not_a_video"),
    bytes_of("ffconcat list that names another upload", lambda: CONCAT, "not_a_video"),
    bytes_of("SDP session", lambda: SDP, "not_a_video"),
    bytes_of("random bytes", lambda: np.random.default_rng(0).bytes(100_000), "not_a_video"),
    bytes_of("archive", archive, "not_a_video"),
    bytes_of("program", lambda: b"\x7fELF" + os.urandom(5000), "not_a_video"),
    bytes_of("animated WebP", lambda: animation("WEBP"), "not_a_video", "webp"),
    bytes_of("still picture", lambda: jpeg(STILL.picture(0.0)), "not_a_video", "jpg"),
    bytes_of("pictures of 8192 x 8192 in a small file", lambda: bomb(8192), "too_many_pixels", "mkv"),
    bytes_of("pictures of 16000 x 16000 in a small file", lambda: bomb(16000), "too_many_pixels", "mkv"),
    bytes_of("header with 30000 x 30000, pictures with 320 x 240", lying_header, FACE, "avi", "padded"),
    bytes_of("ten hours of black", long_black, "too_long", "mkv"),
]


NOTES = """
## Sizes that change

`width` and `height` of the result are the size of the first picture, upright and with square pixels. A later picture of
another size, rotation or pixel shape is not stretched: it is scaled to fit into the first picture and centred, with
black bars. Boxes are in pixels of the first picture, bars included. The pages show the video in the same place with CSS
`object-fit: contain` in an element of the first size. The annotated video consists of the fitted pictures.

## Times

Times count from the first picture. The end of a video is the end of its last picture.

- AVI with B-frames stores pictures in decoding order; they get evenly spaced times.
- In MPEG-TS, program streams, Ogg and live FLV, a clock that jumps back by more than 1 s, or ahead by more than 10 s in
  sound and pictures alike, counts as restarted, and time continues. If the sound continues, the jump is a pause.
- If pictures are more than 1.25 s apart, a face that is missed in one of them keeps its id. It loses the id after 2.4
  of the usual intervals, and never before 3 s. A picture is shown until the next one, as in a player, and its windows
  repeat it; beyond 60 s it has one window.
- Motion JPEG has no times. Multipart streams use the times of their `X-Timestamp` headers; other streams are read at 25
  pictures a second, with the warning `assumed_rate`.

## Animated pictures

Animated GIF, PNG and AVIF are read as videos. Animated WebP is rejected as `not_a_video`. A live session uses the first
picture of an animated PNG or WebP as the frame and ignores the others, without a warning.

## Rotated faces

Faces are detected up to a tilt of about 60 degrees. A face on its side or upside down is rarely detected, and its
emotions are unreliable, because the networks were trained on upright faces. The result has no warning for it: an
undetected face is indistinguishable from no face. The rotation in a phone's file is applied first. Rotate a video that
was filmed on its side without it before analysis, for instance with `ffmpeg -i in.mp4 -vf transpose=1 out.mp4`.
"""
"""The sections below the table."""


def table() -> str:
    """Return the text of docs/file-kinds.md."""
    rows = [f"| {kind.name} | {outcome(kind)} |" for kind in KINDS]
    head = [
        "# File kinds",
        "",
        "The result of each kind of file. A test creates and analyses every file of this table. A code alone is an",
        "error ([errors](errors.md)); a code after a result is a warning, or a flag on its windows.",
        "",
        "| File | Result |",
        "|---|---|",
    ]
    made = "This page is written by `python -m tests.shared.vision.decode.file_kinds`.\n"
    return "\n".join([*head, *rows, NOTES, made])


def outcome(kind: Kind) -> str:
    """Return the result column of a row."""
    answer = "a result with one face" if kind.gets == FACE else "a result without faces"
    told = answer if kind.gets in (FACE, NO_FACE) else f"`{kind.gets}`"
    return f"{told}; `{kind.also}`" if kind.also else told


if __name__ == "__main__":
    print(table(), end="")  # noqa: T201
