"""Content negotiation by the `Accept` header (RFC 9110, section 12.5.1)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass


def preferred(accept: str, known: Sequence[str]) -> str | None:
    """The known media type that an `Accept` header prefers; None where it accepts none.

    A range such as `image/*` selects the first known type that it matches and that no more specific range matches.
    Ties are resolved by the order in the header.
    """
    ranges = list(_media_ranges(accept))
    found = [
        (media, media_type)
        for media_type in known
        if (media := _most_specific(media_type, ranges)) and media.quality > 0
    ]
    best = min(found, key=lambda pair: (-pair[0].quality, pair[0].position), default=None)
    return best[1] if best else None


@dataclass(frozen=True, slots=True)
class _MediaRange:
    """A media range of the header; quality 0 excludes it."""

    position: int
    media_range: str
    quality: float


def _media_ranges(accept: str) -> Iterator[_MediaRange]:
    for position, part in enumerate(accept.lower().split(",")):
        media_range, *parameters = (piece.strip() for piece in part.split(";"))
        quality = next((parameter[2:] for parameter in parameters if parameter.startswith("q=")), "1")
        if media_range:
            yield _MediaRange(position, media_range, _parse_quality(quality))


def _most_specific(media_type: str, ranges: Sequence[_MediaRange]) -> _MediaRange | None:
    """The most specific range that matches a type: its name, then `image/*`, then `*/*`."""
    for media_range in (media_type, f"{media_type.partition('/')[0]}/*", "*/*"):
        for media in ranges:
            if media.media_range == media_range:
                return media
    return None


def _parse_quality(quality: str) -> float:
    """A quality value from 0 to 1; an invalid one counts as 1."""
    try:
        weight = float(quality)
    except ValueError:
        return 1.0
    return weight if 0 <= weight <= 1 else 1.0
