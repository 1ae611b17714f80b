"""Byte ranges of files."""

import pytest

from duygu.services.api.http.byte_ranges import Part, part_of
from duygu.shared.errors import RangeNotSatisfiableError


@pytest.mark.parametrize(
    ("byte_range", "part"),
    [
        ("bytes=0-3", Part(0, 4)),
        ("bytes=4-", Part(4, 10)),
        ("bytes=4-99", Part(4, 10)),
        ("bytes=-3", Part(7, 10)),
        ("bytes=-99", Part(0, 10)),
        ("Bytes= 9 - 9", Part(9, 10)),
    ],
)
def test_one_range_is_a_part(byte_range: str, part: Part) -> None:
    """A range has a start, an end or a suffix length; an end behind the file is clipped."""
    assert part_of(byte_range, 10) == part


@pytest.mark.parametrize(
    "byte_range",
    [
        None,
        "",
        "bytes",
        "bytes=",
        "bytes=-",
        "bytes=5-4",
        "bytes=a-b",
        "lines=0-3",
        "bytes=0-1,4-5",
        f"bytes={'9' * 5000}-",
    ],
)
def test_an_unknown_range_is_ignored(byte_range: str | None) -> None:
    """Unknown units, invalid and multiple ranges select the whole file, as RFC 9110 permits."""
    assert part_of(byte_range, 10) is None


@pytest.mark.parametrize(
    ("byte_range", "size"), [("bytes=10-", 10), ("bytes=99-100", 10), ("bytes=-0", 10), ("bytes=0-", 0)]
)
def test_parts_behind_the_end_are_refused(byte_range: str, size: int) -> None:
    """A range behind the end gives 416 with the size of the file."""
    with pytest.raises(RangeNotSatisfiableError) as caught:
        part_of(byte_range, size)
    assert caught.value.size == size
