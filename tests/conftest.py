"""What every test may ask for."""

import logging
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

import coverage
import pytest
from redis import Redis

from duygu.shared.broker.connections import connect, redis_url
from duygu.shared.broker.embedded import EmbeddedValkey
from duygu.shared.config.settings import Settings
from tests.support.extra_data import require_extra_data
from tests.support.media.videos import VideoMaker

REFERENCE = os.environ.get("DUYGU_TEST_REFERENCE") == "1"

SLOW = os.environ.get("DUYGU_TEST_SLOW") == "1"

WHEEL = os.environ.get("DUYGU_TEST_WHEEL") == "1"

PROGRAMS = ("chromium", "ffmpeg", "node", "pdftoppm", "redis-server")
"""Programs without which some tests are skipped."""

if REFERENCE:
    import facenet_pytorch  # noqa: F401 - after TensorFlow, the import of a CUDA build of torch and its kin crashes


def pytest_sessionfinish() -> None:
    """Store what was covered so far: a process of pytest-xdist that takes long to exit is killed before it does."""
    if measured := coverage.Coverage.current():
        measured.save()


@pytest.fixture(autouse=True)
def _own_log_handlers() -> Iterator[None]:
    """Remove the handlers that a command adds to the root logger, whose stream ends with the test, and its level."""
    root = logging.getLogger()
    level, before = root.level, list(root.handlers)
    yield
    for handler in [handler for handler in root.handlers if type(handler) is logging.StreamHandler]:
        if handler not in before:
            root.removeHandler(handler)
    root.setLevel(level)


@pytest.fixture(scope="session", autouse=True)
def _clean_environment() -> Iterator[None]:
    """Settings of the person who runs the tests do not reach them."""
    with pytest.MonkeyPatch.context() as patch:
        for name in os.environ:
            if name == "REDIS_URL" or (name.startswith("DUYGU_") and not name.startswith("DUYGU_TEST_")):
                patch.delenv(name)
        yield


@pytest.fixture(scope="session")
def video_maker(tmp_path_factory: pytest.TempPathFactory) -> VideoMaker:
    """Makes face videos, each once in a run."""
    return VideoMaker(tmp_path_factory.mktemp("videos"))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings with a data folder of their own, a free port and one engine thread."""
    return Settings(data_dir=tmp_path / "data", port=0, threads=1)


@pytest.fixture(scope="session")
def valkey_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a real Valkey that runs as long as the tests."""
    settings = Settings(data_dir=tmp_path_factory.mktemp("valkey"))
    with EmbeddedValkey(settings.data_dir):
        yield redis_url(settings)


@pytest.fixture
def redis(valkey_url: str) -> Iterator[Redis]:
    """A connection to an empty database of the Valkey of all tests."""
    with connect(valkey_url) as connection:
        connection.flushall()
        yield connection


@pytest.fixture(scope="session")
def object_server() -> Iterator[str]:
    """Address of a server that speaks S3, as long as the tests run."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket_url(object_server: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A place in an empty bucket, with the environment that leads there, also for processes that are started."""
    import s3fs

    for name, value in {
        "AWS_ENDPOINT_URL": object_server,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "nothing",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    name = secrets.token_hex(8)
    s3fs.S3FileSystem(skip_instance_cache=True).mkdir(name)
    return f"s3://{name}/jobs"


@pytest.fixture
def clips() -> Path:
    """The folder of recordings in the extra data; skips the test where there is none."""
    return require_extra_data("clips")


def pytest_configure() -> None:
    """With CI=true a missing program is an error, because its tests would be skipped. Raises UsageError."""
    missing = [program for program in PROGRAMS if shutil.which(program) is None]
    if os.environ.get("CI") == "true" and missing:
        raise pytest.UsageError(f"CI=true, and these programs are not on PATH: {', '.join(missing)}")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip tests not selected: some need torch, one a package index, and others take minutes.

    Long files come first, so that no process of a parallel run works on one of them while the others have ended.
    """
    items.sort(key=lambda item: item.get_closest_marker("long") is None)
    skips = {
        "reference": None if REFERENCE else "set DUYGU_TEST_REFERENCE=1 to run the reference engine",
        "slow": None if SLOW else "set DUYGU_TEST_SLOW=1 to run what takes minutes",
        "wheel": None if WHEEL else "set DUYGU_TEST_WHEEL=1 to install the wheel from the package index of pip",
    }
    for item in items:
        for marker, reason in skips.items():
            if reason and item.get_closest_marker(marker):
                item.add_marker(pytest.mark.skip(reason=reason))
