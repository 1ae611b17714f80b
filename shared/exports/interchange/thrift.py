"""Thrift's compact protocol, as far as the metadata of a Parquet file needs it.

Format: https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class I64:
    """An integer of 64 bits; a plain `int` has 32."""

    value: int


@dataclass(frozen=True, slots=True)
class Struct:
    """Values by the numbers of their fields, in ascending order."""

    fields: "Mapping[int, int | I64 | str | Struct | Sequence[int | str | Struct]]"


INT32, INT64, BINARY, LIST, STRUCT = 5, 6, 8, 9, 12
"""Codes of the types."""

LONG_LIST = 15
"""Number of elements from which the number follows the type."""


def encoded(struct: Struct) -> bytes:
    """The bytes of a structure."""
    content, last = bytearray(), 0
    for field, value in struct.fields.items():
        content.append((field - last) << 4 | _type(value))  # the fields of Parquet are less than 16 apart
        content += _value(value)
        last = field
    return bytes(content) + b"\0"


def varint(value: int) -> bytes:
    """A number of at least 0 in groups of seven bits, the lowest first."""
    content = bytearray()
    while value > 0x7F:
        content.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes(content) + bytes([value])


def _type(value: object) -> int:
    match value:
        case I64():
            return INT64
        case int():
            return INT32
        case str():
            return BINARY
        case Struct():
            return STRUCT
    return LIST


def _value(value: "int | I64 | str | Struct | Sequence[int | str | Struct]") -> bytes:
    match value:
        case I64():
            return _zigzag(value.value)
        case int():
            return _zigzag(value)
        case str():
            content = value.encode()
            return varint(len(content)) + content
        case Struct():
            return encoded(value)
    return _list(value)


def _list(values: Sequence[int | str | Struct]) -> bytes:
    """A list of elements of one type; not empty."""
    kind, count = _type(values[0]), len(values)
    head = bytes([count << 4 | kind]) if count < LONG_LIST else bytes([0xF0 | kind]) + varint(count)
    return head + b"".join(_value(one) for one in values)


def _zigzag(value: int) -> bytes:
    """A signed number: 0, -1, 1, -2 become 0, 1, 2, 3."""
    return varint(value << 1 if value >= 0 else (-value << 1) - 1)
