"""A whole service, as `duygu serve` runs it, and Chromium for its pages."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http import HTTPStatus
from pathlib import Path

import httpx

from duygu.shared.paths import ROOT
from duygu.shared.runtime.processes.children import start_child, stop

CHROMIUM = shutil.which("chromium")

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
"""Options to run headless as root and without requests to other hosts."""

READY_S = 60.0

COVERAGE_OF_CHILDREN = "COVERAGE_PROCESS_CONFIG"
"""Environment variable by which coverage.py measures child processes."""


@contextmanager
def served(folder: Path, **settings: str) -> Iterator[str]:
    """Run a service with the shipped model and yield its address once it is ready.

    Its Python coverage is not measured, which would slow every page down; tests/services measures the same code.
    """
    inherited = {name: value for name, value in os.environ.items() if name != COVERAGE_OF_CHILDREN}
    place = {"DUYGU_DATA_DIR": str(folder), "DUYGU_PORT": "0", "PYTHONUNBUFFERED": "1"}
    process = start_child(
        [sys.executable, "-m", "duygu.services.cli", "serve"],
        cwd=ROOT,
        env={**inherited, **place, **settings},
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        url = process.stdout.readline().decode().split()[-1]
        deadline = time.monotonic() + READY_S
        while not _is_ready(url):
            assert time.monotonic() < deadline, "the service did not become ready"
            time.sleep(0.1)
        yield url
    finally:
        stop(process, READY_S)
        process.stdout.close()


def _is_ready(url: str) -> bool:
    with suppress(httpx.TransportError):
        return httpx.get(f"{url}/readyz", timeout=READY_S).status_code == HTTPStatus.OK
    return False
