"""Size of all stored files, measured at most once a minute."""

import threading
import time

from duygu.shared.errors import UnavailableError
from duygu.shared.storage.base import Storage

REFRESH_S = 60.0


class StoredSize:
    """The size of all files of a storage."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._lock = threading.Lock()
        self._size: int | None = None
        self._measured_at = float("-inf")

    def read(self) -> int | None:
        """Bytes of all stored files, at most REFRESH_S old; None while the storage is unavailable."""
        with self._lock:
            if time.monotonic() - self._measured_at > REFRESH_S:
                self._size, self._measured_at = self._measure(), time.monotonic()
            return self._size

    def _measure(self) -> int | None:
        try:
            return sum(job.size for job in self._storage.stored())
        except (UnavailableError, OSError):
            return None
