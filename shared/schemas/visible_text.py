"""Text that can be seen: the rule for names of faces, and for texts in exports."""

import re
from collections.abc import Iterator

JOINERS = "\u200c\u200d"
"""Zero-width non-joiner and joiner: Persian and Indic words, and emoji of several people, are written with them."""

JOINER = re.compile(rf"(?<=[^\s{JOINERS}])[{JOINERS}](?=[^\s{JOINERS}])")
"""A joiner between two visible characters. Anywhere else it makes two names look alike."""


def is_visible(text: str) -> bool:
    """Whether the text consists of visible characters, spaces, and joiners between visible characters.

    Control characters, overrides of the direction of writing, and unassigned characters are not visible.
    """
    return JOINER.sub("", text).isprintable()


def only_visible(text: str, replacement: str) -> str:
    """The text with each character that cannot be seen replaced."""
    return "".join(_visible(text, replacement))


def _visible(text: str, replacement: str) -> Iterator[str]:
    joiners = {found.start() for found in JOINER.finditer(text)}
    for place, letter in enumerate(text):
        yield letter if letter.isprintable() or place in joiners else replacement
