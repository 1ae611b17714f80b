"""What every test may ask for."""

import os
from pathlib import Path

import pytest

from shared.config import Settings
from tests.videos import VideoMaker

CLIPS = Path(__file__).resolve().parents[2] / "shared" / "data" / "clips"
"""Recordings to try things on; they are no part of the project and need not be there."""


@pytest.fixture(scope="session")
def video_maker(tmp_path_factory: pytest.TempPathFactory) -> VideoMaker:
    """Makes face videos, each once in a run."""
    return VideoMaker(tmp_path_factory.mktemp("videos"))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings with a data folder of their own and one engine thread; nothing of the environment is in them."""
    return Settings(data_dir=tmp_path / "data", port=0, threads=1)


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings of the person who runs the tests do not reach them."""
    for name in os.environ:
        if name == "REDIS_URL" or (name.startswith("DUYGU_") and not name.startswith("DUYGU_TEST_")):
            monkeypatch.delenv(name)


@pytest.fixture
def clips() -> Path:
    """The folder of recordings; skips the test where there is none."""
    if not CLIPS.is_dir():
        pytest.skip("the recordings are not beside the project")
    return CLIPS


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what holds the two engines equal unless it was asked for: torch is then not installed."""
    if os.environ.get("DUYGU_TEST_REFERENCE") == "1":
        return
    skip = pytest.mark.skip(reason="set DUYGU_TEST_REFERENCE=1 to run the reference engine")
    for item in items:
        if item.get_closest_marker("reference"):
            item.add_marker(skip)
