"""A whole service, as `duygu serve` runs it, and Chromium for its pages."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from duygu.shared.paths import ROOT
from duygu.shared.processes.children import start_child, stop

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

READY_S = 30.0


@contextmanager
def served(folder: Path, **settings: str) -> Iterator[str]:
    """Run a service with the shipped model and yield its address."""
    place = {"DUYGU_DATA_DIR": str(folder), "DUYGU_PORT": "0", "PYTHONUNBUFFERED": "1"}
    process = start_child(
        [sys.executable, "-m", "duygu.services.cli", "serve"],
        cwd=ROOT,
        env={**os.environ, **place, **settings},
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        url = process.stdout.readline().decode().split()[-1]
        with httpx.Client(transport=httpx.HTTPTransport(retries=3), timeout=READY_S) as client:
            client.get(f"{url}/healthz").raise_for_status()
        yield url
    finally:
        stop(process, READY_S)
        process.stdout.close()
