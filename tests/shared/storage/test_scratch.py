"""Temporary files do not outlive their use."""

import fcntl
import subprocess
import sys
from pathlib import Path

import pytest

from duygu.shared.paths import ROOT
from duygu.shared.storage import scratch
from duygu.shared.storage.scratch import Scratch

KILLED = """
import os, signal, sys
from pathlib import Path
from duygu.shared.storage.scratch import Scratch
with Scratch(Path(sys.argv[1])).file() as path:
    path.write_bytes(b"somebody's video")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def files(folder: Path) -> list[bytes]:
    """Return the contents of the files below a folder."""
    return [path.read_bytes() for path in folder.rglob("file")]


def test_a_file_goes_when_it_has_arrived(tmp_path: Path) -> None:
    """A scratch file is deleted at the end of its context; others stay."""
    scratch = Scratch(tmp_path)
    with scratch.file() as first:
        first.write_bytes(b"1")
        with scratch.file() as second:
            second.write_bytes(b"2")
        assert files(tmp_path) == [b"1"]
    assert files(tmp_path) == []


def test_the_next_process_erases_what_a_killed_one_left(tmp_path: Path) -> None:
    """A new process erases the leftovers of a killed one and keeps the files of a running one."""
    with Scratch(tmp_path).file() as path:
        path.write_bytes(b"wanted")
        subprocess.run([sys.executable, "-c", KILLED, tmp_path], cwd=ROOT, check=False)
        assert sorted(files(tmp_path)) == [b"somebody's video", b"wanted"]
        Scratch(tmp_path)
        assert files(tmp_path) == [b"wanted"]


def test_processes_may_begin_at_the_same_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that erases leftovers does not delete the lock that another process is about to hold."""
    lock = fcntl.flock
    began: list[bool] = []

    def lock_late(descriptor: int, operation: int) -> None:
        if not began:
            began.append(True)
            scratch._erase_leftovers(tmp_path)
        lock(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", lock_late)
    with Scratch(tmp_path).file() as path:
        path.write_bytes(b"wanted")
        Scratch(tmp_path)
        assert files(tmp_path) == [b"wanted"]
        folder = path.parent.parent
        assert folder.with_suffix(scratch.LOCK).exists()
