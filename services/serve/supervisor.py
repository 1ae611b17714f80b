"""`duygu serve`: the API, workers and, where no server is configured, Redis, started and kept running together."""

import ipaddress
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import ExitStack
from types import FrameType, TracebackType

from duygu.services.api.app import create_app
from duygu.services.serve.ports import TAKEN, is_taken
from duygu.services.serve.server import GOODBYE_S, Server
from duygu.shared.broker.embedded import IN_MEMORY, ON_DISK, EmbeddedValkey
from duygu.shared.config import Settings
from duygu.shared.errors import ConfigurationError
from duygu.shared.jobs.queues import QueueName
from duygu.shared.processes.children import start_child, stop

logger = logging.getLogger(__name__)

LOOK_S = 0.5
"""Seconds from one look at the processes to the next."""

LONGEST_PAUSE_S = 30.0
"""A worker that ends again and again is started again after a pause that doubles up to this."""


WEBHOOK_SECRET = "DUYGU_WEBHOOK_SECRET"  # noqa: S105 - the name of a variable


class Workers:
    """Worker processes, started again when they end; while the block runs."""

    def __init__(self, settings: Settings, servers: list[EmbeddedValkey]) -> None:
        self._settings = settings
        self._servers = servers
        live = settings.stream_workers
        self._queues = [QueueName.VIDEOS] * settings.workers + [QueueName.STREAMS] * live
        if settings.webhooks and settings.workers:
            self._queues.append(QueueName.WEBHOOKS)
        self._pause_s = LOOK_S
        self._stopping = threading.Event()
        self._watch = threading.Thread(target=self._watch_over, name="supervisor", daemon=True)

    def __enter__(self) -> "Workers":
        self._processes = [self._start(place) for place in range(len(self._queues))]
        self._watch.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stopping.set()
        self._watch.join()

    def _start(self, place: int) -> "subprocess.Popen[bytes]":
        return start_child(
            [sys.executable, "-m", "duygu.services.cli", "worker", self._queues[place].value],
            env={**_environment(self._queues[place]), **self._of_place(place).environment(secrets=False)},
            stdin=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl+C in a terminal is for us; workers are told
        )

    def _of_place(self, place: int) -> Settings:
        port = self._settings.metrics_port
        return self._settings.model_copy(update={"metrics_port": port + place if port else 0})

    def _watch_over(self) -> None:
        # A process that a thread has started is told to end when that thread ends: whoever starts them also stops them.
        try:
            self._keep_running()
        finally:
            self._stop()

    def _stop(self) -> None:
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            stop(process, self._settings.shutdown_grace_s + GOODBYE_S)

    def _keep_running(self) -> None:
        while not self._stopping.wait(self._pause_s):
            self._pause_s = max(LOOK_S, self._pause_s * 0.9)
            self._keep_servers_running()
            for place, process in enumerate(self._processes):
                if process.poll() is not None:
                    logger.error("a worker has ended with status %s; it is started again", process.returncode)
                    self._restart(place)

    def _restart(self, place: int) -> None:
        """Replace a worker that has ended; where the system refuses a process, the next look tries again."""
        self._pause_s = min(self._pause_s * 2, LONGEST_PAUSE_S)
        try:
            self._processes[place] = self._start(place)
        except OSError as error:
            logger.error("a worker could not be started, next attempt in %.1f s: %s", self._pause_s, error)

    def _keep_servers_running(self) -> None:
        for server in self._servers:
            if not server.running:
                logger.error("an embedded Valkey has ended; it is started again")
                try:
                    server.restart()
                except (ConfigurationError, OSError) as error:
                    logger.error("an embedded Valkey could not be started: %s", error)


def _environment(queue: QueueName) -> dict[str, str]:
    """What a worker gets of this process's environment. Secrets from files it reads there itself."""
    unneeded = set() if queue is QueueName.WEBHOOKS else {WEBHOOK_SECRET}
    return {name: value for name, value in os.environ.items() if name.upper() not in unneeded}


def serve(settings: Settings, announce: Callable[[str], None]) -> int:
    """Run everything until a signal comes; returns the exit status. `announce` gets the address once it answers.

    Raises ModelError or ConfigurationError when the service cannot start.
    """
    _refuse_strangers(settings)
    if is_taken(settings.host, settings.port):
        raise ConfigurationError(f"port {settings.port} is in use: {TAKEN}")
    for kind in (signal.SIGINT, signal.SIGTERM):
        signal.signal(kind, _leave)
    with ExitStack() as running:
        app = create_app(settings)
        servers = [running.enter_context(server) for server in _embedded_servers(settings)]
        running.enter_context(Workers(settings, servers))
        Server(app, settings, announce).run()
    return 1  # a signal ends it otherwise; this is a server that could not listen


def _refuse_strangers(settings: Settings) -> None:
    """Whoever can reach the service can use it up and, without keys, read everybody's results."""
    if settings.keys_file is None and not settings.allow_anonymous and not _only_here(settings.host):
        raise ConfigurationError(
            f"refusing to listen on {settings.host} without API keys, as any client could read every result: "
            "set DUYGU_KEYS_FILE (see `duygu keys add`), or DUYGU_ALLOW_ANONYMOUS=1 to permit it"
        )


def _only_here(host: str) -> bool:
    """Whether an address can be reached from this machine alone."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _embedded_servers(settings: Settings) -> list[EmbeddedValkey]:
    if settings.redis_url:
        return []
    names = [ON_DISK] if settings.stream_redis_url else [ON_DISK, IN_MEMORY]
    return [EmbeddedValkey(settings.data_dir, name) for name in names]


def _leave(signum: int, frame: FrameType | None) -> None:
    raise SystemExit(0)
