"""Boxes and windows between the analysed frames."""

import pytest

from duygu.shared.exports.moments import box_at, hold_s, span_at
from duygu.shared.exports.spans import spans_of
from duygu.shared.schemas.result import Position
from tests.support.results.known import two_faces

POSITIONS = [
    Position(time_s=time_s, box=box, score=1.0)
    for time_s, box in ((1.0, (0, 0, 10, 10)), (1.2, (10, 20, 10, 30)), (3.0, (50, 50, 10, 10)))
]


def test_a_box_moves_evenly() -> None:
    """A box is interpolated linearly between two frames."""
    assert box_at(POSITIONS, 1.1) == pytest.approx((5, 10, 10, 20))
    assert box_at(POSITIONS, 1.2) == pytest.approx((10, 20, 10, 30))


def test_a_box_does_not_cross_a_gap() -> None:
    """In a gap, a box stays for a moment and then disappears until the face is detected again."""
    assert box_at(POSITIONS, 0.9) is None
    assert box_at(POSITIONS, 1.5) == (10, 20, 10, 30)
    assert box_at(POSITIONS, 2.0) is None
    assert box_at(POSITIONS, 3.4) == (50, 50, 10, 10)
    assert box_at(POSITIONS, 3.5) is None


def test_a_moment_has_one_window() -> None:
    """Each moment has the window of its span, and a gap has none."""
    spans = spans_of(two_faces().faces[0])
    shown = [span_at(spans, time_s) for time_s in (0.2, 1.2, 3.0, 4.5)]
    assert [span and span.window.emotion for span in shown] == ["neutral", "happiness", None, "sadness"]


def test_a_box_of_a_slow_video_stands_until_the_next() -> None:
    """In a video with a picture every ten seconds, a box stays at its place until the next picture."""
    slow = [Position(time_s=time_s, box=(time_s, 0, 10, 10), score=1.0) for time_s in (0.0, 10.0, 20.0, 50.0, 60.0)]
    hold = hold_s(slow)
    found = [box_at(slow, time_s, hold) for time_s in (0.0, 9.9, 10.0, 31.9, 32.1, 71.0, 73.0)]
    assert [box and box[0] for box in found] == [0.0, 0.0, 10.0, 20.0, None, 60.0, None]


def test_an_ordinary_video_holds_boxes_as_before() -> None:
    """A single long gap among positions a tenth of a second apart does not extend the display of boxes."""
    assert hold_s(POSITIONS[:1]) == hold_s([]) == hold_s(POSITIONS[:2]) == 0.45
