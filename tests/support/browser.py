"""A whole service, as `duygu serve` runs it, for a real Chromium to visit."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from duygu.shared.config import ROOT
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
"""Without a screen, as root, and without a single request to anywhere else."""

READY_S = 30.0


@contextmanager
def served(folder: Path, **settings: str) -> Iterator[str]:
    """Run a service with the shipped model; yields where it answers."""
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
