"""Text that can be seen."""

import pytest

from duygu.shared.schemas.visible_text import is_visible, only_visible

FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
PERSIAN = "\u0645\u06cc\u200c\u0631\u0648\u0645"


@pytest.mark.parametrize("text", ["Ann Bo", FAMILY, PERSIAN, "\u2764\ufe0f\u200d\U0001f525"])
def test_joiners_between_visible_characters_are_visible(text: str) -> None:
    """Persian words and emoji of several people are visible, and stay as they are."""
    assert is_visible(text)
    assert only_visible(text, "?") == text


@pytest.mark.parametrize(
    "text",
    ["A\u200d", "\u200dA", "A \u200cB", "A\u200c B", "A\u200c\u200dB", "A\x00", "A\u202eB", "A\u2066B", "A\nB"],
)
def test_what_cannot_be_seen_is_not_visible(text: str) -> None:
    """Joiners that join nothing, control characters, overrides of direction and other invisible ones are replaced."""
    assert not is_visible(text)
    assert is_visible(only_visible(text, "?"))
