"""Letters as polygons, so that figures and annotated videos look alike everywhere and can name any file.

Made from DejaVu Sans by docs/glyphs.py: Latin, Greek and Cyrillic letters; see font/LICENSE.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

MISSING = "\ufffd"


@dataclass(frozen=True, slots=True)
class Glyph:
    """One letter, in thousandths of the font's height."""

    width: int
    polygons: tuple[tuple[tuple[int, int], ...], ...]  # x and y, upwards from the base line


@dataclass(frozen=True, slots=True)
class Font:
    """Letters by character."""

    capital: int
    glyphs: dict[str, Glyph]

    def glyph(self, letter: str) -> Glyph:
        """The letter, or the empty box that stands for all that are missing."""
        return self.glyphs.get(letter) or self.glyphs[MISSING]


@cache
def font() -> Font:
    """The one font."""
    content = json.loads((Path(__file__).parent / "font" / "glyphs.json").read_text(encoding="utf-8"))
    glyphs = {
        letter: Glyph(width, tuple(tuple(zip(flat[::2], flat[1::2], strict=True)) for flat in polygons))
        for letter, (width, polygons) in content["glyphs"].items()
    }
    return Font(content["capital"], glyphs)


def text_width(text: str, capital: float) -> float:
    """Of one line, where a capital is so high; in the same unit."""
    return sum(font().glyph(letter).width for letter in text) * capital / font().capital


def placed(text: str, capital: float) -> Iterator[tuple[float, float, Glyph]]:
    """Each letter with its distance from the start, and the size of a thousandth."""
    scale, left = capital / font().capital, 0.0
    for letter in text:
        glyph = font().glyph(letter)
        yield left, scale, glyph
        left += glyph.width * scale


def shortened(text: str, capital: float, width: float) -> str:
    """The text, without its end where it would be wider than this."""
    if text_width(text, capital) <= width:
        return text
    while text and text_width(text + "…", capital) > width:
        text = text[:-1]
    return text + "…"
