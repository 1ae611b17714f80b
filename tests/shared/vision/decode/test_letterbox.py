"""Tests of duygu.shared.vision.decode.letterbox."""

import pytest

from duygu.shared.vision.decode.letterbox import Place, Size, fit


@pytest.mark.parametrize(
    ("picture", "frame", "place"),
    [
        ((640, 480), (640, 480), Place(0, 0, 640, 480)),
        ((320, 240), (640, 480), Place(0, 0, 640, 480)),
        ((480, 640), (640, 480), Place(140, 0, 360, 480)),
        ((640, 480), (480, 640), Place(0, 140, 480, 360)),
        ((1, 1000), (640, 480), Place(318, 0, 1, 480)),
    ],
)
def test_whole_and_in_the_middle(picture: Size, frame: Size, place: Place) -> None:
    """The picture keeps its aspect ratio, is centred, and touches two sides of the frame."""
    assert fit(picture, frame) == place


def test_rounded_sizes_get_no_bars() -> None:
    """A size that differs by rounding gets no bars: 854x480 is 853.3x480 in an adaptive stream."""
    assert fit((854, 480), (1280, 720)) == Place(0, 0, 1280, 720)


def test_never_outside() -> None:
    """The place lies inside the frame and starts at even pixels for any sizes."""
    for picture in ((3, 7), (333, 777), (1919, 1080), (5, 4)):
        for frame in ((641, 479), (17, 5), (2, 2)):
            place = fit(picture, frame)
            assert place.left % 2 == place.top % 2 == 0
            assert place.left + place.width <= frame[0]
            assert place.top + place.height <= frame[1]
