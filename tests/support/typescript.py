"""Node and the compiler of the TypeScript client, which `scripts/environment.sh` installs."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from duygu.shared.paths import ROOT

CLIENT = ROOT / "clients" / "typescript"

COMPILER = Path(sys.prefix) / "typescript" / "lib" / "tsc.js"

NODE = shutil.which("node") or shutil.which("nodejs")

OLDEST_NODE = 20
"""As in `engines` of the package."""

OWN_WEBSOCKET = 22
"""The first version that has one without an option."""


def _version() -> int:
    if NODE is None:
        return 0
    done = subprocess.run([NODE, "--version"], capture_output=True, text=True, check=True)
    return int(re.findall(r"\d+", done.stdout)[0])


VERSION = _version()

needs_typescript = pytest.mark.skipif(
    VERSION < OLDEST_NODE or not COMPILER.exists(),
    reason=f"needs Node.js {OLDEST_NODE} or newer, and the TypeScript compiler that scripts/test installs with npm",
)


def compile_typescript(*arguments: str | Path) -> None:
    """Run the compiler. Fails with its messages."""
    run_node(COMPILER, *arguments)


def run_node(*arguments: str | Path, folder: Path = CLIENT, environment: Mapping[str, str] | None = None) -> str:
    """Run Node and return what it printed. Fails with that if it fails."""
    assert NODE is not None
    options = ["--experimental-websocket"] if VERSION < OWN_WEBSOCKET else []
    command = [NODE, *options, *map(str, arguments)]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=240, cwd=folder, env={**os.environ, **(environment or {})}
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
