"""Runs a command that ends with its parent: `python shared/processes/launcher.py PARENT_PID COMMAND…`.

Started by `start_child`. The process asks the kernel for the signal itself and then becomes the command; code between
fork and exec (`preexec_fn`) may deadlock where the parent has threads. It imports the standard library
alone, since it runs without the site packages.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1
"""From <sys/prctl.h>: the signal that a process gets when its parent dies. The setting survives exec."""


def main(parent_pid: int, command: list[str]) -> None:
    """Become the command. Where the parent has died in the meantime, end instead."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() == parent_pid:
        os.execv(command[0], command)  # noqa: S606 - a fixed program with arguments of our own


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
