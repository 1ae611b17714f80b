"""The embedded Valkey."""

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from duygu.shared.broker import embedded
from duygu.shared.broker.connections import connect, connect_briefly, redis_url
from duygu.shared.broker.embedded import EmbeddedValkey, server_program
from duygu.shared.config.settings import Settings
from duygu.shared.errors import ConfigurationError

PATIENCE_S = 60.0


def test_it_persists_its_data(settings: Settings) -> None:
    """Data survives an orderly stop and a kill of the server."""
    with EmbeddedValkey(settings.data_dir), connect(redis_url(settings)) as redis:
        redis.set("a", "1")
    with EmbeddedValkey(settings.data_dir) as server, connect(redis_url(settings)) as redis:
        redis.set("b", "2")
        server._process.kill()
        server._process.wait()
        assert not server.running
        server.restart()
        assert redis.mget("a", "b") == [b"1", b"2"]


def test_what_was_erased_is_gone_from_the_disk_after_the_next_start(settings: Settings) -> None:
    """The append-only file keeps an erased value until the next start, and no longer; other values stay."""
    with EmbeddedValkey(settings.data_dir), connect(redis_url(settings)) as redis:
        redis.mset({"erased": "Ann Example", "kept": "Bo Example"})
        redis.delete("erased")
    assert _written(settings.data_dir, b"Ann Example")
    with EmbeddedValkey(settings.data_dir), connect(redis_url(settings)) as redis:
        deadline = time.monotonic() + PATIENCE_S
        while _written(settings.data_dir, b"Ann Example"):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert redis.get("kept") == b"Bo Example"


def _written(folder: Path, value: bytes) -> bool:
    files = [path for path in folder.rglob("appendonly*") if path.is_file()]
    try:
        return any(value in path.read_bytes() for path in files)
    except FileNotFoundError:  # replaced meanwhile
        return True


def test_one_data_folder_has_one_server(settings: Settings) -> None:
    """A second server for a data folder raises ConfigurationError; after the first has stopped, another may start."""
    with EmbeddedValkey(settings.data_dir):
        with pytest.raises(ConfigurationError, match="another process"), EmbeddedValkey(settings.data_dir):
            pass
        with connect_briefly(redis_url(settings)) as redis:
            assert redis.ping()
    with EmbeddedValkey(settings.data_dir):
        pass


def test_a_long_path_is_no_obstacle(tmp_path: Path) -> None:
    """A data folder may have a longer path than the kernel permits for a socket."""
    settings = Settings(data_dir=tmp_path / ("long" * 30))
    with EmbeddedValkey(settings.data_dir), connect_briefly(redis_url(settings)) as redis:
        assert redis.ping()


def test_only_its_owner_can_reach_it(settings: Settings) -> None:
    """The server listens on no port, only on a socket in a folder that other users cannot open."""
    with EmbeddedValkey(settings.data_dir), connect_briefly(redis_url(settings)) as redis:
        assert redis.config_get("port") == {"port": "0"}
        socket = Path(redis_url(settings).removeprefix("unix://"))
        assert socket.parent.stat().st_mode & 0o077 == 0


@pytest.fixture
def other_programs() -> Iterator[None]:
    """Resets the cached choice of the server before and after the test."""
    server_program.cache_clear()
    yield
    server_program.cache_clear()


def test_a_server_on_path_replaces_the_packaged_one(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, other_programs: None
) -> None:
    """A packaged server that cannot be executed is skipped for one on PATH, which keeps its data."""
    broken = tmp_path / "valkey-server"
    broken.write_bytes(b"\x7fELF of another machine")
    broken.chmod(0o755)
    monkeypatch.setattr(embedded, "_packaged_server", lambda: str(broken))
    assert server_program() in (shutil.which("valkey-server"), shutil.which("redis-server"))
    for _ in range(2):
        with EmbeddedValkey(settings.data_dir), connect(redis_url(settings)) as redis:
            count = redis.incr("starts")
    assert count == 2


def test_a_machine_without_any_server_is_reported(monkeypatch: pytest.MonkeyPatch, other_programs: None) -> None:
    """The error names the packages that provide a server and the setting that makes one unnecessary."""
    monkeypatch.setattr(embedded, "_packaged_server", lambda: None)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ConfigurationError, match="redis-server is on PATH; install one of them, or set REDIS_URL"):
        server_program()
