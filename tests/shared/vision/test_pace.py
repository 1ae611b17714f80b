"""Tests of duygu.shared.vision.pace."""

from duygu.shared.vision.pace import Pace


def test_the_usual_gap() -> None:
    """A single long gap among short ones, or a short one among long ones, does not change the usual gap."""
    for usual_s, odd_s in ((0.1, 5.0), (10.0, 0.1)):
        pace, time_s = Pace(), 0.0
        found = []
        for index in range(10):
            found.append(pace.add(time_s))
            time_s += odd_s if index == 6 else usual_s
        assert [round(value, 6) for value in found] == [0.0] + [usual_s] * 9


def test_a_known_interval_counts_from_the_first() -> None:
    """A known interval applies from the first frame."""
    assert Pace(10.0).add(0.0) == 10.0
    assert Pace().add(0.0) == 0.0


def test_a_pause_makes_no_source_slow() -> None:
    """A long gap beside a short one does not make a source slow; the only known gap does."""
    paces = Pace(), Pace(0.1), Pace(10.0)
    assert [pace.is_slow(1.0) for pace in paces] == [False, False, True]
    for pace in paces:
        pace.add(0.0)
        pace.add(10.0)
    assert [pace.is_slow(1.0) for pace in paces] == [True, False, True]
