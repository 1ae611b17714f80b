"""`duygu serve`: runs the API, the workers and, without REDIS_URL, an embedded Valkey, and restarts what ends."""

import ipaddress
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from types import FrameType, TracebackType

from duygu.services.api.app import create_app
from duygu.services.serve.ports import PORT_IN_USE_HINT, is_port_in_use
from duygu.services.serve.server import GRACEFUL_SHUTDOWN_S, Server
from duygu.shared.broker.connections import problem_of, shown
from duygu.shared.broker.embedded import IN_MEMORY, ON_DISK, EmbeddedValkey
from duygu.shared.config.settings import Settings
from duygu.shared.errors import ConfigurationError
from duygu.shared.jobs.queues import QueueName
from duygu.shared.runtime.processes.children import start_child, stop

logger = logging.getLogger(__name__)

CHECK_INTERVAL_S = 0.5
"""Interval between checks of the processes, in seconds."""

MAX_PAUSE_S = 30.0
"""Maximum pause before a restart, in seconds. The pause doubles with each restart."""


WEBHOOK_SECRET = "DUYGU_WEBHOOK_SECRET"  # noqa: S105 - the name of a variable


class WorkerProcesses:
    """A context manager that runs the worker processes and restarts those that end."""

    def __init__(self, settings: Settings, servers: list[EmbeddedValkey]) -> None:
        self._settings = settings
        self._servers = servers
        live = settings.stream_workers
        self._queues = [QueueName.VIDEOS] * settings.workers + [QueueName.LIVE] * live
        if settings.webhooks and settings.workers:
            self._queues.append(QueueName.WEBHOOKS)
        self._pause_s = CHECK_INTERVAL_S
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._supervise, name="supervisor", daemon=True)

    def __enter__(self) -> "WorkerProcesses":
        self._processes = [self._start(index) for index in range(len(self._queues))]
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.begin_stop()
        self._thread.join()

    def begin_stop(self) -> None:
        """Stop the workers without waiting for their end, while open requests finish."""
        self._stopping.set()

    def _start(self, index: int) -> "subprocess.Popen[bytes]":
        return start_child(
            [sys.executable, "-m", "duygu.services.cli", "worker", self._queues[index].value],
            env={**_worker_environment(self._queues[index]), **self._worker_settings(index).environment(secrets=False)},
            stdin=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C reaches the supervisor only, which then stops the workers
        )

    def _worker_settings(self, index: int) -> Settings:
        port = self._settings.metrics_port
        return self._settings.model_copy(update={"metrics_port": port + index if port else 0})

    def _supervise(self) -> None:
        # The kernel ends a child when the thread that started it ends: the same thread starts and stops the workers.
        try:
            self._keep_running()
        finally:
            self._stop()

    def _stop(self) -> None:
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            stop(process, self._settings.shutdown_grace_s + GRACEFUL_SHUTDOWN_S)

    def _keep_running(self) -> None:
        while not self._stopping.wait(self._pause_s):
            self._pause_s = max(CHECK_INTERVAL_S, self._pause_s * 0.9)
            self._keep_servers_running()
            for index, process in enumerate(self._processes):
                if process.poll() is not None:
                    logger.error("a worker exited with status %s and is restarted", process.returncode)
                    self._restart(index)

    def _restart(self, index: int) -> None:
        """Replace a worker that has ended. If the system refuses a new process, the next check retries."""
        self._pause_s = min(self._pause_s * 2, MAX_PAUSE_S)
        try:
            self._processes[index] = self._start(index)
        except OSError as error:
            logger.error("a worker could not be started; next attempt in %.1f s: %s", self._pause_s, error)

    def _keep_servers_running(self) -> None:
        for server in self._servers:
            if not server.running:
                logger.error("an embedded Valkey exited and is restarted")
                try:
                    server.restart()
                except (ConfigurationError, OSError) as error:
                    logger.error("an embedded Valkey could not be started: %s", error)


def _worker_environment(queue: QueueName) -> dict[str, str]:
    """The environment of a worker: that of this process, with the webhook secret only for webhook workers."""
    unneeded = set() if queue is QueueName.WEBHOOKS else {WEBHOOK_SECRET}
    return {name: value for name, value in os.environ.items() if name.upper() not in unneeded}


def serve(settings: Settings, announce: Callable[[str], None]) -> int:
    """Run all processes until a signal arrives; returns the exit status. `announce` receives the URL of the API.

    Raises ModelError or ConfigurationError when the service cannot start.
    """
    _require_keys_or_loopback(settings)
    if is_port_in_use(settings.host, settings.port):
        raise ConfigurationError(f"port {settings.port} is in use: {PORT_IN_USE_HINT}")
    for kind in (signal.SIGINT, signal.SIGTERM):
        signal.signal(kind, _exit_on_signal)
    with ExitStack() as running:
        with _naming_data_folder(settings):
            app = create_app(settings)
            servers = [running.enter_context(server) for server in _embedded_servers(settings)]
        _warn_without_redis(settings)
        workers = running.enter_context(WorkerProcesses(settings, servers))
        Server(app, settings, announce, workers.begin_stop).run()
    return 1  # reached only if the server cannot listen, as a signal raises SystemExit


@contextmanager
def _naming_data_folder(settings: Settings) -> Iterator[None]:
    """Raise ConfigurationError for a folder that cannot be used."""
    try:
        yield
    except OSError as error:
        reason = f"{error.filename or settings.data_dir}: {error.strerror or error}"
        raise ConfigurationError(
            f"the data folder {settings.data_dir} (DUYGU_DATA_DIR) cannot be used: {reason}"
        ) from error


def _warn_without_redis(settings: Settings) -> None:
    """Log which of the configured servers do not respond yet. The service starts, and is ready once they do."""
    for url in filter(None, dict.fromkeys((settings.redis_url, settings.stream_redis_url))):
        if problem := problem_of(url):
            logger.error("Redis at %s does not respond; until it does, requests get 503: %s", shown(url), problem)


def _require_keys_or_loopback(settings: Settings) -> None:
    """Raises ConfigurationError for a public address without API keys, unless the settings permit it."""
    if settings.keys_file is None and not settings.allow_anonymous and not _is_loopback_address(settings.host):
        raise ConfigurationError(
            f"refusing to listen on {settings.host} without API keys, as any client could read every result: "
            "set DUYGU_KEYS_FILE (see `duygu keys add`), or DUYGU_ALLOW_ANONYMOUS=1 to permit it"
        )


def _is_loopback_address(host: str) -> bool:
    """Whether an address is reachable only from this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _embedded_servers(settings: Settings) -> list[EmbeddedValkey]:
    if settings.redis_url:
        return []
    names = [ON_DISK] if settings.stream_redis_url else [ON_DISK, IN_MEMORY]
    return [EmbeddedValkey(settings.data_dir, name) for name in names]


def _exit_on_signal(signum: int, frame: FrameType | None) -> None:
    raise SystemExit(0)
