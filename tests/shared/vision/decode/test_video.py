"""Tests of duygu.shared.vision.decode.video: the process that decodes untrusted files, and its parent."""

import os
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import av
import cv2
import numpy as np
import psutil
import pytest

from duygu.shared.config.engine import decode_limits
from duygu.shared.config.settings import MB, Settings
from duygu.shared.errors import CancelledError, DecoderLimitError, NotAVideoError, TooLongError, UndecodableVideoError
from duygu.shared.vision.decode.child import FrameSkipping, threads_for
from duygu.shared.vision.decode.clock import Clock
from duygu.shared.vision.decode.sampling import Sampler
from duygu.shared.vision.decode.video import Video, detection_side, standby_decoder
from tests.shared.vision.decode.file_kinds import (
    HTTP,
    PART,
    encode,
    jpeg,
    motion_jpeg,
    oblong_pixels,
    oblong_pixels_vp9,
    pictures,
    turned_midway,
)
from tests.support.child_processes import child_processes
from tests.support.media.videos import BROADCAST, PAN, STILL, WRAPPING, Actor, Scene, VideoMaker, cut_stream


def times(path: Path, settings: Settings, rate_hz: float | None = 10.0) -> list[float]:
    """Return the times of the decoded frames."""
    with Video(path, decode_limits(settings), rate_hz) as video:
        return [frame.time_s for frame in video]


@pytest.mark.parametrize("fps", [15.0, 24.0, 25.0, 29.97, 30.0, 60.0])
def test_samples_by_time(fps: float, video_maker: VideoMaker, settings: Settings) -> None:
    """At any frame rate, the frames closest to the ticks are selected."""
    found = times(video_maker.make(replace(STILL, fps=fps)), settings)
    assert len(found) == 20
    assert np.abs(np.array(found) - np.arange(20) / 10).max() <= 0.5 / fps + 0.002


def test_every_frame(video_maker: VideoMaker, settings: Settings) -> None:
    """Without a rate, every frame is returned."""
    assert len(times(video_maker.make(STILL), settings, None)) == 60


