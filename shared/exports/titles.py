"""Title of a result."""

from duygu.shared.schemas import Result


def title_of(result: Result) -> str:
    """Name of the video, or else the id of the job; empty if neither is known."""
    return result.video.name or result.job_id or ""


def printable(name: str) -> str:
    """File name as valid UTF-8; invalid bytes are replaced by the replacement character."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
