"""Arithmetic on boxes."""

import numpy as np

from duygu.shared.vision.detect.boxes import areas, containments, overlaps, squares, suppress
from duygu.shared.vision.types import Floats


def boxes(*rows: tuple[float, float, float, float]) -> Floats:
    """Return boxes as an array."""
    return np.array(rows, np.float32).reshape(-1, 4)


def test_an_inverted_box_has_no_area() -> None:
    """An inverted box has no area and no overlap."""
    inverted = boxes((5, 5, 1, 9))
    assert areas(inverted).tolist() == [0]
    assert overlaps(inverted, boxes((0, 0, 10, 10))).tolist() == [[0]]


def test_overlap_is_of_the_union_and_containment_of_the_smaller() -> None:
    """Overlap is relative to the union and containment to the smaller box."""
    whole, quarter = boxes((0, 0, 10, 10)), boxes((0, 0, 5, 5))
    assert overlaps(whole, quarter).item() == np.float32(0.25)
    assert containments(whole, quarter).item() == 1


def test_a_square_keeps_the_centre_and_takes_the_longer_side() -> None:
    """A square keeps the centre of its box and has its longer side."""
    assert squares(boxes((10, 0, 20, 20))).tolist() == [[5, 0, 25, 20]]


def test_suppression_keeps_the_best_of_each_heap_and_what_stands_alone() -> None:
    """Suppression keeps the best box of each cluster, in descending order of scores."""
    heap = boxes((0, 0, 10, 10), (1, 0, 11, 10), (50, 50, 60, 60))
    assert suppress(heap, np.array([0.7, 0.9, 0.8], np.float32), 0.5).tolist() == [1, 2]


def test_suppression_by_the_smaller_takes_boxes_that_lie_inside_others() -> None:
    """A small box inside a large one survives suppression by union but not by the smaller box."""
    nested, scores = boxes((0, 0, 100, 100), (10, 10, 30, 30)), np.array([0.9, 0.8], np.float32)
    assert suppress(nested, scores, 0.7).tolist() == [0, 1]
    assert suppress(nested, scores, 0.7, by_smaller=True).tolist() == [0]


def test_no_boxes_are_no_trouble() -> None:
    """Suppression of no boxes returns no boxes."""
    assert len(suppress(boxes(), np.zeros(0, np.float32), 0.5)) == 0
