"""What the five commands have in common."""

from collections.abc import Callable

from shared.errors import DuyguError


def run(command: Callable[[], None]) -> None:
    """Run it; what a person can mend is told in one line and ends it with status 1."""
    try:
        command()
    except DuyguError as error:
        raise SystemExit(f"duygu: {error.detail}") from error
