"""The TypeScript client, compiled, and a service with scripted workers."""

from pathlib import Path

import pytest

from tests.services.conftest import api, model_folder, service_settings, start_scripted_worker
from tests.support.typescript import CLIENT, compile_typescript

__all__ = ["api", "model_folder", "service_settings", "start_scripted_worker"]


@pytest.fixture(scope="session")
def build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The compiled client. A fault of its types fails the test."""
    folder = tmp_path_factory.mktemp("typescript") / "dist"
    compile_typescript("-p", CLIENT, "--outDir", folder)
    return folder
