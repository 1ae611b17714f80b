"""The videos of other tests have the properties that they state."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Literal

import av
import numpy as np
import pytest

from tests.support.media import videos
from tests.support.media.videos import Scene, VideoMaker


def decode(path: Path) -> list[av.VideoFrame]:
    """Return every frame of a file."""
    with av.open(str(path)) as container:
        return list(container.decode(video=0))


@pytest.mark.parametrize(
    ("container", "codec"),
    [
        ("mp4", "libx264"),
        ("mov", "libx265"),
        ("webm", "libvpx"),
        ("webm", "libvpx-vp9"),
        ("mkv", "libsvtav1"),
        ("avi", "mpeg4"),
        ("ts", "libx264"),
    ],
)
def test_every_codec_preserves_the_scene(video_maker: VideoMaker, container: str, codec: str) -> None:
    """Each container and codec keeps the size, number, times and pictures of the frames."""
    scene = replace(videos.PAN, duration_s=0.5, container=container, codec=codec)
    frames = decode(video_maker.make(scene))
    times = [frame.time - frames[0].time for frame in frames]
    assert times == pytest.approx(scene.times(), abs=0.0011)
    for frame, time_s in zip(frames, scene.times(), strict=True):
        assert (frame.width, frame.height) == (scene.width, scene.height)
        difference = frame.to_ndarray(format="rgb24").astype(int) - scene.picture(time_s)
        assert np.abs(difference).mean() < 8


@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_a_rotated_video_is_stored_turned(video_maker: VideoMaker, rotation: Literal[90, 180, 270]) -> None:
    """A stored picture is upright after rotation by the angle in the file."""
    scene = replace(videos.STILL, rotation=rotation, duration_s=0.2)
    frame = decode(video_maker.make(scene))[0]
    upright = np.rot90(frame.to_ndarray(format="rgb24"), frame.rotation // 90 % 4)
    assert frame.rotation % 360 == 360 - rotation
    assert np.abs(upright.astype(int) - scene.picture(0)).mean() < 8


def test_a_browser_writes_no_duration(video_maker: VideoMaker) -> None:
    """A live WebM has no duration in its container and stream, and an irregular frame rate."""
    path = video_maker.make(videos.BROWSER)
    with av.open(str(path)) as container:
        assert container.duration is None
        assert container.streams.video[0].duration is None
    assert len({round(b.time - a.time, 3) for a, b in zip(decode(path), decode(path)[1:], strict=False)}) > 5


def test_sound_lies_beside_the_pictures(video_maker: VideoMaker) -> None:
    """The video of a phone has a sound track; a sound recording has no video stream."""
    with av.open(str(video_maker.make(videos.PHONE))) as container:
        assert [stream.type for stream in container.streams] == ["video", "audio"]
    with av.open(str(video_maker.audio_only())) as container:
        assert [stream.type for stream in container.streams] == ["audio"]


def test_a_truncated_file_is_a_prefix_that_opens(video_maker: VideoMaker) -> None:
    """A truncated file declares more frames than it has; a file without its index cannot be opened."""
    with av.open(str(video_maker.truncated())) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
        promised = container.streams.video[0].frames
    assert promised == len(videos.PAN.times())
    assert len(packets) == pytest.approx(0.8 * promised, abs=1)
    with pytest.raises(av.error.InvalidDataError):
        av.open(str(video_maker.without_index()))


def test_an_encrypted_file_gives_no_picture(video_maker: VideoMaker) -> None:
    """An encrypted file can be opened and names its codec, but cannot be decoded."""
    with av.open(str(video_maker.encrypted())) as container:
        assert container.streams.video[0].codec_context.name == "h264"
        with pytest.raises(av.error.InvalidDataError):
            next(container.decode(video=0))


def test_equal_scenes_are_made_once(video_maker: VideoMaker) -> None:
    """Equal scenes share one file."""
    first = video_maker.make(Scene(duration_s=0.1))
    written = first.stat().st_mtime_ns
    assert video_maker.make(Scene(duration_s=0.1)) == first
    assert first.stat().st_mtime_ns == written


def test_boxes_follow_the_actors() -> None:
    """The box of an actor exists while the actor is visible, follows the movement and keeps its size."""
    first, last = videos.PAN.boxes(0.0), videos.PAN.boxes(1.99)
    assert last[0][0] - first[0][0] == pytest.approx(0.5 * videos.PAN.width, rel=0.01)
    assert first[0][2:] == last[0][2:]
    assert [len(videos.LEAVING.boxes(time_s)) for time_s in (0.0, 1.4, 1.6)] == [1, 1, 0]
    assert len(videos.CROWD.boxes(0.0)) == 6


def test_encoding_leaves_the_scheduling_policy(video_maker: VideoMaker) -> None:
    """AV1 is encoded without a change of the process's scheduling policy, which its children would inherit."""
    before = os.sched_getscheduler(0)
    video_maker.make(replace(videos.STILL, duration_s=0.3, codec="libsvtav1"))
    assert os.sched_getscheduler(0) == before
