"""The size of a whole file by the header of its container. A shorter file was cut, as by an aborted download."""

from collections.abc import Callable, Iterator
from itertools import islice

Read = Callable[[int, int], bytes]
"""Reads so many bytes at an offset; fewer at the end of the file."""

SLACK_BYTES = 1024
"""Some programs count the header of a container twice, or leave out padding."""

MOST_CHUNKS = 10_000
"""Maximum number of chunks that are read; a file of AVI has one for each gigabyte."""

EBML, SEGMENT = b"\x1a\x45\xdf\xa3", b"\x18\x53\x80\x67"
"""Ids of the two elements of a Matroska file (RFC 9559, 5.1)."""

ASF = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
ASF_PROPERTIES = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")
"""GUIDs of the header object and the file properties object of ASF."""

BROADCAST = 1
"""Flag of ASF's file properties: the recording was not finished, and sizes are invalid."""

UNKNOWN_RIFF = (0, 0xFFFFFFFF)
"""Sizes of a recording whose header was not completed."""


def breaks_off(read: Read, size: int) -> bool:
    """Whether a file of so many bytes is shorter than its header says; False without a stated size.

    Matroska and WebM, AVI, and ASF (WMV) state it. A recording that was not finished properly does not.
    """
    stated = stated_bytes(read)
    return stated is not None and stated > size + SLACK_BYTES


def stated_bytes(read: Read) -> int | None:
    """Size of the whole file in bytes by its header; None if it is unknown."""
    head = read(0, 16)
    if head.startswith(EBML):
        return _matroska(read)
    if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        return _riff(read)
    return _asf(read) if head == ASF else None


def _matroska(read: Read) -> int | None:
    """The end of the first segment."""
    header = _element_size(read, len(EBML))
    if header is None:
        return None
    segment = header[0] + header[1]
    if read(segment, len(SEGMENT)) != SEGMENT:
        return None
    content = _element_size(read, segment + len(SEGMENT))
    return None if content is None else sum(content)


def _element_size(read: Read, offset: int) -> tuple[int, int] | None:
    """Offset and size of the content of an element of EBML, by its size field; None if unknown (RFC 8794, 6)."""
    field = read(offset, 8)
    length = 9 - field[0].bit_length() if field else 0
    if not 1 <= length <= len(field):
        return None
    bits = 7 * length
    size = int.from_bytes(field[:length], "big") & ((1 << bits) - 1)
    return None if size == (1 << bits) - 1 else (offset + length, size)


def _riff(read: Read) -> int | None:
    """The end of the last RIFF chunk: an AVI file has one for each gigabyte."""
    ends = list(islice(_riff_ends(read), MOST_CHUNKS))
    return None if None in ends else ends[-1]


def _riff_ends(read: Read) -> Iterator[int | None]:
    offset = 0
    while (head := read(offset, 8))[:4] == b"RIFF" and len(head) == 8:
        size = int.from_bytes(head[4:], "little")
        offset += 8 + size
        yield None if size in UNKNOWN_RIFF else offset
        if size in UNKNOWN_RIFF:
            return


def _asf(read: Read) -> int | None:
    """The size in the file properties object, which is inside the header object."""
    end, offset = int.from_bytes(read(16, 8), "little"), 30
    for _ in range(MOST_CHUNKS):
        found = read(offset, 92)
        if offset >= end or len(found) < 92:
            return None
        if found.startswith(ASF_PROPERTIES):
            unfinished = int.from_bytes(found[88:], "little") & BROADCAST
            return None if unfinished else int.from_bytes(found[40:48], "little")
        offset += max(int.from_bytes(found[16:24], "little"), 24)
    return None
