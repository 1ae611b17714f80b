"""ETags and what clients say of those that they know (RFC 9110, section 13)."""


def matches(if_none_match: str | None, etag: str) -> bool:
    """Whether an answer is known, compared weakly as RFC 9110 asks for."""
    known = [entry.strip().removeprefix("W/") for entry in (if_none_match or "").split(",")]
    return etag in known or "*" in known
