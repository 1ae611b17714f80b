"""What a process that reads strangers' files may do: a share of memory and time, and nothing that needs a new file.

A process whose table of open files is full can open neither a file nor a socket; what it needs, it holds already.
"""

import os
import resource
from contextlib import suppress


def confine(*, memory_bytes: int, cpu_s: int, highest_file: int) -> None:
    """Give up, for good, everything beyond these limits.

    memory_bytes  address space
    cpu_s         processor time; at its end the kernel ends the process
    highest_file  file descriptors above it are closed, and no new one can be had
    """
    _fill_files(highest_file)
    limits = [
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_CPU, cpu_s),
        (resource.RLIMIT_NOFILE, highest_file + 1),
        (resource.RLIMIT_AS, memory_bytes),
    ]
    for what, value in limits:
        # Some systems refuse a limit that they know; the others still hold.
        with suppress(ValueError, OSError):
            resource.setrlimit(what, (value, value))


def _fill_files(highest: int) -> None:
    """Leave no free number up to the highest, and nothing open above it."""
    os.closerange(highest + 1, resource.getrlimit(resource.RLIMIT_NOFILE)[0] if highest < 4096 else highest + 1)
    while (taken := os.open(os.devnull, os.O_RDONLY)) <= highest:
        pass
    os.close(taken)
