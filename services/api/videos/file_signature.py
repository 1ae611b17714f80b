"""What the first bytes of a file say. Only a decoder knows what a video is; this knows what surely is none."""

import codecs

from duygu.shared.media.motion_jpeg import is_multipart

HEAD_BYTES = 512
"""How much of a file is looked at."""

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
"""First bytes of documents, archives, programs, photographs and sound."""

TEXT_VIDEO = b"YUV4MPEG2 "
"""The one video format that begins with readable words."""

WHITESPACE = frozenset(b"\t\n\r\f\v")


def surely_no_video(head: bytes) -> bool:
    """Whether a file that begins with these bytes is something else than a video; a bare JPEG is one picture here."""
    if is_multipart(head):
        return False
    return head.startswith(OTHERS) or _is_webp(head) or (_is_text(head) and not head.startswith(TEXT_VIDEO))


def _is_webp(head: bytes) -> bool:
    return head[:4] == b"RIFF" and head[8:12] == b"WEBP"


def _is_text(head: bytes) -> bool:
    """Whether it can be read as text: UTF-8 without control characters, as playlists, pages and tables are."""
    if any(byte < 0x20 and byte not in WHITESPACE for byte in head):
        return False
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)  # which forgives a letter that is cut at the end
    except UnicodeDecodeError:
        return False
    return True
