"""Runs a command that exits with its parent: `python shared/runtime/processes/launcher.py PARENT_PID COMMAND…`.

`start_child` starts it. The process requests the signal from the kernel itself and then replaces itself with the
command, because code between fork and exec (`preexec_fn`) may deadlock where the parent has threads. It imports only
the standard library, since it runs without the site packages.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1
"""From <sys/prctl.h>: sets the signal that a process receives when its parent dies. The setting survives exec."""


def main(parent_pid: int, command: list[str]) -> None:
    """Replace this process with the command. Where the parent has already died, exit instead."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() == parent_pid:
        os.execv(command[0], command)  # noqa: S606 - runs the command of start_child


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
