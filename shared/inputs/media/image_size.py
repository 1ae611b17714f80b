"""Width and height of a JPEG, PNG or WebP picture from its first bytes, without decoding it."""

import struct
from collections.abc import Iterator

from duygu.shared.errors import NotAPictureError

JPEG, PNG, RIFF, WEBP = b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF", b"WEBP"

PNG_CHUNK, PNG_CHECKSUM, PNG_END = struct.Struct(">I4s"), 4, b"IEND"
"""The start of a chunk (length of its data and type), the size of its checksum, and the type of the last chunk."""

JPEG_BARE = frozenset({0x01, *range(0xD0, 0xD9)})
"""Markers without a length: TEM, the restart markers and SOI (ITU-T T.81, table B.1)."""

JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""Markers of frame headers, SOF0 to SOF15; the three excluded ones define tables or are reserved."""

JPEG_SCAN, JPEG_END = 0xDA, 0xD9


def dimensions(picture: bytes) -> tuple[int, int]:
    """Return (width, height) in pixels, as stored. Raises NotAPictureError for any other format."""
    try:
        width, height = _dimensions(picture)
    except (struct.error, IndexError) as error:
        raise NotAPictureError("The picture is truncated") from error
    if not width or not height:
        raise NotAPictureError("The picture is empty")
    return width, height


def _dimensions(picture: bytes) -> tuple[int, int]:
    if picture.startswith(JPEG):
        return _jpeg(picture)
    if picture.startswith(PNG):
        return _png(picture)
    if picture.startswith(RIFF) and picture[8:12] == WEBP:
        return _webp(picture)
    raise NotAPictureError


def _png(picture: bytes) -> tuple[int, int]:
    if picture[12:16] != b"IHDR":
        raise NotAPictureError("The PNG has no IHDR chunk")
    width, height = struct.unpack_from(">II", picture, 16)
    return width, height


def breaks_off(picture: bytes) -> bool:
    """Return whether a PNG chunk exceeds the file, for which OpenCV allocates up to 2 GB."""
    if not picture.startswith(PNG):
        return False
    at = len(PNG)
    while at + PNG_CHUNK.size <= len(picture):
        length, kind = PNG_CHUNK.unpack_from(picture, at)
        at += PNG_CHUNK.size + length + PNG_CHECKSUM
        if kind == PNG_END:
            break
    return at > len(picture)


def jpeg_scan(picture: bytes) -> int:
    """Return the offset of the first scan of a JPEG, or its length if it ends before. Raises NotAPictureError."""
    try:
        return next((at for marker, at in _jpeg_segments(picture) if marker == JPEG_SCAN), len(picture))
    except (struct.error, IndexError):
        return len(picture)


def _jpeg(picture: bytes) -> tuple[int, int]:
    for marker, at in _jpeg_segments(picture):
        if marker in JPEG_FRAMES:
            height, width = struct.unpack_from(">HH", picture, at + 3)  # after length and precision
            return width, height
        if marker in (JPEG_SCAN, JPEG_END):
            break
    raise NotAPictureError("The JPEG has no frame header")


def _jpeg_segments(picture: bytes) -> Iterator[tuple[int, int]]:
    """Yield each marker with the offset after it."""
    at = 2
    while True:
        if picture[at] != 0xFF:
            raise NotAPictureError("The JPEG is damaged")
        while picture[at] == 0xFF:  # any number of fill bytes may precede a marker
            at += 1
        marker, at = picture[at], at + 1
        if marker in JPEG_BARE:
            continue
        yield marker, at
        at += max(int(struct.unpack_from(">H", picture, at)[0]), 2)


def _webp(picture: bytes) -> tuple[int, int]:
    """RFC 9649: a simple file has one VP8 (lossy) or VP8L (lossless) chunk, an extended one starts with VP8X."""
    kind = picture[12:16]
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", picture, 26)
        return width & 0x3FFF, height & 0x3FFF
    if kind == b"VP8L":
        bits = struct.unpack_from("<I", picture, 21)[0]
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8X":
        low, high = struct.unpack_from("<I", picture, 24)[0], struct.unpack_from("<I", picture[27:] + b"\0", 0)[0]
        return (low & 0xFFFFFF) + 1, (high & 0xFFFFFF) + 1
    raise NotAPictureError("The WebP file has no image chunk")
