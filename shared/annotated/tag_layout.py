"""Layout of the tags of face boxes. The page's js/overlay/tag-layout.js has the same rule; a test compares them.

1. A tag is adjacent to its box, at the first free of eight places: above, below, right and left of the box, each
   aligned with the start, then the end of that side, and moved along the side where it would leave the picture.
2. A place is free if it is inside the picture and neither overlaps nor touches any other box or tag.
3. Each face, in the given order, gets a small tag. Then, in the same order, each tag is replaced by a full one if one
   of the eight places is free for it. So no full tag takes the only place of another face.
4. A small tag without a free place goes into a corner of its box (top left, top right, bottom left, bottom right): the
   first that touches no other box or tag, else the first that touches no other tag. Without such a corner the face has
   no tag.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

TOUCH = 1e-6
"""Distance up to which rectangles count as touching, to allow for rounding."""

Size = tuple[float, float]
"""Width and height in pixels."""

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Rect:
    """A rectangle in pixels."""

    left: float
    top: float
    width: float
    height: float

    @property
    def right(self) -> float:
        """Its right edge."""
        return self.left + self.width

    @property
    def bottom(self) -> float:
        """Its lower edge."""
        return self.top + self.height

    def meets(self, other: "Rect") -> bool:
        """Whether two rectangles overlap or touch."""
        return (
            self.left <= other.left + other.width + TOUCH
            and other.left <= self.left + self.width + TOUCH
            and self.top <= other.top + other.height + TOUCH
            and other.top <= self.top + self.height + TOUCH
        )

    def grown(self, by: float) -> "Rect":
        """Extend the rectangle by a margin of this width."""
        return Rect(self.left - by, self.top - by, self.width + 2 * by, self.height + 2 * by)


@dataclass(frozen=True, slots=True)
class TagSizes:
    """Sizes of a face's tag in both forms."""

    full: Size
    small: Size


@dataclass(frozen=True, slots=True)
class Tag:
    """A placed tag."""

    rect: Rect
    small: bool


def layout_tags(boxes: Sequence[Rect], sizes: Sequence[TagSizes], picture: Size) -> list[Tag | None]:
    """Place one tag per box; None if the box is outside the picture or no place is free.

    For any boxes, tags do not touch each other, each touches its own box, and each is inside the picture.
    """
    shown = [_visible(box, picture) for box in boxes]
    tags: list[Tag | None] = [None] * len(boxes)
    for index, box in enumerate(shown):
        if box is not None:
            corners = list(_within(box, sizes[index].small))
            others = _without(shown, index)
            placed = [tag.rect for tag in tags if tag]
            places = [*_beside(box, sizes[index].small, picture), *corners]
            rect = _first_free(places, picture, others + placed) or _first_free(corners, picture, placed)
            tags[index] = Tag(rect, small=True) if rect else None
    for index, box in enumerate(shown):
        if box is not None:
            taken = _without(shown, index) + [tag.rect for tag in _without(tags, index)]
            rect = _first_free(_beside(box, sizes[index].full, picture), picture, taken)
            tags[index] = Tag(rect, small=False) if rect else tags[index]
    return tags


def _without(items: Sequence[Item | None], index: int) -> list[Item]:
    """All items except None and the one at `index`."""
    return [item for other, item in enumerate(items) if other != index and item is not None]


def _visible(box: Rect, picture: Size) -> Rect | None:
    """The part of a box that is inside the picture."""
    left, top = max(box.left, 0.0), max(box.top, 0.0)
    width, height = min(box.right, picture[0]) - left, min(box.bottom, picture[1]) - top
    return Rect(left, top, width, height) if width > 0 and height > 0 else None


def _beside(box: Rect, size: Size, picture: Size) -> Iterator[Rect]:
    """The eight places beside a box, in order of preference."""
    width, height = size
    lefts = [max(0.0, min(left, picture[0] - width)) for left in (box.left, box.right - width)]
    tops = [max(0.0, min(top, picture[1] - height)) for top in (box.top, box.bottom - height)]
    yield from (Rect(left, box.top - height, width, height) for left in lefts)
    yield from (Rect(left, box.bottom, width, height) for left in lefts)
    yield from (Rect(box.right, top, width, height) for top in tops)
    yield from (Rect(box.left - width, top, width, height) for top in tops)


def _within(box: Rect, size: Size) -> Iterator[Rect]:
    """The four corners within a box."""
    width, height = size
    for top in (box.top, box.bottom - height):
        for left in (box.left, box.right - width):
            yield Rect(left, top, width, height)


def _first_free(places: Iterable[Rect], picture: Size, obstacles: list[Rect]) -> Rect | None:
    return next(
        (rect for rect in places if _is_inside(rect, picture) and not any(rect.meets(other) for other in obstacles)),
        None,
    )


def _is_inside(rect: Rect, picture: Size) -> bool:
    return rect.left >= 0 and rect.top >= 0 and rect.right <= picture[0] and rect.bottom <= picture[1]
