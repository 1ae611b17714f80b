"""Child processes."""

import ast
import subprocess
import sys
import threading

import psutil
import pytest

from duygu.shared.paths import ROOT
from duygu.shared.runtime.processes.children import start_child, stop
from tests.services.conftest import wait_until

PRODUCT = ("duygu", "services", "shared", "training")

PARENT = """
import sys
from duygu.shared.runtime.processes.children import start_child
child = start_child([sys.executable, "-c", "import time; print('runs', flush=True); time.sleep(60)"])
print(child.pid, flush=True)
sys.stdin.read()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process that its parent has died")
def test_a_child_ends_with_its_parent() -> None:
    """A child exits with its parent, also when the parent was killed."""
    with subprocess.Popen(
        [sys.executable, "-c", PARENT], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as parent:
        assert parent.stdout
        words = sorted([parent.stdout.readline(), parent.stdout.readline()])
        assert words[1] == b"runs\n"
        child = psutil.Process(int(words[0]))
        parent.kill()
        wait_until(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)


def test_a_child_can_be_started_beside_other_threads() -> None:
    """A child started from a thread is the command itself and not a wrapper process."""
    started: list[subprocess.Popen[bytes]] = []
    command = [sys.executable, "-c", "import os; print(os.getpid())"]
    thread = threading.Thread(target=lambda: started.append(start_child(command, stdout=subprocess.PIPE)))
    thread.start()
    thread.join()
    out, _ = started[0].communicate()
    assert int(out) == started[0].pid
    stop(started[0])


def test_nothing_runs_between_fork_and_exec() -> None:
    """No code of the product uses `preexec_fn`, which may deadlock in a process with threads."""
    for path in (path for folder in PRODUCT for path in (ROOT / folder).rglob("*.py")):
        calls = [node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Call)]
        assert not [path for call in calls if "preexec_fn" in [keyword.arg for keyword in call.keywords]], path
