"""Starting and stopping child processes."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

LAUNCHER = Path(__file__).with_name("launcher.py")


def start_child(command: Sequence[str], **options: Any) -> "subprocess.Popen[bytes]":
    """Start a command that receives SIGTERM when this process dies. Linux only; elsewhere the command keeps running.

    command  starts with the path of a program; a program that cannot be run shows as an early exit of the child
    options  passed to subprocess.Popen; `preexec_fn` is not supported

    Raises OSError when no process can be started, for example without memory or free file descriptors.
    """
    launcher = [sys.executable, "-I", "-S", str(LAUNCHER), str(os.getpid())]
    return subprocess.Popen([*launcher, *command], **options)  # noqa: S603 - the caller's command


def stop(process: "subprocess.Popen[bytes]", timeout_s: float = 5.0) -> None:
    """Stop a child: send SIGTERM, and SIGKILL when it has not exited within the timeout."""
    process.terminate()
    try:
        process.wait(timeout_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
