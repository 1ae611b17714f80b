"""The API on a port of its own, and workers in processes of their own."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from redis import Redis

from duygu.services.api.app import create_app
from duygu.services.serve.server import uvicorn_config
from duygu.shared.config.settings import Settings
from duygu.shared.paths import ROOT
from duygu.shared.runtime.processes.children import start_child, stop
from tests.support.tiny_model import write_tiny_model

PATIENCE_S = 60.0
"""Longest wait for anything; a machine that runs tests may be busy."""

StartWorker = Callable[[], "subprocess.Popen[bytes]"]


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small model of random weights."""
    return write_tiny_model(tmp_path_factory.mktemp("model") / "tiny")


@pytest.fixture
def service_settings(settings: Settings, model_folder: Path, valkey_url: str, redis: Redis) -> Settings:
    """Settings of a service with an empty Redis and an empty data folder."""
    return settings.model_copy(update={"model": model_folder, "redis_url": valkey_url})


@pytest.fixture
def api(service_settings: Settings) -> Iterator[httpx.Client]:
    """A client of a real API that runs in this process."""
    with serving(service_settings) as client:
        yield client


@contextmanager
def serving(settings: Settings) -> Iterator[httpx.Client]:
    """A client of an API with these settings, which runs while the block does."""
    server = uvicorn.Server(uvicorn_config(create_app(settings), settings))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        wait_until(lambda: server.started)
        port = server.servers[0].sockets[0].getsockname()[1]
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE_S) as client:
            yield client
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture
def start_worker(service_settings: Settings) -> Iterator[StartWorker]:
    """Starts real workers with the tiny model."""
    with ExitStack() as running:
        yield lambda: running.enter_context(worker(service_settings, "duygu.services.cli", "worker", "videos"))


@pytest.fixture
def start_scripted_worker(service_settings: Settings) -> Iterator[StartWorker]:
    """Starts workers whose analysis does what the upload says: tests/support/workers/scripted_worker.py."""
    with ExitStack() as running:
        yield lambda: running.enter_context(worker(service_settings, "tests.support.workers.scripted_worker", "videos"))


@contextmanager
def worker(settings: Settings, module: str, *arguments: str) -> Iterator["subprocess.Popen[bytes]"]:
    """A worker process that runs while the block does."""
    process = start_child(
        [sys.executable, "-m", module, *arguments],
        env={**os.environ, **settings.environment()},
        cwd=ROOT,
    )
    try:
        yield process
    finally:
        stop(process)


def wait_until(reached: Callable[[], Any], patience_s: float = PATIENCE_S) -> None:
    """Wait until something is so; fails the test when it takes too long."""
    deadline = time.monotonic() + patience_s
    while not reached():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.02)


def submit(api: httpx.Client, content: bytes | Path, name: str = "video.mp4") -> dict[str, Any]:
    """Hand in a video that is taken; returns its job."""
    if isinstance(content, Path):
        content = content.read_bytes()
    response = api.post("/v1/videos", files={"video": (name, content)})
    assert response.status_code == 202, response.text
    return dict(response.json())


def job(api: httpx.Client, job_id: str) -> dict[str, Any]:
    """A job that is known, as it is now."""
    response = api.get(f"/v1/jobs/{job_id}")
    assert response.status_code == 200, response.text
    return dict(response.json())


def ended(api: httpx.Client, job_id: str, patience_s: float = PATIENCE_S) -> dict[str, Any]:
    """A job once it has ended."""
    wait_until(lambda: job(api, job_id)["ended_at"], patience_s)
    return job(api, job_id)


def running(api: httpx.Client, job_id: str) -> dict[str, Any]:
    """A job once it has come some way."""
    wait_until(lambda: job(api, job_id)["progress"] > 0)
    return job(api, job_id)
