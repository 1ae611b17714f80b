"""Overlay of one picture of a video: labelled boxes, and the timeline below."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from duygu.shared.annotated.paint import INK, PAPER, Canvas, Colour, colour_of, draw_text, outline, paint_lane, width_of
from duygu.shared.annotated.tag_layout import Rect, TagSizes, layout_tags
from duygu.shared.exports.letters import shortened
from duygu.shared.exports.moments import box_at, hold_s, span_at
from duygu.shared.exports.selection import most_seen
from duygu.shared.exports.spans import Span, spans_of
from duygu.shared.exports.titles import short_title
from duygu.shared.schemas.result import Face, Result
from duygu.shared.workbench.edits.editing import visible

MAX_LANES = 6
"""Maximum number of lanes below the picture: for the faces that are visible longest."""

LANE = 2.2
"""Height of a lane in letter heights. A taller lane takes longer to encode."""

MARGIN = 4
"""Pixels beside the title of a lane."""

LONGEST_TITLE = 12
"""Maximum width of a face's title, in letter heights; a longer name is shortened."""

UNKNOWN: Colour = (168, 178, 177)
"""Colour of a face without a window, or with an uncertain one."""


@dataclass(frozen=True, slots=True)
class _Followed:
    face: Face
    spans: list[Span]
    hold_s: float


@dataclass(frozen=True, slots=True)
class _Shown:
    """Overlay of a face in one picture."""

    box: Rect
    colour: Colour
    sure: bool
    full: str  # text of the tag
    small: str  # text where space is limited


class Overlay:
    """Draws the overlay of a result at a fixed size."""

    def __init__(self, result: Result, width: int, height: int) -> None:
        """`width` and `height` of the picture, in pixels; the canvas is `strip_height` taller."""
        result = visible(result)
        self._faces = [_Followed(face, spans_of(face), hold_s(face.positions)) for face in result.faces]
        self._duration_s = result.video.duration_s
        self._scale = (width / max(result.video.width, 1), height / max(result.video.height, 1))
        self._letters = max(8.0, height / 48)
        self._width, self._height = width, height
        titles = (width_of(short_title(face), self._letters) for face in result.faces)
        widest = min(max(titles, default=0), self._letters * LONGEST_TITLE) + 2 * MARGIN
        self._gutter = round(max(widest, self._letters * 3))
        self._strip = self._lanes(result)
        self.strip_height = len(self._strip)

    def paint(self, canvas: Canvas, time_s: float) -> None:
        """Draw the overlay on a canvas whose upper part contains the picture of this time."""
        picture = canvas[: self._height, : self._width]
        shown = list(self._shown(time_s))
        for face in shown:
            self._box(picture, face)
        self._tags(picture, shown)
        strip = canvas[self._height : self._height + self.strip_height, : self._width]
        strip[:] = self._strip
        left = self._gutter + round(time_s / max(self._duration_s, 1e-3) * (self._width - self._gutter))
        strip[:, max(left - 1, 0) : left + 1] = PAPER

    def _lanes(self, result: Result) -> Canvas:
        """The timeline without its playhead. The height is even, as the video format requires."""
        faces = most_seen(result, MAX_LANES).faces
        lane, more = round(self._letters * LANE), len(result.faces) - len(faces)
        rows = max(len(faces), 1) * lane + (round(self._letters * 2) if more else 0)
        strip = np.full((-(-rows // 2) * 2, self._width, 3), INK, np.uint8)
        for row, face in enumerate(faces):
            top = row * lane
            name = shortened(short_title(face), self._letters, self._gutter - 2 * MARGIN)
            draw_text(strip, name, MARGIN, round(top + lane * 0.75), self._letters, PAPER)
            paint_lane(strip[top + 2 : top + lane, self._gutter :], spans_of(face), self._duration_s)
        if more:
            words = f"+ {more} more {'face' if more == 1 else 'faces'}"
            draw_text(
                strip, words, self._gutter, round(len(faces) * lane + self._letters * 1.5), self._letters, UNKNOWN
            )
        return strip

    def _shown(self, time_s: float) -> Iterator[_Shown]:
        across, down = self._scale
        for followed in self._faces:
            box = box_at(followed.face.positions, time_s, followed.hold_s)
            if box is None:
                continue
            x, y, width, height = box
            span = span_at(followed.spans, time_s)
            sure = span is not None and not span.window.uncertain
            colour = colour_of(span.window.emotion) if span and sure else UNKNOWN  # also the colour of neutral
            title = shortened(short_title(followed.face), self._letters, self._letters * LONGEST_TITLE)
            rect = Rect(x * across, y * down, width * across, height * down)
            yield _Shown(rect, colour, sure, words_of(title, span), title)

    def _box(self, picture: Canvas, face: _Shown) -> None:
        outline(picture, face.box, face.colour, self._line, dashed=not face.sure)

    @property
    def _line(self) -> int:
        return max(2, round(self._height / 240))

    def _tags(self, picture: Canvas, shown: list[_Shown]) -> None:
        pad, edge = round(self._letters * 0.5), max(1, round(self._letters / 12))
        height = round(self._letters + 2 * pad)
        sizes = [TagSizes(*((self._width_of(words) + 2 * pad, height) for words in (f.full, f.small))) for f in shown]
        boxes = [face.box.grown(self._line / 2) for face in shown]
        for face, tag in zip(shown, layout_tags(boxes, sizes, (self._width, self._height)), strict=True):
            if tag is None:
                continue
            left, top, width = round(tag.rect.left), round(tag.rect.top), round(tag.rect.width)
            picture[top : top + height, left : left + width] = face.colour
            picture[top + edge : top + height - edge, left + edge : left + width - edge] = INK
            words = face.small if tag.small else face.full
            draw_text(picture, words, left + pad, top + height - pad, self._letters, PAPER)

    def _width_of(self, words: str) -> int:
        return width_of(words, self._letters)


def words_of(title: str, span: Span | None) -> str:
    """Full text of a face's tag."""
    if span is None:
        return title
    finding = f"{span.window.emotion} {span.window.confidence:.0%}"
    return f"{title} uncertain ({finding})" if span.window.uncertain else f"{title} {finding}"
