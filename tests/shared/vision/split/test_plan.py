"""Where a video is cut, and when it is not."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duygu.shared.config.engine import decode_limits
from duygu.shared.config.settings import Settings
from duygu.shared.schemas.options import AnalysisOptions
from duygu.shared.vision.decode.file_index import FileIndex, read_index
from duygu.shared.vision.split.plan import MAX_EXTRA, MOST_PARTS, WARM_UP_S, plan_parts
from tests.support.media.videos import BROADCAST, BROWSER, STILL, Scene, VideoMaker

HOUR = FileIndex(3600.0, 0.04, [float(time_s) for time_s in range(0, 3600, 10)])

WHOLE = AnalysisOptions()


def test_an_hour_is_cut_into_equal_parts() -> None:
    """A part owns the time up to the next one; all but the first are tracked from a few seconds before."""
    parts = plan_parts(HOUR, WHOLE, 900.0, 10.0)
    assert [(part.start_s, part.end_s) for part in parts] == [(0, 900), (900, 1800), (1800, 2700), (2700, None)]
    assert [part.decoded_from_s for part in parts] == [0, 895, 1795, 2695]
    assert [part.is_last for part in parts] == [False, False, False, True]


def test_a_part_of_a_video_is_cut_like_a_video() -> None:
    """Parts lie within the requested part."""
    parts = plan_parts(HOUR, AnalysisOptions(start_s=600.0, end_s=2400.0), 900.0, 10.0)
    assert [(part.start_s, part.end_s) for part in parts] == [(600, 1500), (1500, 2400)]
    assert not plan_parts(HOUR, AnalysisOptions(start_s=3000.0), 900.0, 10.0)


@pytest.mark.parametrize(
    "index",
    [
        replace(HOUR, duration_s=None),
        replace(HOUR, duration_s=900.0),
        replace(HOUR, key_frames_s=None),
        replace(HOUR, key_frames_s=[]),
        replace(HOUR, key_frames_s=[0.0]),
        replace(HOUR, interval_s=None),
        replace(HOUR, interval_s=5.0),
    ],
    ids=["unknown length", "short", "not seekable", "no index", "one key frame", "unknown rate", "slow"],
)
def test_a_video_stays_in_one_piece(index: FileIndex) -> None:
    """A video that is short, or whose parts the decoder cannot reach at little cost, is not cut."""
    assert plan_parts(index, WHOLE, 900.0, 10.0) == []


@given(
    length_s=st.floats(1, 40_000),
    longest_s=st.floats(0.01, 4000),
    start_s=st.floats(0, 100),
    key_interval_s=st.floats(0.5, 300),
)
def test_parts_cover_the_video_at_bounded_cost(
    length_s: float, longest_s: float, start_s: float, key_interval_s: float
) -> None:
    """Parts adjoin, are of equal length, begin at sampling times, and are not too many for what they cost."""
    key_frames_s = [place * key_interval_s for place in range(int(length_s / key_interval_s) + 1)]
    parts = plan_parts(FileIndex(length_s, 0.04, key_frames_s), AnalysisOptions(start_s=start_s), longest_s, 10.0)
    if not parts:
        return
    rest_s = length_s - start_s
    assert 2 <= len(parts) <= min(MOST_PARTS, rest_s // longest_s + 1)
    assert parts[0].start_s == start_s
    assert [part.end_s for part in parts] == [*(part.start_s for part in parts[1:]), None]
    assert sum(part.length_s for part in parts) == pytest.approx(rest_s, abs=0.1)
    assert max(part.length_s for part in parts) - min(part.length_s for part in parts) <= 0.25
    assert all(abs(part.start_s * 10 - round(part.start_s * 10)) < 1e-6 for part in parts[1:])
    assert (len(parts) - 1) * WARM_UP_S <= MAX_EXTRA * rest_s


@pytest.mark.parametrize(
    ("scene", "times"),
    [
        (replace(STILL, duration_s=3.0, fps=20.0, gop=20), [0.0, 1.0, 2.0]),
        (replace(STILL, duration_s=3.0, fps=20.0, gop=20, container="mkv"), [0.0, 1.0, 2.0]),
        (replace(STILL, duration_s=3.0, fps=20.0, gop=1000), [0.0]),
        (BROADCAST, None),
    ],
    ids=["mp4", "Matroska", "one key frame", "MPEG-TS"],
)
def test_the_index_of_a_file_has_its_key_frames(
    scene: Scene, times: list[float] | None, video_maker: VideoMaker, settings: Settings
) -> None:
    """Times count from the first picture; None where the decoder cannot seek."""
    index = read_index(video_maker.make(scene), decode_limits(settings))
    assert index.duration_s == pytest.approx(scene.duration_s, abs=0.1)
    assert index.key_frames_s == (None if times is None else pytest.approx(times, abs=0.15))


def test_a_recording_of_a_browser_stays_in_one_piece(video_maker: VideoMaker, settings: Settings) -> None:
    """Its length is unknown before it is decoded."""
    index = read_index(video_maker.make(BROWSER), decode_limits(settings))
    assert plan_parts(index, WHOLE, 0.5, 10.0) == []
