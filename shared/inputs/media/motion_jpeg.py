"""Motion JPEG: concatenated JPEG pictures, bare or as parts of `multipart/x-mixed-replace`, as IP cameras send them.

The format is detected from the bytes, because nothing else distinguishes a bare stream from a photograph.
"""

import re

JPEG = b"\xff\xd8\xff"

HEAD_BYTES = 1024
"""Bytes at the start of a file in which a multipart message is detected."""

PART_HEADER_BYTES = 512
"""Maximum size of the header of a part."""

NEXT_PICTURE = re.compile(rb"\xff\xd9[\0\r\n]{0,64}\xff\xd8\xff")
"""The end of a JPEG picture, padding, and the start of the next picture."""

OVERLAP = 2 + 64 + 3 - 1

SEVERAL_IN_ONE = b"MPF\0"
"""Marker of photographs with previews or depth maps after the picture (CIPA DC-007)."""

MARKERS_BYTES = 1 << 16

TIMESTAMP = re.compile(rb"^x-timestamp:[ \t]*(\d{1,12}(?:\.\d{1,9})?)[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)
"""Header of mjpg-streamer, ESP32 cameras and others: the time of the picture in seconds."""


def is_multipart(head: bytes) -> bool:
    """Return whether a file with this start is a multipart message of JPEG pictures, with or without HTTP header."""
    text = head[:HEAD_BYTES].partition(JPEG)[0].lstrip().lower()
    return text.startswith((b"--", b"http/1.")) and b"image/jpeg" in text


def timestamp(before: bytes) -> float | None:
    """Return the time in the part header at the end of these bytes, in seconds of the camera's clock, or None."""
    header = before.rpartition(b"\xff\xd9")[2]
    found = TIMESTAMP.findall(header)
    return float(found[-1]) if found else None


class JpegRun:
    """Detects whether a JPEG file, fed in chunks, contains a second picture."""

    def __init__(self) -> None:
        self.several = False
        self._head = b""
        self._tail = b""

    def feed(self, piece: bytes) -> None:
        """Process the next chunk of the file."""
        if self.several:
            return
        self._head += piece[: MARKERS_BYTES - len(self._head)]
        if not self._head.startswith(JPEG[: len(self._head)]):
            return
        self.several = bool(NEXT_PICTURE.search(self._tail + piece)) and SEVERAL_IN_ONE not in self._head
        self._tail = (self._tail + piece)[-OVERLAP:]
