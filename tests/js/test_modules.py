"""The modules of the pages that need no page, tested by Node's own runner."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.page_coverage import node_environment

NODE = shutil.which("node") or shutil.which("nodejs")


@pytest.mark.skipif(NODE is None, reason="there is no node on this machine")
@pytest.mark.parametrize("path", sorted(Path(__file__).parent.rglob("*.test.mjs")), ids=lambda path: path.name)
def test_module(path: Path) -> None:
    """Every test of the file passes."""
    assert NODE is not None
    command = [NODE, "--test", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=node_environment())
    assert done.returncode == 0, done.stdout + done.stderr
