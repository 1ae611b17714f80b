"""Temporary files for the transfer to and from a remote storage."""

import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

LOCK = ".lock"


class Scratch:
    """A folder of this process inside a folder that processes share.

    Each process holds a lock beside its folder, which the kernel releases when the process ends. A new process erases
    the folders of ended ones.
    """

    def __init__(self, shared: Path) -> None:
        shared.mkdir(mode=0o700, parents=True, exist_ok=True)
        _erase_leftovers(shared)
        self._folder, self._lock = _locked_name(shared)
        self._folder.mkdir(mode=0o700)

    @contextmanager
    def file(self) -> Iterator[Path]:
        """Yield a path for one file, which is deleted at the end of the block."""
        with tempfile.TemporaryDirectory(dir=self._folder) as folder:
            yield Path(folder) / "file"

    def free_bytes(self) -> int:
        """Return the free space of the disk."""
        return shutil.disk_usage(self._folder).free


def _locked_name(shared: Path) -> tuple[Path, int]:
    """Return an unused folder, not created yet, and the descriptor of its lock."""
    import fcntl  # only Unix has it

    while True:
        folder = shared / secrets.token_hex(8)
        lock = os.open(folder.with_suffix(LOCK), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(lock, fcntl.LOCK_EX)
        if os.fstat(lock).st_nlink:
            return folder, lock
        os.close(lock)  # another process erased it as a leftover before it was locked


def _erase_leftovers(shared: Path) -> None:
    import fcntl

    for path in shared.glob(f"*{LOCK}"):
        with suppress(BlockingIOError, FileNotFoundError):  # in use, or erased concurrently
            descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(path.with_suffix(""), ignore_errors=True)
                path.unlink()
            finally:
                os.close(descriptor)
