"""Detects by its first bytes that a file is not a video. Whether it is one, only a decoder can decide."""

import codecs

from duygu.shared.errors import NotAVideoError
from duygu.shared.inputs.media.motion_jpeg import JPEG, JpegRun, is_multipart

HEAD_BYTES = 512
"""Number of bytes that are inspected."""

OTHERS = (
    b"%PDF",
    b"PK\x03\x04",
    b"PK\x05\x06",
    b"\x1f\x8b",
    b"BZh",
    b"\xfd7zXZ\0",
    b"7z\xbc\xaf\x27\x1c",
    b"Rar!",
    b"\x7fELF",
    b"MZ",
    b"\xff\xd8\xff",
    b"ID3",
    b"fLaC",
    b"SQLite format 3\0",
    b"\xd0\xcf\x11\xe0",
)
"""Signatures of documents, archives, programs, photographs and sound."""

TEXT_VIDEO = b"YUV4MPEG2 "
"""Signature of the only video format that begins with text."""

PAGE_STARTS = (b"<!doctype html", b"<html", b"<head", b"<body")
"""Beginnings of HTML pages, in lower case."""

WHITESPACE = frozenset(b"\t\n\r\f\v")


def is_not_video(head: bytes) -> bool:
    """Whether a file with this beginning is certainly not a video. A bare JPEG counts as a photograph."""
    if is_multipart(head):
        return False
    return head.startswith(OTHERS) or _is_webp(head) or (_is_text(head) and not head.startswith(TEXT_VIDEO))


def is_page(head: bytes) -> bool:
    """Whether a file with this beginning is an HTML page."""
    return head.removeprefix(codecs.BOM_UTF8).lstrip().lower().startswith(PAGE_STARTS)


class SignatureCheck:
    """Examines a file that arrives in chunks, and rejects it as early as it is certainly not a video."""

    def __init__(self) -> None:
        self.head = b""
        """The first bytes, at most HEAD_BYTES."""
        self._pictures = JpegRun()

    def feed(self, piece: bytes) -> None:
        """Examine the next chunk. Raises NotAVideoError."""
        self._pictures.feed(piece)
        if len(self.head) < HEAD_BYTES:
            self.head += piece[: HEAD_BYTES - len(self.head)]
            # A JPEG can be judged only once it is complete, as it may be Motion JPEG.
            if len(self.head) == HEAD_BYTES and not self.head.startswith(JPEG):
                self.finish()

    def finish(self) -> None:
        """Judge the complete file. Raises NotAVideoError."""
        if is_not_video(self.head) and not self._pictures.several:
            raise NotAVideoError


def _is_webp(head: bytes) -> bool:
    return head[:4] == b"RIFF" and head[8:12] == b"WEBP"


def _is_text(head: bytes) -> bool:
    """Whether the bytes are text: UTF-8 without control characters, as in playlists, pages and tables."""
    if any(byte < 0x20 and byte not in WHITESPACE for byte in head):
        return False
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)  # accepts a character cut at the end
    except UnicodeDecodeError:
        return False
    return True
