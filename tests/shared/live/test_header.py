"""The header before a picture in a binary message."""

import pytest

from duygu.shared.errors import NotAPictureError
from duygu.shared.live.header import HEADER, pack, unpack


@pytest.mark.parametrize("captured_at", [0.0, 0.033333, 12.5, 1_790_000_000.123456])
def test_number_and_time_come_back(captured_at: float) -> None:
    """Unpacking a packed message returns its frame number and its time, to the microsecond."""
    incoming = unpack(pack(b"picture", 7, captured_at))
    assert (incoming.picture, incoming.frame) == (b"picture", 7)
    assert incoming.captured_at == pytest.approx(captured_at, abs=1e-6)


def test_the_header_is_optional() -> None:
    """A picture without a header is accepted, without a frame number and a time."""
    incoming = unpack(b"\xff\xd8\xff picture")
    assert (incoming.picture, incoming.frame, incoming.captured_at) == (b"\xff\xd8\xff picture", None, None)


@pytest.mark.parametrize("message", [b"DYGU", b"DYGU\x01" + bytes(10), b"DYGU\x02" + bytes(HEADER.size)])
def test_a_broken_header_is_an_error(message: bytes) -> None:
    """A header that is truncated or of an unknown version is refused."""
    with pytest.raises(NotAPictureError):
        unpack(message)
