"""A writer that counts and hashes the bytes that it writes."""

import hashlib
from typing import BinaryIO

from duygu.shared.errors import TooLargeError


class MeasuredWriter:
    """Writes to a file, counts and hashes the bytes, and raises TooLargeError beyond `limit` bytes."""

    def __init__(self, file: BinaryIO, limit: int) -> None:
        self._file = file
        self._limit = limit
        self._hash = hashlib.sha256()
        self.size = 0

    def write(self, piece: bytes) -> None:
        """Write the next chunk."""
        self.size += len(piece)
        if self.size > self._limit:
            raise TooLargeError.of_upload(self._limit)
        self._hash.update(piece)
        self._file.write(piece)

    @property
    def sha256(self) -> str:
        """The sha256 of the bytes so far, in hexadecimal."""
        return self._hash.hexdigest()
