"""What analyses and the service need of Unix, and other systems lack."""

import platform
from importlib.util import find_spec

from duygu.shared.errors import ConfigurationError

MODULES = ("fcntl", "resource")
"""Modules of Python that only Unix has: locks of files, and limits of the process that decodes."""

HINT = "on Windows, use WSL 2 or the image duygu-all, see docs/quickstart.md"


def missing_modules() -> list[str]:
    """The modules of Unix that this Python lacks."""
    return [name for name in MODULES if find_spec(name) is None]


def problem(missing: list[str]) -> str:
    """The sentence about these modules."""
    return f"analyses and the service need Linux or macOS: Python on {platform.system()} lacks {' and '.join(missing)}"


def require_unix() -> None:
    """Raises ConfigurationError with a hint where this is no Unix."""
    if missing := missing_modules():
        raise ConfigurationError(f"{problem(missing)}; {HINT}")
