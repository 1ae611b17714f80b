"""A whole service of its own, for benches that speak to one as its clients do."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from duygu.shared.config import ROOT
from duygu.shared.processes.children import stop

READY_S = 60.0
"""A service that takes longer to be ready, or to end, is broken."""


@dataclass(frozen=True, slots=True)
class Running:
    """A service that listens; its workers may not have come up yet."""

    url: str
    pid: int


@contextmanager
def running(settings: Mapping[str, str]) -> Iterator[Running]:
    """`duygu serve` in a folder and on a port of its own, with environment variables beside ours."""
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
            yield Running(url, process.pid)
        finally:
            stop(process, READY_S)
            process.communicate()
