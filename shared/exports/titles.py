"""What a result calls the video that it is of."""

from duygu.shared.schemas import Result


def title_of(result: Result) -> str:
    """The name of the file, or else the id of the job; empty where neither is known."""
    return result.video.name or result.job_id or ""


def printable(name: str) -> str:
    """A file's name as UTF-8 can hold it: bytes that are none become the replacement character."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
