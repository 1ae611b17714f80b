"""The embedded Valkey."""

from pathlib import Path

import pytest

from duygu.shared.broker.connections import connect, connect_briefly, redis_url
from duygu.shared.broker.embedded import EmbeddedValkey
from duygu.shared.config import Settings
from duygu.shared.errors import ConfigurationError


def test_it_keeps_what_it_was_told(settings: Settings) -> None:
    """After an orderly end and after being killed."""
    with EmbeddedValkey(settings.data_dir), connect(redis_url(settings)) as redis:
        redis.set("a", "1")
    with EmbeddedValkey(settings.data_dir) as server, connect(redis_url(settings)) as redis:
        redis.set("b", "2")
        server._process.kill()
        server._process.wait()
        assert not server.running
        server.restart()
        assert redis.mget("a", "b") == [b"1", b"2"]


def test_one_data_folder_has_one_server(settings: Settings) -> None:
    """The second one says so; once the first has ended there may be another."""
    with EmbeddedValkey(settings.data_dir):
        with pytest.raises(ConfigurationError, match="another process"), EmbeddedValkey(settings.data_dir):
            pass
        with connect_briefly(redis_url(settings)) as redis:
            assert redis.ping()
    with EmbeddedValkey(settings.data_dir):
        pass


def test_a_long_path_is_no_obstacle(tmp_path: Path) -> None:
    """A socket's path is limited by the kernel; a data folder's is not."""
    settings = Settings(data_dir=tmp_path / ("long" * 30))
    with EmbeddedValkey(settings.data_dir), connect_briefly(redis_url(settings)) as redis:
        assert redis.ping()


def test_only_its_owner_can_reach_it(settings: Settings) -> None:
    """It listens on no port, and on a socket in a folder that others cannot open."""
    with EmbeddedValkey(settings.data_dir), connect_briefly(redis_url(settings)) as redis:
        assert redis.config_get("port") == {"port": "0"}
        socket = Path(redis_url(settings).removeprefix("unix://"))
        assert socket.parent.stat().st_mode & 0o077 == 0
