"""Tests of duygu.shared.annotated.overlay: the boxes, tags and timeline drawn on a picture."""

import numpy as np
import pytest

from duygu.shared.annotated.overlay import MAX_LANES, Overlay, words_of
from duygu.shared.annotated.paint import Canvas, colour_of
from duygu.shared.exports.spans import spans_of
from duygu.shared.schemas.result import Position, Result
from tests.support.results.known import two_faces

SIZE = (640, 360)


def painted(result: Result, time_s: float) -> Canvas:
    """Return a black picture with the overlay at a time."""
    overlay = Overlay(result, *SIZE)
    canvas = np.zeros((SIZE[1] + overlay.strip_height, SIZE[0], 3), np.uint8)
    overlay.paint(canvas, time_s)
    return canvas


def with_faces(count: int) -> Result:
    """Return a result with a number of identical faces."""
    result = two_faces()
    faces = [result.faces[0].model_copy(update={"face_id": index + 1}) for index in range(count)]
    return result.model_copy(update={"faces": faces})


def all_uncertain() -> Result:
    """Return a result with only uncertain windows."""
    result = two_faces()
    faces = [
        face.model_copy(update={"windows": [w.model_copy(update={"uncertain": True}) for w in face.windows]})
        for face in result.faces
    ]
    return result.model_copy(update={"faces": faces})


def has(canvas: Canvas, colour: tuple[int, int, int]) -> bool:
    """Return whether a picture has a pixel of a colour."""
    return bool((canvas == colour).all(axis=2).any())


@pytest.mark.parametrize("more", [1, 5])
def test_the_timeline_counts_the_faces_that_it_leaves_out(more: int) -> None:
    """A line below the last lane counts the faces without a lane."""
    full, cut = (painted(with_faces(MAX_LANES + count), 0.0)[SIZE[1] :] for count in (0, more))
    assert len(cut) > len(full)
    assert (cut[len(full) :, 20:] > 100).any()


def test_an_uncertain_window_is_no_finding() -> None:
    """An uncertain window has a grey, dashed box, and its tag starts with `uncertain`."""
    certain, uncertain = (painted(result, 4.9)[: SIZE[1]] for result in (two_faces(), all_uncertain()))
    assert has(certain, colour_of("sadness"))
    assert not has(uncertain, colour_of("sadness"))
    solid, dashed = (
        [bool((row > 50).all(axis=1).any()) for row in picture[30:50, 9:12]] for picture in (certain, uncertain)
    )
    assert all(solid)
    assert 0 < sum(dashed) < len(dashed)
    assert words_of("1", spans_of(all_uncertain().faces[0])[0]) == "1 uncertain (neutral 60%)"


def test_faces_side_by_side_have_tags_of_their_own() -> None:
    """The tags of two adjacent faces cover neither each other nor a face."""
    first, second = (
        face.model_copy(
            update={
                "windows": [window.model_copy(update={"emotion": emotion}) for window in two_faces().faces[0].windows],
                "positions": [
                    Position(time_s=time_s, box=(left, 150.0, 45.0, 50.0), score=1.0) for time_s in (0.0, 0.4)
                ],
            }
        )
        for face, emotion, left in zip(two_faces().faces, ("anger", "surprise"), (200.0, 250.0), strict=True)
    )
    alone = [painted(two_faces().model_copy(update={"faces": [face]}), 0.2)[: SIZE[1]] for face in (first, second)]
    together = painted(two_faces().model_copy(update={"faces": [first, second]}), 0.2)[: SIZE[1]]
    for emotion, picture in zip(("anger", "surprise"), alone, strict=True):
        pixels = [(seen == colour_of(emotion)).all(axis=2).sum() for seen in (together, picture)]
        assert pixels[0] == pytest.approx(pixels[1], rel=0.05)
        assert pixels[0] > 200
