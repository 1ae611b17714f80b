"""How a picture of another shape is fitted into a frame: whole, centred, with bars, as CSS `object-fit: contain` does.

The size of a video is that of its first picture. A later picture of another size or another pixel shape is fitted into
it, and boxes are in pixels of the first. Browsers show such a video in the same way in an element of the first size.
"""

from dataclasses import dataclass

UNSEEN = 0.01
"""Share of a side by which a fitted picture may be stretched, so that sizes that were rounded get no bars."""

Size = tuple[int, int]
"""Width and height in pixels."""


@dataclass(frozen=True, slots=True)
class Place:
    """An area of a frame, in pixels. `left` and `top` are even, as 4:2:0 needs it."""

    left: int
    top: int
    width: int
    height: int


def fit(picture: Size, frame: Size) -> Place:
    """Where in the frame the picture lies: as large as it can be without being stretched, in the middle."""
    scale = min(frame[0] / picture[0], frame[1] / picture[1])
    width, height = (
        side if whole * scale >= side * (1 - UNSEEN) else max(1, round(whole * scale))
        for whole, side in zip(picture, frame, strict=True)
    )
    left, top = ((side - part) // 2 // 2 * 2 for part, side in zip((width, height), frame, strict=True))
    return Place(left, top, width, height)
