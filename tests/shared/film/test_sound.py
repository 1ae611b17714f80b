"""Tests of shared.film.sound: sound that keeps its place beside the pictures."""

from dataclasses import replace
from pathlib import Path

import pytest

from shared.config import Settings
from shared.film.sound import Sound
from shared.film.sound_child import BYTES, SOUND_HZ
from shared.vision.decoder import Video
from tests.videos import BROADCAST, WRAPPING, VideoMaker, cut_stream

MUCH_S = 60


def heard_s(path: Path, settings: Settings) -> float:
    """How long a file sounds, from its first picture on."""
    with Video(path, settings, 10.0) as video, Sound(path, settings, video.start_s) as sound:
        return len(sound.read(MUCH_S * SOUND_HZ)) / BYTES / SOUND_HZ


def test_sound_begins_with_the_first_picture(video_maker: VideoMaker, settings: Settings, tmp_path: Path) -> None:
    """That is the first one that can be decoded, where a stream was cut in the middle."""
    path = cut_stream(video_maker.make(BROADCAST), tmp_path / "cut.ts")
    assert heard_s(path, settings) == pytest.approx(1.0, abs=0.05)


def test_sound_of_joined_recordings_goes_on(video_maker: VideoMaker, settings: Settings, tmp_path: Path) -> None:
    """All of it is heard, and no silence between them, where the second one's clock is behind that of the first."""
    parts = [video_maker.make(replace(BROADCAST, start=start_s)) for start_s in (3000.0, 0.0)]
    path = tmp_path / "joined.ts"
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    assert heard_s(path, settings) == pytest.approx(4.0, abs=0.1)


def test_sound_goes_on_when_the_clock_begins_anew(video_maker: VideoMaker, settings: Settings) -> None:
    """As that of MPEG-TS does after 2^33 ticks."""
    assert heard_s(video_maker.make(WRAPPING), settings) == pytest.approx(2.0, abs=0.05)
