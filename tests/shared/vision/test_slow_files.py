"""Files whose frames are seconds apart, as of surveillance and time-lapse recorders."""

from dataclasses import replace

import pytest

from duygu.shared.config.engine import decode_limits
from duygu.shared.config.settings import Settings
from duygu.shared.schemas.result import Result
from duygu.shared.vision.analysis import analyze_video
from duygu.shared.vision.engine import Engine
from tests.support.media.videos import STILL, Actor, Scene, VideoMaker

FRAMES = 6


def every_other(first: int, interval_s: float, actor: Actor) -> Actor:
    """Return the actor visible in every second frame from `first` on."""
    spans = tuple(((index - 0.5) * interval_s, (index + 0.5) * interval_s) for index in range(first, FRAMES, 2))
    return replace(actor, seen=spans)


def slow(interval_s: float, *actors: Actor) -> Scene:
    """Return a scene of six frames."""
    return replace(STILL, actors=actors, fps=1 / interval_s, duration_s=FRAMES * interval_s, codec="mpeg4")


def positions(result: Result) -> list[float]:
    """Return the times of all positions."""
    return sorted(position.time_s for face in result.faces for position in face.positions)


def starts(result: Result) -> list[float]:
    """Return the start times of all windows."""
    return sorted(window.start_s for face in result.faces for window in face.windows)


def flags(result: Result) -> set[str]:
    """Return the flags of all windows."""
    return {str(flag) for face in result.faces for window in face.windows for flag in window.flags}


@pytest.mark.parametrize("interval_s", [7.0, 10.0])
def test_the_first_frame_counts(
    interval_s: float, video_maker: VideoMaker, engine: Engine, tiny_settings: Settings
) -> None:
    """A face in all frames has a position in each, the first included."""
    result = analyze_video(video_maker.make(slow(interval_s, Actor())), engine, decode_limits(tiny_settings))
    assert starts(result) == positions(result) == [index * interval_s for index in range(FRAMES)]
    assert result.faces[0].start_s == 0.0


def test_two_people_by_turns(video_maker: VideoMaker, engine: Engine, tiny_settings: Settings) -> None:
    """When two people alternate, each frame has the position of one of them."""
    scene = slow(
        10.0, every_other(0, 10.0, Actor(start=(0.27, 0.5))), every_other(1, 10.0, Actor(start=(0.73, 0.5), size=0.6))
    )
    result = analyze_video(video_maker.make(scene), engine, decode_limits(tiny_settings))
    assert starts(result) == positions(result) == [index * 10.0 for index in range(FRAMES)]
    assert "padded" in flags(result)


def test_a_face_and_nobody_by_turns(video_maker: VideoMaker, engine: Engine, tiny_settings: Settings) -> None:
    """When a face appears in every second frame, only those frames have a position, also with cuts."""
    for cuts in ((), tuple(index * 10.0 - 5.0 for index in range(1, FRAMES))):
        scene = replace(slow(10.0, every_other(0, 10.0, Actor())), cuts=cuts)
        result = analyze_video(video_maker.make(scene), engine, decode_limits(tiny_settings))
        assert starts(result) == positions(result) == [0.0, 20.0, 40.0]
        assert "padded" in flags(result)


def test_a_face_in_a_single_frame(video_maker: VideoMaker, engine: Engine, tiny_settings: Settings) -> None:
    """A face in a single frame is reported, wherever it is in the file."""
    for index in (0, 2, FRAMES - 1):
        actor = Actor(seen=((index * 10.0 - 5.0, index * 10.0 + 5.0),))
        result = analyze_video(video_maker.make(slow(10.0, actor)), engine, decode_limits(tiny_settings))
        assert starts(result) == positions(result) == [index * 10.0]
        assert flags(result) == {"padded"}
