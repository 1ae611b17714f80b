"""Tests of duygu.shared.exports.letters."""

import pytest

from duygu.shared.exports.letters import MISSING, font, shortened, text_width


@pytest.mark.parametrize("letter", "AaZz09ğĞıİşŞçÇöÖüÜâñßæøčžłőΩπЖяЇ–—“”…·₺%?")
def test_letters_of_many_languages_are_there(letter: str) -> None:
    """The font has a glyph of its own for the letters of many languages."""
    assert font().glyph(letter).polygons
    assert font().glyph(letter) != font().glyph(MISSING)


def test_what_is_missing_is_an_empty_box() -> None:
    """A missing glyph is shown as an empty box."""
    assert font().glyph("漢") == font().glyph(MISSING)


def test_width_grows_with_height_and_text() -> None:
    """The width of a text is proportional to its height and is the sum of its parts."""
    assert text_width("duygu", 20) == pytest.approx(2 * text_width("duygu", 10))
    assert text_width("duygu", 10) == pytest.approx(text_width("duy", 10) + text_width("gu", 10))
    assert text_width("W", 10) > text_width("i", 10)


def test_a_text_is_shortened_to_a_width() -> None:
    """A text is shortened to a width, and unchanged where it fits."""
    assert shortened("emotion", 10, 1000) == "emotion"
    cut = shortened("emotion" * 40, 10, 200)
    assert cut.endswith("…")
    assert 180 < text_width(cut, 10) <= 200
