"""A binary message of the socket: a picture, perhaps behind a header with the client's own number and time."""

import struct
from dataclasses import dataclass

from duygu.shared.errors import NotAPictureError

MAGIC = b"DYGU"
VERSION = 1

HEADER = struct.Struct(">4sB3xIQ")
"""Big-endian, 20 bytes: magic, version, three zero bytes, frame number (32 bits), capture time (64 bits, microseconds
of the client's own clock, whatever its zero)."""

MICROSECOND = 1e-6


@dataclass(frozen=True, slots=True)
class Incoming:
    """A binary message taken apart. Without a header, `frame` and `captured_at` are None."""

    picture: bytes
    frame: int | None = None
    captured_at: float | None = None  # seconds


def pack(picture: bytes, frame: int, captured_at: float) -> bytes:
    """A binary message: `frame` is the client's own number, `captured_at` its time in seconds."""
    return HEADER.pack(MAGIC, VERSION, frame & 0xFFFFFFFF, round(captured_at / MICROSECOND)) + picture


def unpack(message: bytes) -> Incoming:
    """Take a binary message apart. Raises NotAPictureError for a header that is cut off or of another version."""
    if not message.startswith(MAGIC):
        return Incoming(message)
    if len(message) < HEADER.size:
        raise NotAPictureError("The frame header is truncated")
    _, version, frame, captured_us = HEADER.unpack_from(message)
    if version != VERSION:
        raise NotAPictureError(f"The frame header has the unsupported version {version}")
    return Incoming(message[HEADER.size :], frame, captured_us * MICROSECOND)
