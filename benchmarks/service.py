"""Separate service process for benchmarks that use it as a client."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from duygu.shared.paths import ROOT
from duygu.shared.runtime.processes.children import stop

READY_S = 60.0
"""Timeout for the start and the shutdown of the service."""


@dataclass(frozen=True, slots=True)
class Running:
    """A listening service; its workers may still be starting."""

    url: str
    pid: int
    folder: Path  # its DUYGU_DATA_DIR


@contextmanager
def running(settings: Mapping[str, str]) -> Iterator[Running]:
    """Run `duygu serve` with its own folder and port, and these additional environment variables."""
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(
            [sys.executable, "-m", "duygu.services.cli", "serve"],
            cwd=ROOT,
            env={**os.environ, "DUYGU_DATA_DIR": folder, "DUYGU_PORT": "0", **settings},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        try:
            url = process.stdout.readline().decode().split()[-1] if process.stdout else ""
            yield Running(url, process.pid, Path(folder))
        finally:
            stop(process, READY_S)
            process.communicate()
