"""The last row of an array file (`.npy`), read without numpy, which the API does not have."""

import ast
import struct
from pathlib import Path

from duygu.shared.errors import ModelError

MAGIC = b"\x93NUMPY"

KINDS = {"<f4": "f", "<f8": "d"}
"""Types of a file, as `struct` names them: little-endian floating-point numbers."""

FORMATS = {1: struct.Struct("<H"), 2: struct.Struct("<I"), 3: struct.Struct("<I")}
"""Length of the header, by the version of the format (numpy.lib.format)."""


def last_row(path: Path) -> list[float]:
    """The last row of a matrix in C order. Raises ModelError for a file that is none, or is cut off."""
    try:
        content = path.read_bytes()
        length = FORMATS[content[len(MAGIC)]]
        start = len(MAGIC) + 2 + length.size
        (header_bytes,) = length.unpack_from(content, len(MAGIC) + 2)
        header = ast.literal_eval(content[start : start + header_bytes].decode("latin-1"))
        rows, columns = header["shape"]
        row = struct.Struct(f"<{columns}{KINDS[header['descr']]}")
        if content[: len(MAGIC)] != MAGIC or header["fortran_order"]:
            raise ValueError("not a matrix in C order")
        return list(row.unpack_from(content, start + header_bytes + (rows - 1) * row.size))
    except (OSError, ValueError, LookupError, TypeError, SyntaxError, struct.error) as error:
        raise ModelError(f"{path} is not a matrix of floating-point numbers") from error
