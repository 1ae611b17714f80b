"""Damaged files: seeded mutations of valid ones. DUYGU_TEST_FUZZ sets their number."""

import os
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from duygu.shared.config.engine import decode_limits
from duygu.shared.config.settings import Settings
from duygu.shared.errors import VideoError
from duygu.shared.vision.decode.video import Video
from tests.fuzz.mutations import mutate
from tests.support.media.videos import BROWSER, PHONE, STILL, Scene, VideoMaker

CASES = int(os.environ.get("DUYGU_TEST_FUZZ", "40"))

LONGEST_S = 20.0
"""Longest time for one damaged file of a few kilobytes."""

SHORT = replace(STILL, duration_s=0.5)
SEEDS: list[Scene] = [
    SHORT,
    replace(SHORT, container="mov", codec="libx265"),
    replace(SHORT, codec="libsvtav1"),
    replace(SHORT, container="mkv", pixel_format="yuv444p"),
    replace(SHORT, container="webm", codec="libvpx-vp9"),
    replace(BROWSER, duration_s=0.5),
    replace(PHONE, duration_s=0.5),
    replace(SHORT, container="avi", codec="mpeg4"),
    replace(SHORT, container="ts"),
    replace(SHORT, container="gif", codec="gif", pixel_format="rgb8"),
]


@pytest.mark.timeout(0)
def test_damaged_files_do_no_harm(video_maker: VideoMaker, settings: Settings, tmp_path: Path) -> None:
    """Each damaged file gives frames or a VideoError within a bounded time."""
    contents = [video_maker.make(scene).read_bytes() for scene in SEEDS]
    path = tmp_path / "damaged.mp4"
    for case in range(CASES):
        path.write_bytes(mutate(contents[case % len(contents)], np.random.default_rng(case)))
        started = time.monotonic()
        try:
            with Video(path, decode_limits(settings), 10.0) as video:
                frames = sum(1 for _ in video)
        except VideoError:
            frames = 0
        except Exception as error:
            raise AssertionError(f"case {case}") from error
        assert frames < 1000, case
        assert time.monotonic() - started < LONGEST_S, case
