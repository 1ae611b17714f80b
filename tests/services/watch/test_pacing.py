"""Pacing of streams that arrive in bursts."""

import pytest

from duygu.services.watch.pacing import BACKLOG_S, MOST_STEP_S, Pacing


class Player:
    """Shows frames at their times, on a clock of its own."""

    def __init__(self) -> None:
        self.now = 100.0
        self.pacing = Pacing(lambda: self.now)

    def show(self, stream_s: float, arrived: float = 0.0) -> float:
        """The time at which a frame that has arrived is shown."""
        self.now = max(self.now, arrived)
        self.now += self.pacing.wait_s(stream_s)
        return self.now


def test_a_burst_is_shown_at_the_times_of_the_stream() -> None:
    """Frames that arrive together are shown one after the other, from the first on at once."""
    player = Player()
    assert [player.show(7 + number * 0.5) for number in range(4)] == pytest.approx([100, 100.5, 101, 101.5])


def test_a_late_segment_delays_those_after_it() -> None:
    """After an interruption no frame is lost: the stream continues later, at the speed of its clock."""
    player = Player()
    player.show(0.0)
    assert player.show(0.5, arrived=110.0) == 110
    assert player.show(1.0) == pytest.approx(110.5)


def test_the_delay_is_bounded() -> None:
    """What is later than the backlog is shown at once, frame by frame, until the bound is met; then paced again."""
    player = Player()
    player.show(0.0)
    shown = [player.show(1.0 + number, arrived=101 + BACKLOG_S + 2) for number in range(5)]
    late = 101 + BACKLOG_S + 2
    assert shown == pytest.approx([late, late, late, late + 1, late + 2])


@pytest.mark.parametrize("jump_s", [-50.0, MOST_STEP_S + 1])
def test_a_new_clock_is_not_waited_for(jump_s: float) -> None:
    """After a jump of the stream's clock the next frame is shown at once, and paced from there."""
    player = Player()
    player.show(60.0)
    player.show(61.0)
    assert player.show(61 + jump_s) == 101
    assert player.show(62 + jump_s) == 102
