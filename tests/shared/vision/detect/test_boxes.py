"""Arithmetic on boxes."""

import numpy as np

from duygu.shared.vision.detect.boxes import areas, containments, overlaps, squares, suppress
from duygu.shared.vision.types import Floats


def boxes(*rows: tuple[float, float, float, float]) -> Floats:
    """As the functions take them."""
    return np.array(rows, np.float32).reshape(-1, 4)


def test_an_inverted_box_has_no_area() -> None:
    """A box whose right side is left of its left side covers nothing, and overlaps nothing."""
    inverted = boxes((5, 5, 1, 9))
    assert areas(inverted).tolist() == [0]
    assert overlaps(inverted, boxes((0, 0, 10, 10))).tolist() == [[0]]


def test_overlap_is_of_the_union_and_containment_of_the_smaller() -> None:
    """A quarter inside the whole shares a quarter of the union and all of itself."""
    whole, quarter = boxes((0, 0, 10, 10)), boxes((0, 0, 5, 5))
    assert overlaps(whole, quarter).item() == np.float32(0.25)
    assert containments(whole, quarter).item() == 1


def test_a_square_keeps_the_centre_and_takes_the_longer_side() -> None:
    """A box twice as high as wide grows to both sides alike."""
    assert squares(boxes((10, 0, 20, 20))).tolist() == [[5, 0, 25, 20]]


def test_suppression_keeps_the_best_of_each_heap_and_what_stands_alone() -> None:
    """Two boxes on one place leave the better; a box elsewhere stays; the best comes first."""
    heap = boxes((0, 0, 10, 10), (1, 0, 11, 10), (50, 50, 60, 60))
    assert suppress(heap, np.array([0.7, 0.9, 0.8], np.float32), 0.5).tolist() == [1, 2]


def test_suppression_by_the_smaller_takes_boxes_that_lie_inside_others() -> None:
    """A small box in a large one stays by union and goes by containment."""
    nested, scores = boxes((0, 0, 100, 100), (10, 10, 30, 30)), np.array([0.9, 0.8], np.float32)
    assert suppress(nested, scores, 0.7).tolist() == [0, 1]
    assert suppress(nested, scores, 0.7, by_smaller=True).tolist() == [0]


def test_no_boxes_are_no_trouble() -> None:
    """Nothing in, nothing out."""
    assert len(suppress(boxes(), np.zeros(0, np.float32), 0.5)) == 0
