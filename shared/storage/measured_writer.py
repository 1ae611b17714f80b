"""A writer that counts and hashes what passes through it."""

import hashlib
from typing import BinaryIO

from duygu.shared.errors import TooLargeError


class MeasuredWriter:
    """Writes on to a file while counting and hashing; refuses more than `limit` bytes with TooLargeError."""

    def __init__(self, file: BinaryIO, limit: int) -> None:
        self._file = file
        self._limit = limit
        self._hash = hashlib.sha256()
        self.size = 0

    def write(self, piece: bytes) -> None:
        """Take the next piece."""
        self.size += len(piece)
        if self.size > self._limit:
            raise TooLargeError.of_upload(self._limit)
        self._hash.update(piece)
        self._file.write(piece)

    @property
    def sha256(self) -> str:
        """Of everything so far, in hexadecimal."""
        return self._hash.hexdigest()
