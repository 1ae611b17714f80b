"""Tests of duygu.shared.vision.decode.sandbox, each in a process of its own."""

import subprocess
import sys

import pytest

PREAMBLE = """
import os, socket, sys
from duygu.shared.vision.decode.sandbox import confine
kept = os.open(os.devnull, os.O_RDONLY)
confine(memory_bytes=600_000_000, cpu_s=1, highest_file=kept)
"""


def run(code: str) -> subprocess.CompletedProcess[str]:
    """Run code in a confined process."""
    return subprocess.run(
        [sys.executable, "-c", PREAMBLE + code], capture_output=True, text=True, check=False, timeout=60
    )


@pytest.mark.parametrize(
    "code",
    [
        "open('/etc/hostname')",
        "open('/tmp/written-by-a-video', 'w')",
        "socket.socket()",
        "os.pipe()",
        "os.dup(0)",
    ],
)
def test_no_new_file_and_no_socket(code: str) -> None:
    """A confined process can open no file descriptor."""
    outcome = run(f"try:\n    {code}\nexcept OSError as error:\n    print(error.errno)")
    assert outcome.stdout.strip() == "24"


def test_memory() -> None:
    """A confined process is limited in address space."""
    assert "MemoryError" in run("bytearray(700_000_000)").stderr


def test_processor_time() -> None:
    """The kernel ends an endless loop in a confined process."""
    assert run("while True: pass").returncode < 0
