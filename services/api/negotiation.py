"""Which form of an answer a client prefers (RFC 9110, section 12.5.1)."""

from collections.abc import Iterator, Sequence


def preferred(accept: str, known: Sequence[str]) -> str | None:
    """The best media type of an `Accept` header among those that are known; None where it names none of them.

    A range such as `image/*` stands for the first known type that is in it. What is equally good counts in the order
    of the header.
    """
    wishes = sorted(_wishes(accept), key=lambda wish: -wish[1])
    return next((found for media_range, _ in wishes for found in known if _is_in(found, media_range)), None)


def _wishes(accept: str) -> Iterator[tuple[str, float]]:
    """Media ranges and their quality, without those that are refused with q=0."""
    for part in accept.lower().split(","):
        media_range, *parameters = (piece.strip() for piece in part.split(";"))
        quality = next((parameter[2:] for parameter in parameters if parameter.startswith("q=")), "1")
        if media_range and (weight := _weight(quality)) > 0:
            yield media_range, weight


def _weight(quality: str) -> float:
    """A quality as a number from 0 to 1; one that is not written as the standard has it counts as 1."""
    try:
        weight = float(quality)
    except ValueError:
        return 1.0
    return weight if 0 <= weight <= 1 else 1.0


def _is_in(media_type: str, media_range: str) -> bool:
    kind, _, rest = media_range.partition("/")
    return media_range in ("*/*", media_type) or (rest == "*" and media_type.startswith(f"{kind}/"))
