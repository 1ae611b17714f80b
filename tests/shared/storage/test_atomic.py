"""Atomic files: complete or absent, with the permissions of the umask."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from duygu.shared.storage.atomic import atomically, write_atomically


@pytest.fixture(params=[0o077, 0o027, 0o022])
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    """The umask while the test runs."""
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def test_permissions_follow_the_umask(umask: int, tmp_path: Path) -> None:
    """A file has the permissions of the umask, also while it is written."""
    path = tmp_path / "result.json"
    with atomically(path) as temporary:
        temporary.write_bytes(b"x")
        assert temporary.stat().st_mode & 0o777 == 0o666 & ~umask
    assert path.stat().st_mode & 0o777 == 0o666 & ~umask


def test_what_fails_leaves_the_old_file(tmp_path: Path) -> None:
    """A failed write keeps the old file and leaves no temporary file."""
    path = tmp_path / "result.json"
    write_atomically(path, b"old")
    with pytest.raises(RuntimeError), atomically(path) as temporary:  # noqa: PT012 - fails within the block
        temporary.write_bytes(b"half")
        raise RuntimeError
    assert [found.name for found in tmp_path.iterdir()] == ["result.json"]
    assert path.read_bytes() == b"old"
