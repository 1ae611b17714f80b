"""Tests of duygu.shared.runtime.processes.module_process, with small modules of tests.support."""

import signal
import time

import pytest

from duygu.shared.errors import CancelledError
from duygu.shared.runtime.processes.module_process import ModuleProcess

LONG_S = 60.0


def echo() -> ModuleProcess:
    """Return a process that sends its order, and then its input."""
    return ModuleProcess("tests.support.children.echoing_child", {"name": "order"}, ())


def test_the_process_receives_its_order_and_its_input() -> None:
    """The order arrives as JSON, the input as written, and the end of the output is an empty piece."""
    deadline = time.monotonic() + LONG_S
    with echo() as process:
        assert process.read(100, deadline) == b'{"name": "order"}'
        process.write(b"input")
        assert process.read(3, deadline) + process.read(100, deadline) == b"input"
        process.write(b"\n")
        assert process.read(100, deadline) == b""
        assert process.wait() == process.returncode == 0


def test_the_environment_holds_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable of this process is not passed on; a variable of the call is."""
    monkeypatch.setenv("REDIS_URL", "redis://:secret@localhost")
    with ModuleProcess("tests.support.children.echoing_child", {}, (), SHOWN="yes") as process:
        assert process.read(100, time.monotonic() + LONG_S) == b"{} yes"


def test_a_silent_process_times_out_and_can_be_stopped() -> None:
    """`read` raises TimeoutError at the deadline, and CancelledError while `should_stop` returns True."""
    with echo() as process:
        process.read(100, time.monotonic() + LONG_S)
        with pytest.raises(TimeoutError):
            process.read(1, time.monotonic() + 0.2)
        with pytest.raises(CancelledError):
            process.read(1, time.monotonic() + LONG_S, lambda: True)
    assert process.returncode == -signal.SIGKILL


def test_a_write_to_an_ended_process_is_ignored() -> None:
    """Writing raises nothing after the exit; reading returns the end of the output, and the log shows the cause."""
    with ModuleProcess("tests.support.children.dying_child", {"cpu_s": 9}, ()) as process:
        process.wait()
        process.write(b"x")
        assert process.read(1, time.monotonic() + LONG_S) == b""
        assert process.ending()
