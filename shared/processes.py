"""Starting and ending child processes."""

import ctypes
import signal
import subprocess
import sys

PR_SET_PDEATHSIG = 1
"""From <sys/prctl.h>: the signal that a process gets when its parent dies."""


def end_with_parent() -> None:
    """Ask the kernel to send this process SIGTERM when its parent dies. Linux alone can; elsewhere nothing is done."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def stop(process: "subprocess.Popen[bytes]", timeout_s: float = 5.0) -> None:
    """End a child: ask first, and kill it when it has not ended in time."""
    process.terminate()
    try:
        process.wait(timeout_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