@pytest.mark.parametrize(
    ("width", "height", "fps", "threads"),
    [(1280, 720, 30, 1), (1920, 1080, 30, 1), (1920, 1080, 60, 12), (2560, 1440, 60, 7), (3840, 2160, 30, 0)],
)
def test_threads_suit_the_size_of_a_frame(
    width: int, height: int, fps: float, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Small videos have one thread, others more than there are cores, unless the frames would need much memory."""
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    context = av.VideoCodecContext.create("h264", "r")
    context.width, context.height = width, height
    assert threads_for(context, 1 / fps) == threads
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    assert threads_for(context, 1 / fps) == (1 if threads == 1 else 0)


def test_a_process_that_waited_decodes_alike(video_maker: VideoMaker, settings: Settings) -> None:
    """A decoding process that was started in advance returns the same frames, and another one follows it."""
    path, limits = video_maker.make(PAN), decode_limits(settings)
    standby = standby_decoder(keep=True)
    for waiting in (standby, standby, None):
        with Video(path, limits, 10.0, standby=waiting) as video:
            luma = [(frame.time_s, frame.grey.tobytes()) for frame in video]
        if waiting:
            first = luma
        else:
            assert luma == first


def test_a_process_that_waited_is_confined(video_maker: VideoMaker, settings: Settings) -> None:
    """Its limits are those of a process that is started with its video, down to the number of open files."""
    path, limits = video_maker.make(STILL), decode_limits(settings)
    found = []
    for waiting in (standby_decoder(keep=False), None):
        with Video(path, limits, 10.0, standby=waiting) as video:
            child = psutil.Process(video._child._process.pid)
            bounds = [child.rlimit(what) for what in (psutil.RLIMIT_AS, psutil.RLIMIT_CPU, psutil.RLIMIT_FSIZE)]
            found.append((bounds, child.rlimit(psutil.RLIMIT_NOFILE)[0] <= child.num_fds()))
    assert found[0] == found[1]
    assert found[0][1]


def test_frames_left_out_change_nothing(video_maker: VideoMaker, settings: Settings) -> None:
    """Skipping non-reference frames does not change the pixels of the others."""
    path = video_maker.make(replace(PAN, fps=60.0, options=(("movflags", "faststart"),)))
    with Video(path, decode_limits(settings), 10.0) as sampled:
        some = {round(frame.time_s, 3): frame.grey.copy() for frame in sampled}
        assert sampled.frames_decoded < 120
    with Video(path, decode_limits(settings), None) as whole:
        every = {round(frame.time_s, 3): frame.grey.copy() for frame in whole}
    assert all(np.array_equal(picture, every[time_s]) for time_s, picture in some.items())


@pytest.mark.parametrize("fps", [24.0, 25.0, 29.97, 30.0, 60.0])
def test_no_other_frame_is_selected_than_without_skipping(
    fps: float, video_maker: VideoMaker, settings: Settings
) -> None:
    """At any frame rate, the selected frames are those that the sampler selects of all frames."""
    path = video_maker.make(replace(PAN, fps=fps))
    sampler = Sampler(10.0, 1 / fps)
    wanted = [time_s for time_s in times(path, settings, None) if sampler.tick(time_s) is not None]
    assert times(path, settings) == wanted


PacketTimes = list[float]


def accepted(order: PacketTimes, fps: float) -> PacketTimes:
    """The times, of packets in decoding order, whose frames are decoded although no other refers to them."""
    clock = Clock(1 / fps)
    clock.start_s = 0.0
    skipping = FrameSkipping(10.0, 1 / fps, clock, reorders=False)
    found = []
    for time_s in order:
        packet: Any = av.Packet(1)  # typed as of any stream
        packet.pts, packet.time_base = round(time_s * 90_000), Fraction(1, 90_000)
        if skipping.may_be_selected(packet):
            found.append(time_s)
    return found


def test_the_second_frame_near_a_sampling_time_is_left_out() -> None:
    """At 25 frames/s, 0.1 s is between 0.08 and 0.12 s: the first of these is selected, and the other left out."""
    assert accepted([0.0, 0.16, 0.08, 0.04, 0.12], 25.0) == [0.0, 0.16, 0.08]


def test_a_frame_that_is_decoded_before_an_earlier_one_is_kept() -> None:
    """A frame is decoded where the one before it in time comes later in the file, and may be missing."""
    assert accepted([0.0, 0.16, 0.12, 0.08], 25.0) == [0.0, 0.16, 0.12, 0.08]


@dataclass(frozen=True, slots=True)
class Slowing(Scene):
    """60 frames per second for 2 s, then 10 per second for 3 s, each between two ticks."""

    def times(self) -> list[float]:
        """Presentation time of each frame in seconds."""
        return [index / 60 for index in range(120)] + [2.05 + index / 10 for index in range(30)]


def test_frames_far_apart_are_not_left_out(video_maker: VideoMaker, settings: Settings) -> None:
    """Where a video slows down, each tick has the nearest frame."""
    path = video_maker.make(Slowing())
    sampler = Sampler(10.0, 5.0 / 150)
    wanted = [time_s for time_s in times(path, settings, None) if sampler.tick(time_s) is not None]
    found = times(path, settings)
    assert len(found) == len(wanted) == 50
    assert np.abs(np.array(found) - np.array(wanted)).max() <= 1 / 60 + 0.002


@pytest.mark.parametrize("write", [oblong_pixels, oblong_pixels_vp9])
def test_pixels_become_square(write: Callable[[Path], None], settings: Settings, tmp_path: Path) -> None:
    """Pixels become square, whether the codec or the container declares their aspect ratio."""
    write(tmp_path / "video.mp4")
    with Video(tmp_path / "video.mp4", decode_limits(settings), 10.0) as video:
        assert next(iter(video)).size == (320, 240)


def test_a_picture_that_turns_is_not_stretched(settings: Settings, tmp_path: Path) -> None:
    """A later picture of 240x320 is centred in the frame of 320x240 as 180x240, with black bars."""
    turned_midway(tmp_path / "video.ts")
    with Video(tmp_path / "video.ts", decode_limits(settings), 10.0) as video:
        last = [frame.grey.copy() for frame in video][-1]
        assert (video.width, video.height) == (320, 240)
    tall = replace(STILL, width=240, height=320).picture(0.0)
    truth = np.zeros((240, 320, 3), np.uint8)
    truth[:, 70:250] = cv2.resize(tall, (180, 240), interpolation=cv2.INTER_AREA)
    assert np.abs(last - truth @ np.array([0.299, 0.587, 0.114])).mean() < 4
    assert last[:, :68].max() < 4
    assert last[:, 252:].max() < 4


def test_pixels_may_change_their_shape(settings: Settings, tmp_path: Path) -> None:
    """A change of the pixel aspect ratio does not change the picture."""
    square, oblong = tmp_path / "square.ts", tmp_path / "oblong.ts"
    encode(square, pictures(30))
    oblong_pixels(oblong)
    (tmp_path / "video.ts").write_bytes(square.read_bytes() + oblong.read_bytes())
    with Video(tmp_path / "video.ts", decode_limits(settings), 10.0) as video:
        seen = [frame.grey.astype(int) for frame in video]
    assert len(seen) > 30
    assert np.abs(seen[-1] - seen[0]).mean() < 4


def test_raw_pictures_keep_their_tempo(settings: Settings, tmp_path: Path) -> None:
    """The times of raw H.264 follow the codec's own clock."""
    encode(tmp_path / "video.h264", pictures(60), fps=30)
    assert times(tmp_path / "video.h264", settings) == pytest.approx([tick / 10 for tick in range(20)], abs=0.018)


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_upright(rotation: Literal[0, 90, 180, 270], video_maker: VideoMaker, settings: Settings) -> None:
    """Pictures are upright, and the rotation is reported."""
    scene = Scene(actors=(Actor(start=(0.5, 0.25), size=0.4),), width=240, height=320, rotation=rotation)
    with Video(video_maker.make(scene), decode_limits(settings), 10.0) as video:
        frame = next(iter(video))
        truth = scene.picture(0.0)
        assert frame.grey.shape == (320, 240)
        assert video.rotation == rotation
        assert np.abs(frame.rgb.astype(int) - truth).mean() < 6


def test_grey_is_full_range(video_maker: VideoMaker, settings: Settings) -> None:
    """Grey is luma over 0..255, although the file stores 16..235."""
    with Video(video_maker.make(STILL), decode_limits(settings), 10.0) as video:
        frame = next(iter(video))
        luma = STILL.picture(0.0) @ np.array([0.299, 0.587, 0.114])
        assert np.abs(frame.grey - luma).mean() < 4


def test_detection_copy_is_no_larger_than_needed(video_maker: VideoMaker, settings: Settings) -> None:
    """The detection copy keeps 20 pixels for the smallest face and is an integer fraction of the video."""
    path = video_maker.make(replace(STILL, width=1280, height=720, duration_s=0.2))
    for min_face, height in ((0.06, 360), (0.03, 720), (0.12, 180)):
        with Video(path, decode_limits(settings), 10.0, detection_side(min_face)) as video:
            assert next(iter(video)).rgb.shape[0] == height


@pytest.mark.parametrize("container", ["mp4", "webm", "mkv"])
def test_pictures_may_begin_after_the_sound(container: str, video_maker: VideoMaker, settings: Settings) -> None:
    """Times count from the first picture, and its delay after the sound is reported."""
    codec = "libvpx" if container == "webm" else "libx264"
    late = replace(STILL, container=container, codec=codec, sound=True, late=1.0)
    with Video(video_maker.make(late), decode_limits(settings), 10.0) as video:
        first = next(iter(video))
        assert first.time_s == 0.0
        assert video.first_frame_s == pytest.approx(1.0, abs=0.06)


@pytest.mark.parametrize("container", ["mkv", "ts"])
def test_late_pictures_alone_are_whole(container: str, video_maker: VideoMaker, settings: Settings) -> None:
    """A file whose clock does not start at zero does not count as truncated."""
    with Video(video_maker.make(replace(STILL, container=container, late=5.0)), decode_limits(settings), 10.0) as video:
        assert len(list(video)) == 20
        assert video.warnings == []


CONTAINERS = {"mkv": "libx264", "webm": "libvpx", "avi": "mpeg4", "flv": "libx264", "asf": "wmv2", "mov": "libx264"}
"""Containers whose header states a duration or a size, with a codec."""


@pytest.mark.parametrize("sound", [True, False])
@pytest.mark.parametrize("container", CONTAINERS)
def test_cut_files_have_a_warning(
    container: str, sound: bool, video_maker: VideoMaker, settings: Settings, tmp_path: Path
) -> None:
    """A file without its last third has the warning `truncated` with and without sound, and the whole one has none.

    The sound lasts longer than the pictures.
    """
    options = (("movflags", "faststart"),) if container == "mov" else ()
    scene = replace(STILL, duration_s=4.0, container=container, codec=CONTAINERS[container], options=options)
    whole = video_maker.make(replace(scene, sound=sound, sound_s=5.0 if sound else None))
    cut = tmp_path / f"cut.{container}"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size * 2 // 3])
    for path, codes in ((whole, []), (cut, ["truncated"])):
        with Video(path, decode_limits(settings), 10.0) as video:
            frames = len(list(video))
            assert frames == 40 or path == cut
            assert frames
            assert [code for code, _ in video.warnings] == codes


def test_a_stream_may_begin_anywhere(video_maker: VideoMaker, settings: Settings, tmp_path: Path) -> None:
    """In a stream that was cut, times count from the first decodable picture, and no warning is raised."""
    whole = video_maker.make(BROADCAST)
    path = cut_stream(whole, tmp_path / "cut.ts")
    with Video(whole, decode_limits(settings), 10.0) as video:
        start_s = video.start_s
    with Video(path, decode_limits(settings), 10.0) as video:
        found = [frame.time_s for frame in video]
        assert video.start_s - start_s == pytest.approx(1.0)
        assert 0.3 < video.first_frame_s < 0.9
        assert video.duration_s == pytest.approx(1.0, abs=0.04)
        assert video.warnings == []
    assert found == pytest.approx([tick / 10 for tick in range(10)], abs=0.018)


def join(parts: list[Path], path: Path) -> Path:
    """Concatenate several MPEG-TS files."""
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    return path


@pytest.mark.parametrize("sound", [True, False])
@pytest.mark.parametrize("starts", [(3000.0, 0.0), (0.0, 20_000.0), (0.0, 40.0), (0.0, 20_000.0, 10.0)])
def test_recordings_may_be_joined(
    starts: tuple[float, ...], sound: bool, video_maker: VideoMaker, settings: Settings, tmp_path: Path
) -> None:
    """Time continues across joined recordings whose clocks jump, without a warning."""
    parts = [video_maker.make(replace(BROADCAST, start=start_s, sound=sound)) for start_s in starts]
    with Video(join(parts, tmp_path / "joined.ts"), decode_limits(settings), 10.0) as video:
        found = [frame.time_s for frame in video]
        # The sound of each part is slightly longer than its pictures.
        assert video.duration_s == pytest.approx(2.0 * len(parts), abs=0.15 * (len(parts) - 1))
        assert video.warnings == []
    assert np.diff(found) == pytest.approx(0.1, abs=0.07)


@pytest.mark.parametrize("rate_hz", [10.0, None])
def test_a_pause_is_no_jump(rate_hz: float | None, video_maker: VideoMaker, settings: Settings, tmp_path: Path) -> None:
    """A pause of 20 s in the pictures during which sound continues lasts 20 s."""
    path = tmp_path / "pause.ts"
    write_pause(path, pause_s=20.0)
    found = times(path, settings, rate_hz)
    assert max(np.diff(found)) == pytest.approx(20.0, abs=0.2)
    assert found[-1] == pytest.approx(22.0, abs=0.2)


def write_pause(path: Path, pause_s: float) -> None:
    """Write an MPEG-TS with a second of pictures, a pause and a second of pictures, with sound throughout."""
    with av.open(str(path), "w") as container:
        output = container.add_stream("libx264", rate=20, options={"preset": "ultrafast"})
        sound = container.add_stream("aac", rate=48000, layout="mono")
        assert isinstance(output, av.VideoStream)
        assert isinstance(sound, av.AudioStream)
        output.width, output.height, output.pix_fmt = 320, 240, "yuv420p"
        for index in range(round((2 + pause_s) * 20)):
            if not 1.0 <= index / 20 < 1.0 + pause_s:
                frame = av.VideoFrame.from_ndarray(STILL.picture(0.0), format="rgb24")
                frame.time_base, frame.pts = Fraction(1, 20), index
                container.mux(output.encode(frame))
            heard = av.AudioFrame.from_ndarray(np.zeros((1, 2400), np.float32), format="fltp", layout="mono")
            heard.sample_rate, heard.time_base, heard.pts = 48000, Fraction(1, 48000), index * 2400
            container.mux(sound.encode(heard))
        container.mux(output.encode(None))
        container.mux(sound.encode(None))


def test_length_limit_of_a_clock_that_jumps(video_maker: VideoMaker, settings: Settings, tmp_path: Path) -> None:
    """The length limit applies to the sum of the parts, however far their clocks are apart."""
    parts = [video_maker.make(replace(BROADCAST, start=start_s)) for start_s in (0.0, 20_000.0)]
    path = join(parts, tmp_path / "joined.ts")
    assert len(times(path, settings.model_copy(update={"max_duration_s": 5.0}))) == pytest.approx(40, abs=1)
    with pytest.raises(TooLongError):
        times(path, settings.model_copy(update={"max_duration_s": 3.0}))


@dataclass(frozen=True, slots=True)
class Pausing(Scene):
    """25 frames per second with 5 s without a frame in the middle, as of a screen recorder."""

    def times(self) -> list[float]:
        """Presentation time of each frame in seconds."""
        return [index / 25 + 5.0 * (index >= 50) for index in range(100)]


def test_the_end_is_that_of_the_last_picture(video_maker: VideoMaker, settings: Settings) -> None:
    """The duration ends with the last picture, also when a frame before a pause is reordered."""
    with Video(
        video_maker.make(Pausing(codec="libx264", fps=25.0, duration_s=4.0)), decode_limits(settings), 10.0
    ) as video:
        assert sum(1 for _ in video) == 40
        assert video.duration_s == pytest.approx(9.0, abs=0.01)
        assert video.warnings == []


@pytest.mark.parametrize("threads", [1, 4])
@pytest.mark.parametrize("b_frames", [1, 2, 3])
def test_avi_with_b_frames(b_frames: int, threads: int, settings: Settings, tmp_path: Path) -> None:
    """AVI, which stores frames in decoding order, gets evenly spaced times."""
    encode(
        tmp_path / "video.avi",
        (PAN.picture(index / 25) for index in range(50)),
        fps=25,
        options={"preset": "veryfast", "x264-params": f"bframes={b_frames}:b-adapt=0"},
    )
    settings = settings.model_copy(update={"threads": threads})
    with Video(tmp_path / "video.avi", decode_limits(settings), None) as video:
        found = [frame.time_s for frame in video]
        assert video.duration_s == pytest.approx(2.0, abs=0.001)
    assert found == pytest.approx([index / 25 for index in range(50)], abs=0.001)
    assert len(times(tmp_path / "video.avi", settings)) == 20


@pytest.mark.parametrize("fps", [5.0, 0.5])
def test_a_camera_may_write_times(fps: float, settings: Settings, tmp_path: Path) -> None:
    """`X-Timestamp` headers give the times; without them the rate is assumed, with a warning."""
    for name, start in (("part", b""), ("http", HTTP)):
        path = tmp_path / f"{name}.mjpg"
        path.write_bytes(start + motion_jpeg(header=PART, count=6, fps=fps))
        with Video(path, decode_limits(settings), 10.0) as video:
            found = [frame.time_s for frame in video]
            assert video.warnings == []
        assert found == pytest.approx([index / fps for index in range(6)], abs=0.001)
    (tmp_path / "bare.mjpeg").write_bytes(motion_jpeg(count=25))
    with Video(tmp_path / "bare.mjpeg", decode_limits(settings), None) as video:
        assert [frame.time_s for frame in video] == pytest.approx([index / 25 for index in range(25)], abs=0.001)
        assert [code for code, _ in video.warnings] == ["assumed_rate"]


def test_photographs_are_no_videos(settings: Settings, tmp_path: Path) -> None:
    """A photograph is not a video, also with a preview behind its picture."""
    photograph = motion_jpeg(count=1)
    preview = b"\xff\xe2\x00\x08MPF\0II"
    for content in (photograph, photograph[:2] + preview + photograph[2:] + photograph):
        (tmp_path / "photograph.jpg").write_bytes(content)
        with pytest.raises(NotAVideoError):
            times(tmp_path / "photograph.jpg", settings)


def test_few_and_odd_times(settings: Settings, tmp_path: Path) -> None:
    """A video may have one picture, two pictures of the same time, or a negative first time."""
    for name, stamps in (("one", [0]), ("two", [0, 0]), ("negative", [-40, 0, 500])):
        path = tmp_path / f"{name}.mkv"
        write_stamps(path, stamps)
        with Video(path, decode_limits(settings), None) as video:
            found = [frame.time_s for frame in video]
            assert found == [(stamp - stamps[0]) / 1000 for stamp in stamps]
            assert (video.duration_s or 0.0) > found[-1]
            assert video.frames_decoded == len(stamps)
            assert video.warnings == []


def write_stamps(path: Path, stamps: list[int]) -> None:
    """Write a picture at each of these times, in milliseconds."""
    with av.open(str(path), "w", options={"avoid_negative_ts": "disabled"}) as container:
        output = container.add_stream("mjpeg", rate=25)
        assert isinstance(output, av.VideoStream)
        output.width, output.height, output.pix_fmt = 320, 240, "yuvj420p"
        for stamp in stamps:
            packet = av.Packet(jpeg(STILL.picture(0.0)))
            packet.stream, packet.pts, packet.dts, packet.is_keyframe = output, stamp, stamp, True
            packet.time_base = Fraction(1, 1000)
            container.mux(packet)


def test_a_clock_may_run_through_all_its_numbers(video_maker: VideoMaker, settings: Settings) -> None:
    """The MPEG-TS clock may wrap after 2^33 ticks in the middle of a video."""
    path = video_maker.make(WRAPPING)
    with av.open(str(path), options={"correct_ts_overflow": "0"}) as container:
        stamps = [frame.time or 0.0 for frame in container.decode(video=0)]
    assert stamps[0] - stamps[-1] > 95_000
    assert times(path, settings) == pytest.approx([tick / 10 for tick in range(20)], abs=0.018)


def test_length_unknown_at_first(video_maker: VideoMaker, settings: Settings) -> None:
    """A browser's WebM without a duration in its header has one after decoding."""
    path = video_maker.make(replace(STILL, container="webm", codec="libvpx", live=True))
    with Video(path, decode_limits(settings), 10.0) as video:
        assert video.duration_s is None
        assert len(list(video)) == 20
        assert video.duration_s == pytest.approx(2.0, abs=0.05)


def test_stops_at_once(video_maker: VideoMaker, settings: Settings) -> None:
    """A stopped decoder raises CancelledError soon, and its process ends."""
    stop, before = threading.Event(), child_processes()
    with Video(video_maker.make(STILL), decode_limits(settings), None, should_stop=stop.is_set) as video:
        frames = iter(video)
        next(frames)
        stop.set()
        started = time.monotonic()
        with pytest.raises(CancelledError):
            list(frames)
    assert time.monotonic() - started < 10
    assert not child_processes() - before


def test_memory_limit(video_maker: VideoMaker, settings: Settings) -> None:
    """A file that exceeds the memory limit raises DecoderLimitError."""
    path = video_maker.make(replace(STILL, width=1280, height=720, duration_s=1.0))
    with pytest.raises(DecoderLimitError):
        times(path, settings.model_copy(update={"decoder_memory_mb": 40}))


def test_time_limit(video_maker: VideoMaker, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """A decoder that is silent for too long is stopped; the earlier frames are kept, with a warning.

    The duration is that of the kept frames, also where the header has none.
    """
    path = video_maker.make(replace(STILL, container="webm", codec="libvpx", live=True))
    before = child_processes()
    with Video(path, decode_limits(settings), None) as video:
        frames = iter(video)
        first = next(frames)
        monkeypatch.setattr("duygu.shared.vision.decode.video.SILENCE_S", 0.3)
        (decoder,) = child_processes() - before
        decoder.suspend()
        kept = [first.time_s, *(frame.time_s for frame in frames)]
        assert len(kept) < 60
        assert video.duration_s == pytest.approx(kept[-1] + 1 / 30, abs=0.002)
        assert [code for code, _ in video.warnings] == ["damaged"]


@pytest.mark.parametrize(
    ("cause", "error"), [(signal.SIGSEGV, UndecodableVideoError), (signal.SIGXCPU, DecoderLimitError)]
)
def test_survives_a_crash(
    cause: signal.Signals,
    error: type[Exception],
    settings: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A decoder that crashes raises an error of the file, and its last stderr lines are logged."""
    path = tmp_path / "video.mp4"
    path.write_bytes(b"\0" * 100)
    monkeypatch.setattr("duygu.shared.vision.decode.video.CHILD", "tests.support.children.dying_child")
    with pytest.raises(error):
        times(path, settings.model_copy(update={"job_timeout_s": int(cause)}))
    (record,) = caplog.records
    assert f"signal {int(cause)}" in record.message
    assert "the last words of this process" in record.message
    assert ("Segmentation fault" in record.message) == (cause == signal.SIGSEGV)


def test_length_limit(video_maker: VideoMaker, settings: Settings) -> None:
    """The length limit applies to the header's duration or else to the decoded frames."""
    strict = settings.model_copy(update={"max_duration_s": 1.0})
    for scene in (STILL, replace(STILL, container="webm", codec="libvpx", live=True)):
        with pytest.raises(TooLongError):
            times(video_maker.make(scene), strict)


def test_opens_no_other_file(video_maker: VideoMaker, settings: Settings, tmp_path: Path) -> None:
    """A playlist of another file is not a video, whatever its extension."""
    (tmp_path / "other.mp4").write_bytes(video_maker.make(STILL).read_bytes())
    for name in ("list.mp4", "list.ffconcat", "list.m3u8"):
        for content in ("ffconcat version 1.0\nfile other.mp4\n", "#EXTM3U\n#EXTINF:2,\nother.mp4\n#EXT-X-ENDLIST\n"):
            (tmp_path / name).write_text(content)
            with pytest.raises(NotAVideoError):
                times(tmp_path / name, settings)


def test_a_pipe_is_refused_plainly(settings: Settings, tmp_path: Path) -> None:
    """A FIFO is refused without waiting for it."""
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(NotAVideoError, match="save the video as a file"):
        times(tmp_path / "pipe", settings)


def test_memory_is_flat(video_maker: VideoMaker, settings: Settings) -> None:
    """Memory does not grow with the number of decoded frames."""
    path = video_maker.make(replace(STILL, duration_s=20.0, fps=10.0))
    process = psutil.Process()
    with Video(path, decode_limits(settings), 10.0) as video:
        sizes = [process.memory_info().rss for _ in video]
    assert sizes[-1] - sizes[20] < 10 * MB


def test_the_decoder_keeps_no_frame(video_maker: VideoMaker, settings: Settings) -> None:
    """The decoding process frees each picture once it is copied: its memory does not depend on the size of the file."""
    path = video_maker.make(replace(STILL, width=1280, height=720, duration_s=12.0, fps=10.0))
    before = child_processes()
    with Video(path, decode_limits(settings), 10.0) as video:
        (decoder,) = child_processes() - before
        sizes = [decoder.memory_info().rss for _ in video]
    assert len(sizes) == 120
    assert max(sizes) < 110 * MB  # 130 frames of 1.4 MB were kept before
