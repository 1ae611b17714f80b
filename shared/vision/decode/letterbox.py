"""Letterboxing of a picture in a frame of another shape: centred, with bars, as CSS `object-fit: contain`.

The first picture defines the size of a video. A later picture of another size or pixel shape is fitted into this size,
and all boxes are in pixels of it. Browsers display such a video in the same way in an element of the first size.
"""

from dataclasses import dataclass

UNSEEN = 0.01
"""Maximum distortion of a fitted picture, as a share of a side, so that rounded sizes get no bars."""

Size = tuple[int, int]
"""Width and height in pixels."""


@dataclass(frozen=True, slots=True)
class Place:
    """An area of a frame in pixels. `left` and `top` are even, as 4:2:0 requires."""

    left: int
    top: int
    width: int
    height: int


def fit(picture: Size, frame: Size) -> Place:
    """Position of a picture in a frame: centred, as large as possible without distortion."""
    scale = min(frame[0] / picture[0], frame[1] / picture[1])
    width, height = (
        side if whole * scale >= side * (1 - UNSEEN) else max(1, round(whole * scale))
        for whole, side in zip(picture, frame, strict=True)
    )
    left, top = ((side - part) // 2 // 2 * 2 for part, side in zip((width, height), frame, strict=True))
    return Place(left, top, width, height)
