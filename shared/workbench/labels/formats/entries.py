"""What files of labels have in common: entries with a subject, a stretch and a word, and facts of their video."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from duygu.shared.errors import InvalidLabelError
from duygu.shared.workbench.labels.label import emotion_of

SHOWN = 60
"""Characters of a value that an error quotes."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One label as a file has it.

    where    its place, for errors
    subject  the face: its id or name; empty without one
    rater    empty without one
    """

    where: str
    subject: str
    start_s: float
    end_s: float
    word: str
    rater: str = ""


@dataclass(slots=True)
class Entries:
    """The content of a file."""

    found: list[Entry] = field(default_factory=list)
    media: set[str] = field(default_factory=set)
    """Names or addresses of the videos that the file describes."""
    durations_s: set[float] = field(default_factory=set)
    """Their lengths."""
    sha256: set[str] = field(default_factory=set)
    """Hashes of the videos."""
    on_player_clock: bool = False
    """Whether times count as players do, from the start of the file, rather than from the first frame."""
    skipped: list[str] = field(default_factory=list)
    """Words that are no labels, of a file that may hold other codes as well."""


def seconds(text: str, where: str, *, decimal_comma: bool = False) -> float:
    """A time in seconds. Raises InvalidLabelError for one that is not a finite number of at least 0."""
    try:
        value = float(text.replace(",", ".") if decimal_comma else text)
    except ValueError:
        value = math.nan
    if not 0 <= value < math.inf:
        raise InvalidLabelError(f"{where}: {quoted(text)} is not a time in seconds")
    return value


def quoted(text: str) -> str:
    """A value of the file for an error, shortened and printable."""
    shown = text if len(text) <= SHOWN else f"{text[:SHOWN]}…"
    return repr(shown)


def without_other_codes(entries: Iterable[Entry], skipped: list[str]) -> Iterator[Entry]:
    """The entries whose words are labels; other words are added to `skipped`."""
    for entry in entries:
        if emotion_of(entry.word):
            yield entry
        else:
            skipped.append(entry.word)
