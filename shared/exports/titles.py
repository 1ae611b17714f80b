"""Titles of a result and of its faces."""

from duygu.shared.schemas.result import Face, Result


def title_of(result: Result) -> str:
    """Name of the video, or else the id of the job; empty if neither is known."""
    return result.video.name or result.job_id or ""


def face_title(face: Face) -> str:
    """Name of a face, or else `Face` and its id."""
    return face.name or f"Face {face.face_id}"


def short_title(face: Face) -> str:
    """Name of a face, or else its id alone, where space is limited."""
    return face.name or str(face.face_id)


def printable(name: str) -> str:
    """File name as valid UTF-8; invalid bytes are replaced by the replacement character."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
