"""JPEG pictures one behind another, as IP cameras send them: bare, or as parts of `multipart/x-mixed-replace`.

Recognised by their bytes alone: nothing else distinguishes a bare stream from a photograph.
"""

import re

JPEG = b"\xff\xd8\xff"

HEAD_BYTES = 1024
"""Bytes of a file that decide whether it is a multipart message."""

PART_HEADER_BYTES = 512
"""Longest header of a part."""

NEXT_PICTURE = re.compile(rb"\xff\xd9[\0\r\n]{0,64}\xff\xd8\xff")
"""The end of a JPEG picture and, behind no more than padding, the beginning of another."""

OVERLAP = 2 + 64 + 3 - 1

SEVERAL_IN_ONE = b"MPF\0"
"""Photographs with previews and depth behind the picture have this marker (CIPA DC-007) in their head."""

MARKERS_BYTES = 1 << 16

TIMESTAMP = re.compile(rb"^x-timestamp:[ \t]*(\d{1,12}(?:\.\d{1,9})?)[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)
"""What mjpg-streamer, ESP32 cameras and others write above each picture: seconds of a clock."""


def is_multipart(head: bytes) -> bool:
    """Whether a file that begins so is a multipart message of JPEG pictures, perhaps with the HTTP header above it."""
    text = head[:HEAD_BYTES].partition(JPEG)[0].lstrip().lower()
    return text.startswith((b"--", b"http/1.")) and b"image/jpeg" in text


def timestamp(before: bytes) -> float | None:
    """Seconds of a camera's clock, as the header says that stands at the end of these bytes; None where it does not."""
    header = before.rpartition(b"\xff\xd9")[2]
    found = TIMESTAMP.findall(header)
    return float(found[-1]) if found else None


class JpegRun:
    """Says whether a file of JPEG, given piece by piece, has a second picture behind the first."""

    def __init__(self) -> None:
        self.several = False
        self._head = b""
        self._tail = b""

    def feed(self, piece: bytes) -> None:
        """Take the next piece of the file."""
        if self.several:
            return
        self._head += piece[: MARKERS_BYTES - len(self._head)]
        if not self._head.startswith(JPEG[: len(self._head)]):
            return
        self.several = bool(NEXT_PICTURE.search(self._tail + piece)) and SEVERAL_IN_ONE not in self._head
        self._tail = (self._tail + piece)[-OVERLAP:]
