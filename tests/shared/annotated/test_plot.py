"""The PNG of a timeline, decoded."""

import tracemalloc

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from duygu.shared.annotated import plot, timeline_png
from duygu.shared.annotated.paint import colour_of
from duygu.shared.exports.figure import GUTTER, HEAD, LANE, MARGIN, MAX_LANES, WIDTH
from duygu.shared.schemas.result import Result
from tests.support.results.known import two_faces


def read(result: Result) -> npt.NDArray[np.uint8]:
    """Return the plot as RGB."""
    picture = cv2.imdecode(np.frombuffer(timeline_png(result), np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    return np.asarray(picture[..., ::-1], np.uint8)


def column(time_s: float, duration_s: float = 5.0) -> int:
    """Return the column of a time."""
    return GUTTER + round(time_s / duration_s * (WIDTH - GUTTER - MARGIN))


def test_colours_stand_at_their_times() -> None:
    """The plot shows happiness at 1.2 s, nothing at 3 s and sadness at 4.5 s."""
    base = read(two_faces())[HEAD + LANE - 3]
    assert tuple(base[column(1.2)]) == colour_of("happiness")
    assert tuple(base[column(3.0) + 3]) == (255, 255, 255)
    assert tuple(base[column(4.5)]) == colour_of("sadness")


def test_height_is_confidence() -> None:
    """A window with confidence 0.7 fills 0.7 of the height of its lane."""
    lane = read(two_faces())[HEAD : HEAD + LANE, column(4.5)]
    assert np.count_nonzero((lane == colour_of("sadness")).all(axis=1)) == round(0.7 * LANE)


def test_what_is_uncertain_is_hatched() -> None:
    """The bar of an uncertain window is hatched in two colours."""
    start = HEAD + LANE + 30
    bar = read(two_faces())[start + LANE - 20 : start + LANE - 2, column(0.7) : column(1.2)]
    assert len(np.unique(bar.reshape(-1, 3), axis=0)) == 2


def test_a_plot_without_faces_says_so() -> None:
    """A video without faces has a plot as well."""
    assert (read(two_faces().model_copy(update={"faces": []})) != 255).any()


def test_bands_are_drawn_as_one_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    """The height of the bands changes no pixel, also where they cut letters and hatched bars."""
    faces = [face.model_copy(update={"face_id": number}) for number, face in enumerate(two_faces().faces * 5, 1)]
    result = two_faces().model_copy(update={"faces": faces})
    monkeypatch.setattr(plot, "BAND", 10_000)
    whole = read(result)
    for height in (1, 37, 256):
        monkeypatch.setattr(plot, "BAND", height)
        assert np.array_equal(read(result), whole)


def test_a_plot_of_many_faces_needs_little_memory() -> None:
    """The picture of as many lanes as are shown is never in memory as a whole."""
    faces = [two_faces().faces[0].model_copy(update={"face_id": number}) for number in range(MAX_LANES)]
    result = two_faces().model_copy(update={"faces": faces})
    tracemalloc.start()
    try:
        pixels = read(result).nbytes
        tracemalloc.reset_peak()
        timeline_png(result)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < pixels / 3
