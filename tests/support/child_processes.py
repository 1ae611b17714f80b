"""Child processes of the test process."""

import psutil


def child_processes() -> set[psutil.Process]:
    """Those that run. Decoders that other tests keep waiting may be among them: compare with an earlier call."""
    return {child for child in psutil.Process().children() if child.status() != psutil.STATUS_ZOMBIE}
