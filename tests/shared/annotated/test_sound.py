"""Tests of duygu.shared.annotated.sound: sound that stays synchronous with the pictures."""

import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from duygu.shared.annotated.sound import Sound
from duygu.shared.annotated.sound_child import SOUND_HZ
from duygu.shared.config.engine import decode_limits
from duygu.shared.config.settings import Settings
from duygu.shared.vision.decode.video import Video
from tests.support.media.videos import BROADCAST, WRAPPING, Scene, VideoMaker, cut_stream

MUCH_S = 60

MONO = replace(BROADCAST, sound_hz=44_100)
STEREO = replace(BROADCAST, stereo=True, start=2.0)


def heard(path: Path, settings: Settings) -> npt.NDArray[np.int16]:
    """Return the samples from the first picture on, (samples, 2)."""
    with (
        Video(path, decode_limits(settings), 10.0) as video,
        Sound(path, decode_limits(settings), video.start_s) as sound,
    ):
        return np.frombuffer(sound.read(MUCH_S * SOUND_HZ), np.int16).reshape(-1, 2)


def heard_s(path: Path, settings: Settings) -> float:
    """Return the duration of the sound from the first picture on."""
    return len(heard(path, settings)) / SOUND_HZ


def test_sound_begins_with_the_first_picture(video_maker: VideoMaker, settings: Settings, tmp_path: Path) -> None:
    """In a stream that was cut, sound starts with the first picture that can be decoded."""
    path = cut_stream(video_maker.make(BROADCAST), tmp_path / "cut.ts")
    assert heard_s(path, settings) == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize("starts", [(3000.0, 0.0), (0.0, 20_000.0), (0.0, 40.0)])
def test_sound_of_joined_recordings_goes_on(
    starts: tuple[float, float], video_maker: VideoMaker, settings: Settings, tmp_path: Path
) -> None:
    """The sound of joined recordings is complete, without silence at the joint, however far their clocks differ."""
    parts = [video_maker.make(replace(BROADCAST, start=start_s)) for start_s in starts]
    path = tmp_path / "joined.ts"
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    assert heard_s(path, settings) == pytest.approx(4.0, abs=0.1)


def test_sound_goes_on_when_the_clock_begins_anew(video_maker: VideoMaker, settings: Settings) -> None:
    """Sound continues when the MPEG-TS clock wraps after 2^33 ticks."""
    assert heard_s(video_maker.make(WRAPPING), settings) == pytest.approx(2.0, abs=0.05)


@pytest.mark.parametrize(("first", "second"), [(MONO, STEREO), (replace(STEREO, start=0.0), replace(MONO, start=2.0))])
def test_sound_whose_format_changes_is_copied_to_the_end(
    first: Scene, second: Scene, video_maker: VideoMaker, settings: Settings, tmp_path: Path
) -> None:
    """Sound that changes between mono at 44.1 kHz and stereo at 48 kHz keeps its duration and pitch."""
    path = tmp_path / "changing.ts"
    path.write_bytes(b"".join(video_maker.make(scene).read_bytes() for scene in (first, second)))
    samples = heard(path, settings)
    assert len(samples) / SOUND_HZ == pytest.approx(4.0, abs=0.1)
    for start_s in (0.2, 2.2):
        part = samples[round(start_s * SOUND_HZ) :][: round(1.6 * SOUND_HZ)]
        for channel in part.T.astype(np.int32):
            assert np.count_nonzero(np.diff(np.sign(channel))) / 1.6 / 2 == pytest.approx(440, rel=0.02)


def test_a_process_that_dies_is_logged(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """When the sound process dies, the sound ends, and its last stderr lines are logged once."""
    monkeypatch.setattr("duygu.shared.annotated.sound.CHILD", "tests.support.children.dying_child")
    path = tmp_path / "video.mp4"
    path.write_bytes(b"\0" * 100)
    with Sound(path, decode_limits(settings.model_copy(update={"job_timeout_s": int(signal.SIGSEGV)})), 0.0) as sound:
        assert sound.read(1000) == sound.read(1000) == b""
    (record,) = caplog.records
    assert f"signal {int(signal.SIGSEGV)}" in record.message
    assert "the last words of this process" in record.message


def test_a_process_that_hangs_is_ended(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A sound process that hangs is killed after a timeout, and the sound ends."""
    monkeypatch.setattr("duygu.shared.annotated.sound.CHILD", "tests.support.children.hanging_child")
    monkeypatch.setattr("duygu.shared.annotated.sound.SILENCE_S", 3.0)
    path = tmp_path / "video.mp4"
    path.write_bytes(b"\0" * 100)
    with Sound(path, decode_limits(settings), 0.0) as sound:
        assert sound.read(1000) == bytes(4)
        assert sound._process.returncode == -signal.SIGKILL
        assert sound.read(1000) == b""
    assert "produced no output for 3 s" in caplog.text
