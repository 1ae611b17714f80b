"""A part of a video: the same frames as of the whole, at a part of its cost."""

import mmap
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from duygu.shared.config.engine import decode_limits
from duygu.shared.config.settings import Settings
from duygu.shared.errors import EmptyPartError, StartBeyondEndError
from duygu.shared.vision.decode import child
from duygu.shared.vision.decode.messages import SLOTS, Decoded, Message, Skipping
from duygu.shared.vision.decode.video import Video, make_order
from tests.support.media.videos import PAN, Scene, VideoMaker

RATE_HZ = 10.0

LONG = replace(PAN, duration_s=8.0, gop=30)

FILES = {
    "mp4": LONG,
    "mp4, 60 frames/s": replace(LONG, fps=60.0),
    "mp4 with the index first": replace(LONG, options=(("movflags", "faststart"),)),
    "mp4 in fragments": replace(LONG, options=(("movflags", "frag_keyframe+empty_moov"),)),
    "mp4 with late pictures": replace(LONG, sound=True, late=0.5),
    "mp4 with a rotation": replace(LONG, rotation=90),
    "mov": replace(LONG, container="mov"),
    "one key frame": replace(LONG, gop=1000),
    "only key frames": replace(LONG, gop=1),
    "HEVC": replace(LONG, codec="libx265"),
    "AV1": replace(LONG, codec="libsvtav1"),
    "Matroska": replace(LONG, container="mkv", start=5.0),
    "WebM": replace(LONG, container="webm", codec="libvpx-vp9"),
    "WebM of a browser": replace(LONG, container="webm", codec="libvpx", live=True, jitter=0.4),
    "MPEG-TS": replace(LONG, container="ts", sound=True),
    "AVI": replace(LONG, container="avi", codec="mpeg4"),
}

SEEKING = {name for name, scene in FILES.items() if scene.container in ("mp4", "mov", "mkv", "webm")} - {
    "one key frame"
}
"""Files of which the decoder reads only the part."""

Frames = dict[float, npt.NDArray[np.uint8]]


def frames_of(path: Path, settings: Settings, start_s: float = 0.0, end_s: float | None = None) -> tuple[Frames, Video]:
    """The pictures of a part by their times, and the video after its end."""
    with Video(path, decode_limits(settings), RATE_HZ, start_s=start_s, end_s=end_s) as video:
        return {frame.time_s: frame.grey.copy() for frame in video}, video


@pytest.mark.parametrize("name", FILES)
def test_a_part_has_the_frames_of_the_whole(name: str, video_maker: VideoMaker, settings: Settings) -> None:
    """Times and pixels are those of the whole video; the length and the first frame's time are the video's."""
    path = video_maker.make(FILES[name])
    every, whole = frames_of(path, settings)
    some, part = frames_of(path, settings, 5.0, 6.2)
    wanted = {time_s: picture for time_s, picture in every.items() if 4.97 <= time_s < 6.17}
    assert some.keys() == wanted.keys()
    assert 11 <= len(some) <= 13
    assert all(np.array_equal(picture, wanted[time_s]) for time_s, picture in some.items())
    assert part.duration_s == pytest.approx(whole.duration_s or 0.0, abs=0.07)
    assert (part.first_frame_s, part.rotation, part.warnings) == (whole.first_frame_s, whole.rotation, whole.warnings)
    if name in SEEKING:
        assert part.frames_decoded < 0.5 * whole.frames_decoded


@hypothesis_settings(max_examples=10, deadline=None)
@given(start=st.integers(0, 78), length=st.integers(1, 80))
def test_any_part_has_the_sampling_times_in_it(
    start: int, length: int, video_maker: VideoMaker, tiny_settings: Settings
) -> None:
    """A part has one frame for each tenth of a second in it, and adjacent parts have no frame in common."""
    path = video_maker.make(LONG)
    some, _ = frames_of(path, tiny_settings, start / 10, (start + length) / 10)
    assert [round(time_s * 10) for time_s in some] == list(range(start, min(start + length, 80)))


@pytest.mark.parametrize("scene", [LONG, replace(LONG, container="ts")], ids=["seeking", "from the beginning"])
def test_a_part_that_the_video_lacks_is_refused(scene: Scene, video_maker: VideoMaker, settings: Settings) -> None:
    """The error says where the video ends; a part between two frames has an error of its own."""
    path = video_maker.make(scene)
    with pytest.raises(StartBeyondEndError, match=r"start_s 8 is beyond the last picture at 7\.9\d+ s"):
        frames_of(path, settings, 8.0)
    with pytest.raises(StartBeyondEndError, match="start_s 1e\\+07"):
        frames_of(path, settings, 1e7)
    with pytest.raises(EmptyPartError, match=r"between start_s 5\.02 and end_s 5\.03"):
        frames_of(path, settings, 5.02, 5.03)


def test_an_end_beyond_the_end_is_the_end(video_maker: VideoMaker, settings: Settings) -> None:
    """A part may reach beyond the video."""
    some, video = frames_of(video_maker.make(LONG), settings, 7.5, 1e7)
    assert len(some) == 5
    assert video.duration_s == pytest.approx(8.0)


@pytest.mark.parametrize("container", ["mp4", "mkv"])
def test_a_part_of_a_truncated_file(
    container: str, tmp_path: Path, video_maker: VideoMaker, settings: Settings
) -> None:
    """A part in the readable beginning is complete; one behind it is beyond the end."""
    whole = video_maker.make(
        replace(LONG, container=container, options=(("movflags", "faststart"),) * (container == "mp4"))
    )
    path = tmp_path / f"cut.{container}"
    path.write_bytes(whole.read_bytes()[: whole.stat().st_size * 6 // 10])
    some, _ = frames_of(path, settings, 3.0, 4.0)
    assert len(some) == 10
    with pytest.raises(StartBeyondEndError):
        frames_of(path, settings, 7.0)


def test_a_long_way_to_the_part_is_no_silence(
    video_maker: VideoMaker, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the process decodes up to the part it sends messages, so that the parent does not end it."""
    sent: list[Message] = []
    monkeypatch.setattr(child, "send", sent.append)
    monkeypatch.setattr(child, "SKIPPING_INTERVAL_S", -1.0)
    with video_maker.make(FILES["MPEG-TS"]).open("rb") as file:
        order = replace(make_order(decode_limits(settings), RATE_HZ, file), file=os.dup(file.fileno()), start_s=7.5)
        child.FileDecoder(order, mmap.mmap(-1, order.slot_bytes * SLOTS)).run()
    waited = [message.time_s for message in sent if isinstance(message, Skipping)]
    assert len(waited) > 100
    assert waited == sorted(waited)
    assert len([message for message in sent if isinstance(message, Decoded)]) == 5
