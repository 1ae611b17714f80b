"""Files that are whole or not there, with the permissions that the system gives new files."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from duygu.shared.storage.atomic import atomically, write_atomically


@pytest.fixture(params=[0o077, 0o027, 0o022])
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    """What is taken away from the permissions of new files while the test runs."""
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def test_permissions_follow_the_umask(umask: int, tmp_path: Path) -> None:
    """A result is about people: who keeps files private keeps it private, while it is written as well."""
    path = tmp_path / "result.json"
    with atomically(path) as temporary:
        temporary.write_bytes(b"x")
        assert temporary.stat().st_mode & 0o777 == 0o666 & ~umask
    assert path.stat().st_mode & 0o777 == 0o666 & ~umask


def test_what_fails_leaves_the_old_file(tmp_path: Path) -> None:
    """And nothing beside it."""
    path = tmp_path / "result.json"
    write_atomically(path, b"old")
    with pytest.raises(RuntimeError), atomically(path) as temporary:  # noqa: PT012 - it fails in the middle
        temporary.write_bytes(b"half")
        raise RuntimeError
    assert [found.name for found in tmp_path.iterdir()] == ["result.json"]
    assert path.read_bytes() == b"old"
