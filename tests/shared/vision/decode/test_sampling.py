"""Selection of the frames to analyse."""

from itertools import pairwise

import numpy as np
import pytest

from duygu.shared.vision.decode.sampling import Sampler


def ticks(times: list[float], rate_hz: float | None = 10.0, interval_s: float | None = None) -> list[int]:
    """Return the ticks of the frames at these times, without skipped frames."""
    sampler = Sampler(rate_hz, interval_s)
    return [tick for time_s in times if (tick := sampler.tick(time_s)) is not None]


@pytest.mark.parametrize("fps", [10, 15, 24, 25, 29.97, 30, 50, 59.94, 60, 120, 240])
def test_every_rate_from_ten_on_gives_ten_a_second(fps: float) -> None:
    """Two seconds of video have the ticks 0 to 19 at any rate from ten on."""
    given = ticks([index / fps for index in range(round(2 * fps))], interval_s=1 / fps)
    assert [tick for tick in given if tick < 20] == list(range(20))


def test_a_slow_video_gives_all_its_frames() -> None:
    """At 4 frames per second, each frame has a tick of its own."""
    given = ticks([index / 4 for index in range(8)], interval_s=0.25)
    assert len(given) == 8
    assert all(later > earlier for earlier, later in pairwise(given))


def test_jitter_neither_doubles_nor_loses_a_tick() -> None:
    """Frames of 30 Hz that are late by up to a third of their interval have each tick once."""
    late = np.random.default_rng(3).uniform(0, 0.011, 90)
    given = ticks([float(index / 30 + delay) for index, delay in enumerate(late)], interval_s=1 / 30)
    assert given == list(range(30))


def test_whole_milliseconds_are_exact_enough() -> None:
    """Times in whole milliseconds, as in Matroska, have the ticks of the exact times."""
    exact = [index / 30 for index in range(90)]
    assert ticks([round(time_s, 3) for time_s in exact], interval_s=1 / 30) == ticks(exact, interval_s=1 / 30)


def test_without_a_rate_every_frame_is_a_tick() -> None:
    """Without a rate, every frame has a tick."""
    assert ticks([0.0, 0.01, 0.5], rate_hz=None) == [0, 1, 2]


def test_a_saved_clock_goes_on() -> None:
    """A restored sampler does not repeat its last tick."""
    assert Sampler(10.0, last=7).tick(0.7) is None
    assert Sampler(10.0, last=7).tick(0.8) == 8
