"""Stdout of the commands, whose failure is an error that names it: a full device, or a reader that closed the pipe."""

import os
import sys
from contextlib import suppress

STDOUT = "stdout"
"""Name of the file in errors of stdout."""


def write_stdout(text: str) -> None:
    """Write and flush. Raises OSError with the name STDOUT, and BrokenPipeError when the reader closed the pipe."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except OSError as error:
        discard_stdout()
        raise OSError(error.errno, error.strerror or str(error), STDOUT) from error


def discard_stdout() -> None:
    """Redirect stdout to the null device, so that the flush at exit raises no error."""
    with suppress(OSError):  # where stdout is no file, as in a test
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, sys.stdout.fileno())
        os.close(null)
