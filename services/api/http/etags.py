"""Comparison of ETags (RFC 9110, section 13)."""


def matches(if_none_match: str | None, etag: str) -> bool:
    """Whether an `If-None-Match` header contains an ETag, by weak comparison."""
    known = [entry.strip().removeprefix("W/") for entry in (if_none_match or "").split(",")]
    return etag in known or "*" in known
