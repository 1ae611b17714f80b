"""What the commands have in common."""

import sys
from collections.abc import Callable

from duygu.shared.errors import DuyguError


def run(command: Callable[[], None]) -> None:
    """Run it; what a person can mend is told in one line and ends it with status 1."""
    try:
        command()
    except DuyguError as error:
        raise SystemExit(f"duygu: {error.detail}") from error


def tell(line: str) -> None:
    """A word to whoever runs the command, beside what it answers."""
    print(line, file=sys.stderr)  # noqa: T201 - what the command says
