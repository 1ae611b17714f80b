"""Atomic writes: a file is either complete or absent."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def atomically(path: Path) -> Iterator[Path]:
    """Yield an empty temporary file, which replaces `path` at the end of the block and is deleted on an error.

    Its permissions are those of any new file under the umask of the process.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    os.close(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))  # reduced by the umask
    try:
        yield temporary
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file so that readers never see a part of it."""
    with atomically(path) as temporary:
        temporary.write_bytes(content)
