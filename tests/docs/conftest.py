"""The compiled TypeScript client."""

from tests.clients.conftest import build

__all__ = ["build"]
