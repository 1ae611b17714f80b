"""What the commands share: reporting errors and notes to the person who runs them."""

import sys
import warnings
from collections.abc import Callable

from duygu.shared.errors import DuyguError


def run(command: Callable[[], None]) -> None:
    """Run a command and show deprecation warnings; a known error is printed in one line and exits with status 1."""
    warnings.filterwarnings("default", category=DeprecationWarning, module=r"(duygu\.)?training\.|__main__")
    try:
        command()
    except DuyguError as error:
        raise SystemExit(f"duygu: {error.detail}") from error


def note(line: str) -> None:
    """Print a line to standard error."""
    print(line, file=sys.stderr)  # noqa: T201 - output of a command
