"""Which form of an answer a client prefers (RFC 9110, section 12.5.1)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass


def preferred(accept: str, known: Sequence[str]) -> str | None:
    """The best media type of an `Accept` header among those that are known; None where it wants none of them.

    A range such as `image/*` stands for the first known type that is in it and that the header does not name more
    closely. What is equally good counts in the order of the header.
    """
    wishes = list(_wishes(accept))
    found = [(wish, media_type) for media_type in known if (wish := _closest(media_type, wishes)) and wish.quality > 0]
    best = min(found, key=lambda pair: (-pair[0].quality, pair[0].place), default=None)
    return best[1] if best else None


@dataclass(frozen=True, slots=True)
class _Wish:
    """A media range of the header. Its quality is 0 where it is refused."""

    place: int
    media_range: str
    quality: float


def _wishes(accept: str) -> Iterator[_Wish]:
    for place, part in enumerate(accept.lower().split(",")):
        media_range, *parameters = (piece.strip() for piece in part.split(";"))
        quality = next((parameter[2:] for parameter in parameters if parameter.startswith("q=")), "1")
        if media_range:
            yield _Wish(place, media_range, _weight(quality))


def _closest(media_type: str, wishes: Sequence[_Wish]) -> _Wish | None:
    """What the header says of a type: by its name, or else by `image/*`, or else by `*/*`."""
    for media_range in (media_type, f"{media_type.partition('/')[0]}/*", "*/*"):
        for wish in wishes:
            if wish.media_range == media_range:
                return wish
    return None


def _weight(quality: str) -> float:
    """A quality as a number from 0 to 1; one that is not written as the standard has it counts as 1."""
    try:
        weight = float(quality)
    except ValueError:
        return 1.0
    return weight if 0 <= weight <= 1 else 1.0
