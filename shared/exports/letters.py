"""Letters as polygons, so that figures and annotated videos look the same on every system and can show any file name.

Generated from DejaVu Sans and DejaVu Serif by docs/tools/glyphs.py: Latin, Greek and Cyrillic letters; see
font/LICENSE.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

MISSING = "\ufffd"

FILES = {False: "glyphs.json", True: "glyphs-serif.json"}
"""Files by whether the letters have serifs."""


@dataclass(frozen=True, slots=True)
class Glyph:
    """A glyph, in thousandths of the font size."""

    width: int
    polygons: tuple[tuple[tuple[int, int], ...], ...]  # x and y, upwards from the base line


@dataclass(frozen=True, slots=True)
class Font:
    """Glyphs by character."""

    capital: int
    glyphs: dict[str, Glyph]

    def glyph(self, letter: str) -> Glyph:
        """Glyph of a character, or the replacement box if the font lacks it."""
        return self.glyphs.get(letter) or self.glyphs[MISSING]


@cache
def font(serif: bool = False) -> Font:
    """Load the font."""
    content = json.loads((Path(__file__).parent / "font" / FILES[serif]).read_text(encoding="utf-8"))
    glyphs = {
        letter: Glyph(width, tuple(tuple(zip(flat[::2], flat[1::2], strict=True)) for flat in polygons))
        for letter, (width, polygons) in content["glyphs"].items()
    }
    return Font(content["capital"], glyphs)


def text_width(text: str, capital: float, *, serif: bool = False) -> float:
    """Width of one line of text, in the unit of the capital height."""
    return sum(font(serif).glyph(letter).width for letter in text) * capital / font(serif).capital


def placed(text: str, capital: float, *, serif: bool = False) -> Iterator[tuple[float, float, Glyph]]:
    """Iterate over glyphs with their offset from the start and the scale of a font unit."""
    scale, left = capital / font(serif).capital, 0.0
    for letter in text:
        glyph = font(serif).glyph(letter)
        yield left, scale, glyph
        left += glyph.width * scale


def shortened(text: str, capital: float, width: float) -> str:
    """Truncate a text with an ellipsis to this width."""
    if text_width(text, capital) <= width:
        return text
    while text and text_width(text + "…", capital) > width:
        text = text[:-1]
    return text + "…"
