"""Starting and ending child processes."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

LAUNCHER = Path(__file__).with_name("launcher.py")


def start_child(command: Sequence[str], **options: Any) -> "subprocess.Popen[bytes]":
    """Start a command that gets SIGTERM when this process dies. Linux alone can do that; elsewhere it goes on.

    command  its first part is the path of a program; one that cannot be run shows as an early end of the child
    options  as for subprocess.Popen, without `preexec_fn`

    Raises OSError when no process can be started, as without memory or free file descriptors.
    """
    launcher = [sys.executable, "-I", "-S", str(LAUNCHER), str(os.getpid())]
    return subprocess.Popen([*launcher, *command], **options)  # noqa: S603 - the caller's command


def stop(process: "subprocess.Popen[bytes]", timeout_s: float = 5.0) -> None:
    """End a child: ask first, and kill it when it has not ended in time."""
    process.terminate()
    try:
        process.wait(timeout_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
