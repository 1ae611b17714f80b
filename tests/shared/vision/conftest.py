"""Fixtures of the engine's tests."""

from pathlib import Path

import pytest

from duygu.shared.config.engine import engine_options
from duygu.shared.config.settings import Settings
from duygu.shared.vision.engine import Engine, load_engine
from tests.support.tiny_model import write_tiny_model


@pytest.fixture(scope="session")
def tiny_settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings with a small random network and one thread."""
    return Settings(model=write_tiny_model(tmp_path_factory.mktemp("tiny")), threads=1)


@pytest.fixture(scope="session")
def engine(tiny_settings: Settings) -> Engine:
    """An engine with the real face detector and the small random network."""
    return load_engine(engine_options(tiny_settings))


@pytest.fixture
def broken_folder(tmp_path: Path) -> Path:
    """A copy of the face detector's folder that a test may damage."""
    folder = tmp_path / "mtcnn"
    folder.mkdir()
    for file in Settings().mtcnn.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    return folder
