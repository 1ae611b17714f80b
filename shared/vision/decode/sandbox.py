"""Restrictions of a process that reads untrusted input: limits on memory and CPU time, and no new files.

A process with a full file descriptor table can open neither a file nor a socket. All files that it needs are open
before.
"""

import os
from contextlib import suppress


def confine(*, memory_bytes: int, cpu_s: int, highest_file: int) -> None:
    """Apply these limits permanently to the current process.

    memory_bytes  address space
    cpu_s         CPU time, after which the kernel kills the process
    highest_file  highest file descriptor; higher ones are closed, and no new one can be opened
    """
    import resource  # only Unix has it

    _fill_files(highest_file)
    limits = [
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_CPU, cpu_s),
        (resource.RLIMIT_NOFILE, highest_file + 1),
        (resource.RLIMIT_AS, memory_bytes),
    ]
    for what, value in limits:
        # Some systems reject a limit although they know it; the other limits still apply.
        with suppress(ValueError, OSError):
            resource.setrlimit(what, (value, value))


def _fill_files(highest: int) -> None:
    """Occupy all file descriptors up to the highest, and close those above it."""
    import resource

    os.closerange(highest + 1, resource.getrlimit(resource.RLIMIT_NOFILE)[0] if highest < 4096 else highest + 1)
    while (taken := os.open(os.devnull, os.O_RDONLY)) <= highest:
        pass
    os.close(taken)
