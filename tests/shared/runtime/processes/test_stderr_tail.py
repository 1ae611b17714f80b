"""Tests of duygu.shared.runtime.processes.stderr_tail, with real child processes."""

import signal
import subprocess
import sys

from duygu.shared.runtime.processes.stderr_tail import StderrTail


def outcome(code: str, *, limit: int = 4096) -> str:
    """Run code in a Python process and return how it exited, as it is logged."""
    process = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE)
    return StderrTail(process, limit=limit).ending()


def test_traceback_is_kept() -> None:
    """The exit status and the traceback of a child that raises are kept."""
    text = outcome("raise ValueError('of the child')")
    assert text.startswith("status 1;")
    assert text.endswith("ValueError: of the child")


def test_only_whole_last_lines_are_kept() -> None:
    """A child with much output neither blocks nor fills memory, and only whole lines are kept."""
    text = outcome("import sys\nfor n in range(200_000): print(f'line {n:06}', file=sys.stderr)", limit=100)
    lines = text.split("\n")[1:]
    assert lines == [f"line {n:06}" for n in range(200_000 - len(lines), 200_000)]
    assert len(lines) == 8


def test_signal_without_output() -> None:
    """A child that is killed by a signal without output is reported as such."""
    text = outcome("import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    assert text == f"signal {int(signal.SIGKILL)}; it wrote nothing to stderr"
