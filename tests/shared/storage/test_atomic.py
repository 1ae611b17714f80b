"""Atomic files: complete or absent, with the permissions of the umask. What is no regular file is written through."""

import errno
import os
import socket
import stat
import threading
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


@pytest.mark.parametrize("exists", [True, False])
def test_the_target_of_a_link_is_replaced(exists: bool, tmp_path: Path) -> None:
    """Links stay, also one of several and one to a file that does not exist yet; their target has the content."""
    (tmp_path / "results").mkdir()
    target, link, outer = tmp_path / "results" / "today.json", tmp_path / "link.json", tmp_path / "outer.json"
    if exists:
        target.write_bytes(b"old")
    link.symlink_to("results/today.json")
    outer.symlink_to(link)
    write_atomically(outer, b"new")
    assert outer.is_symlink()
    assert link.is_symlink()
    assert target.read_bytes() == b"new"
    assert [path.name for path in target.parent.iterdir()] == ["today.json"]


def test_a_failure_keeps_the_target_of_a_link(tmp_path: Path) -> None:
    """A failed write through a link keeps the link and the old target."""
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_bytes(b"old")
    link.symlink_to(target)
    with pytest.raises(RuntimeError), atomically(link):
        raise RuntimeError
    assert link.is_symlink()
    assert target.read_bytes() == b"old"
    assert len(list(tmp_path.iterdir())) == 2


def test_a_fifo_stays_one(tmp_path: Path) -> None:
    """The reader of a FIFO gets the content, and its end."""
    fifo, found = tmp_path / "fifo", list[bytes]()
    os.mkfifo(fifo)
    reader = threading.Thread(target=lambda: found.append(fifo.read_bytes()))
    reader.start()
    write_atomically(fifo, b"content")
    reader.join(10)
    assert found == [b"content"]
    assert stat.S_ISFIFO(fifo.stat().st_mode)


def test_an_open_descriptor_is_written_to(tmp_path: Path) -> None:
    """`/dev/fd/N`, as of a process substitution, and a link to it: a pipe, a socket, and the end of an open file."""
    link = tmp_path / "link"
    near, far = socket.socketpair()
    with near, far:
        link.symlink_to(f"/dev/fd/{near.fileno()}")
        write_atomically(link, b"socket")
        assert far.recv(100) == b"socket"
    log = tmp_path / "log"
    with log.open("ab") as file:
        file.write(b"before ")
        file.flush()
        write_atomically(Path(f"/dev/fd/{file.fileno()}"), b"after")
    assert log.read_bytes() == b"before after"
    assert link.is_symlink()


def test_a_device_stays_one(tmp_path: Path) -> None:
    """A device that root could replace takes the content, and a full one is an error."""
    null, full = tmp_path / "null", tmp_path / "full"
    try:
        os.mknod(null, stat.S_IFCHR | 0o666, os.makedev(1, 3))
        os.mknod(full, stat.S_IFCHR | 0o666, os.makedev(1, 7))
        os.close(os.open(null, os.O_WRONLY))
    except OSError:
        pytest.skip("devices can be made by root only, on a file system that permits them")
    write_atomically(null, b"content")
    with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
        write_atomically(full, b"content")
    assert all(stat.S_ISCHR(path.stat().st_mode) for path in (null, full))
    assert len(list(tmp_path.iterdir())) == 2
