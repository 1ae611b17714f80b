"""Tests of duygu.shared.runtime.processes.standby, with a small module of tests.support."""

import gc
import tempfile
import time

import pytest

from duygu.shared.runtime.processes.module_process import ModuleProcess
from duygu.shared.runtime.processes.standby import Standby
from tests.services.conftest import wait_until
from tests.support.child_processes import child_processes

CHILD = "tests.support.children.waiting_child"
LONG_S = 60.0


def content_read_by(process: ModuleProcess) -> bytes:
    """What the process sends: the name in its order and the content of its file."""
    with process:
        assert process.wait() == 0
        return process.read(100, time.monotonic() + LONG_S)


@pytest.mark.parametrize("keep", [False, True])
def test_the_waiting_process_gets_order_and_file(keep: bool) -> None:
    """It reads the file that its order names, also if it was opened after the start; it follows only if kept."""
    before = child_processes()
    standby = Standby(CHILD, keep=keep)
    (waiting,) = child_processes() - before
    with tempfile.TemporaryFile() as file:
        file.write(b"content")
        file.flush()
        taken = standby.take({"name": "x" * 100_000, "file": file.fileno()}, (file.fileno(),))
        assert taken is not None
        assert taken.pid == waiting.pid
        assert content_read_by(taken) == b"100000 content"
        assert standby.take({}, ()) is None
    standby.replenish()
    standby.replenish()
    assert len(child_processes() - before) == int(keep)


def test_a_waiting_process_ends_with_its_owner() -> None:
    """Nothing is left once the object is deleted."""
    before = child_processes()
    standby = Standby(CHILD, keep=True)
    assert child_processes() - before
    del standby
    gc.collect()
    assert not child_processes() - before


def test_a_process_that_was_killed_is_replaced() -> None:
    """A process that died while it waited gives None, so that the caller starts one."""
    before = child_processes()
    standby = Standby(CHILD, keep=True)
    (waiting,) = child_processes() - before
    waiting.kill()
    wait_until(lambda: not child_processes() - before)
    assert standby.take({"name": "", "file": 0}, (0,)) is None
    standby.replenish()
    assert len(child_processes() - before) == 1


def test_a_waiting_process_ends_when_its_channel_does() -> None:
    """A process whose parent was killed gets the end of its channel instead of an order, and exits."""
    with ModuleProcess(CHILD, None, ()) as process:
        process._channel.close()
        assert process.wait() == 0
        assert process.read(100, time.monotonic() + LONG_S) == b"no order"
