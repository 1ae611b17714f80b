"""The size of a file by its header shows whether it was cut."""

from dataclasses import replace

import pytest

from duygu.shared.inputs.media.stated_size import ASF, ASF_PROPERTIES, EBML, SEGMENT, SLACK_BYTES, breaks_off
from tests.support.media.videos import BROWSER, STILL, VideoMaker

CODECS = {"mkv": "libx264", "webm": "libvpx", "avi": "mpeg4", "asf": "wmv2"}


def cut(content: bytes, missing: int = 0) -> bool:
    """Whether a file without its last bytes is recognised as cut."""
    content = content[: len(content) - missing]
    return breaks_off(lambda offset, size: content[offset : offset + size], len(content))


@pytest.mark.parametrize("container", CODECS)
def test_cut_files_are_shorter_than_stated(container: str, video_maker: VideoMaker) -> None:
    """A whole file is as long as its header says, and one without its last kilobytes is not."""
    path = video_maker.make(replace(STILL, container=container, codec=CODECS[container], sound=True))
    assert not cut(path.read_bytes())
    assert cut(path.read_bytes(), missing=2 * SLACK_BYTES)


@pytest.mark.parametrize("scene", [BROWSER, STILL, replace(STILL, container="ts")])
def test_without_a_stated_size_nothing_is_cut(scene: object, video_maker: VideoMaker) -> None:
    """A recording of a browser, whose segment has no size, MP4 and MPEG-TS are not judged."""
    assert not cut(video_maker.make(scene).read_bytes(), missing=2 * SLACK_BYTES)  # type: ignore[arg-type]


def riff(*sizes: int) -> bytes:
    """An AVI file of several chunks, as those of 1 GB of OpenDML."""
    return b"".join(b"RIFF" + size.to_bytes(4, "little") + b"AVI ".ljust(min(size, 5000), b"\0") for size in sizes)


def asf(size: int, flags: int) -> bytes:
    """The header of ASF with another object before the file properties."""
    other = bytes(16) + (24 + 6).to_bytes(8, "little") + bytes(6)
    properties = ASF_PROPERTIES + (104).to_bytes(8, "little") + bytes(16) + size.to_bytes(8, "little") + bytes(40)
    objects = other + properties + flags.to_bytes(4, "little") + bytes(12)
    return ASF + (30 + len(objects)).to_bytes(8, "little") + bytes(6) + objects


UNKNOWN = b"\x01" + b"\xff" * 7
"""Size of an element of EBML that was written before its end was known."""


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (riff(5000), False),
        (riff(5000, 5000), False),
        (riff(5000, 9000), True),
        (riff(5000, 0), False),
        (riff(0xFFFFFFFF), False),
        (asf(10_000, flags=0), True),
        (asf(100, flags=0), False),
        (asf(10_000, flags=1), False),
        (EBML + b"\x80" + SEGMENT + b"\x50\x00", True),
        (EBML + b"\x80" + SEGMENT + UNKNOWN, False),
        (EBML + b"\x80" + SEGMENT + b"\xff", False),
        (EBML + b"\x80" + b"\xec\x80", False),
        (EBML + b"\x00" * 8, False),
        (EBML, False),
        (ASF, False),
        (b"RIFF\xff\xff\xff\x00WEBP", False),
        (b"", False),
    ],
)
def test_headers(content: bytes, expected: bool) -> None:
    """All chunks of AVI count; sizes of unfinished recordings, damaged headers and other formats do not."""
    assert cut(content) is expected


@pytest.mark.parametrize("step", [8, 24])
def test_reading_a_header_is_bounded(step: int) -> None:
    """A file that consists of headers does not keep the reader busy."""
    reads = 0

    def read(offset: int, size: int) -> bytes:
        nonlocal reads
        reads += 1
        if step == 8:
            return (b"RIFF\x01\0\0\0AVI " + bytes(16))[:size]
        return (ASF + b"\xff" * 7 + bytes(1) + bytes(6) if not offset else bytes(92))[:size]

    assert isinstance(breaks_off(read, 1 << 40), bool)
    assert reads < 20_000
