"""Apache Parquet: the table of the windows with typed columns, where a missing value is null.

Written without pyarrow, which is three times as large as the API. One row group; each column is one page in plain
encoding, compressed by gzip.

Format: https://parquet.apache.org/docs/file-format/
"""

import gzip
import struct
from collections.abc import Sequence
from enum import Enum
from itertools import groupby

from duygu.shared.exports.interchange.thrift import I64, Struct, encoded, varint
from duygu.shared.exports.tables import Cell, header_of, rows_of
from duygu.shared.schemas.result import Result
from duygu.shared.version import VERSION

MAGIC = b"PAR1"

OPTIONAL, UTF8, GZIP, PLAIN, RLE, DATA_PAGE = 1, 0, 2, 0, 3, 0
"""Numbers of the format: a repetition, a converted type, a codec, two encodings and a kind of page."""


class Type(Enum):
    """Physical types by their number in the format."""

    BOOLEAN = 0
    INT64 = 2
    DOUBLE = 5
    BYTE_ARRAY = 6


PYTHON_TYPES = {bool: Type.BOOLEAN, int: Type.INT64, float: Type.DOUBLE, str: Type.BYTE_ARRAY}

Column = tuple[str, Type, Sequence[Cell]]


def parquet(result: Result) -> bytes:
    """Render the rows of the CSV."""
    rows = list(rows_of(result))
    columns = [
        (name, PYTHON_TYPES[kind], [row[place] for row in rows]) for place, (name, kind) in enumerate(header_of(result))
    ]
    return parquet_file(columns, len(rows))


def parquet_file(columns: Sequence[Column], rows: int) -> bytes:
    """Render columns of equal length."""
    content, chunks = bytearray(MAGIC), []
    for name, kind, values in columns:
        page, size = _page(kind, values)
        chunks.append(_chunk(name, kind, rows, size, len(page), len(content)))
        content += page
    footer = encoded(_file(columns, rows, chunks, len(content)))
    return bytes(content + footer + struct.pack("<I", len(footer)) + MAGIC)


def _page(kind: Type, values: Sequence[Cell]) -> tuple[bytes, int]:
    """A page with its header, and its size before compression."""
    plain = _levels(values) + _plain(kind, [value for value in values if value is not None])
    packed = gzip.compress(plain, mtime=0)
    facts = Struct({1: len(values), 2: PLAIN, 3: RLE, 4: RLE})
    header = encoded(Struct({1: DATA_PAGE, 2: len(plain), 3: len(packed), 5: facts}))
    return header + packed, len(header) + len(plain)


def _levels(values: Sequence[Cell]) -> bytes:
    """Definition levels: runs of 1, a value, and of 0, null."""
    runs = groupby(value is not None for value in values)
    content = b"".join(varint(sum(1 for _ in run) << 1) + bytes([known]) for known, run in runs)
    return struct.pack("<I", len(content)) + content


def _plain(kind: Type, values: Sequence[Cell]) -> bytes:
    match kind:
        case Type.BOOLEAN:
            bits = sum(1 << place for place, value in enumerate(values) if value)
            return bits.to_bytes(-(-len(values) // 8), "little")
        case Type.BYTE_ARRAY:
            texts = [str(value).encode() for value in values]
            return b"".join(struct.pack("<I", len(text)) + text for text in texts)
    return struct.pack(f"<{len(values)}{'q' if kind == Type.INT64 else 'd'}", *values)


def _chunk(name: str, kind: Type, rows: int, plain: int, packed: int, offset: int) -> Struct:
    facts = {1: kind.value, 2: [PLAIN, RLE], 3: [name], 4: GZIP, 5: I64(rows)}
    sizes = {6: I64(plain), 7: I64(packed), 9: I64(offset)}
    return Struct({2: I64(offset), 3: Struct({**facts, **sizes})})


def _file(columns: Sequence[Column], rows: int, chunks: Sequence[Struct], size: int) -> Struct:
    schema = [Struct({4: "schema", 5: len(columns)}), *(_element(name, kind) for name, kind, _ in columns)]
    group = Struct({1: chunks, 2: I64(size - len(MAGIC)), 3: I64(rows)})
    return Struct({1: 1, 2: schema, 3: I64(rows), 4: [group], 6: f"duygu version {VERSION}"})


def _element(name: str, kind: Type) -> Struct:
    if kind == Type.BYTE_ARRAY:
        return Struct({1: kind.value, 3: OPTIONAL, 4: name, 6: UTF8, 10: Struct({1: Struct({})})})
    return Struct({1: kind.value, 3: OPTIONAL, 4: name})
