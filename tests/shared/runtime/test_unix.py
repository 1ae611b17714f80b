"""Systems without the modules of Unix, such as Windows: what works there, and what is said of the rest."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from duygu.shared.errors import ConfigurationError
from duygu.shared.runtime import unix
from tests.support.results.known import two_faces

WITHOUT_UNIX = """
import sys, platformdirs
for name in ("fcntl", "resource", "pwd", "grp", "termios", "tty", "pty"):
    sys.modules[name] = None
from duygu.services.cli import main
sys.exit(main(sys.argv[1:]))
"""


def command(*arguments: str | Path) -> "subprocess.CompletedProcess[str]":
    """`duygu` with these arguments, in a Python without the modules of Unix."""
    return subprocess.run(
        [sys.executable, "-c", WITHOUT_UNIX, *arguments], capture_output=True, text=True, check=False, timeout=120
    )


def test_nothing_is_missing_here() -> None:
    """On Linux and macOS the check passes."""
    assert unix.missing_modules() == []
    unix.require_unix()


def test_a_missing_module_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without one module, the error names it and the ways out."""
    monkeypatch.setitem(sys.modules, "resource", None)
    with pytest.raises(ConfigurationError, match=r"lacks resource; on Windows, use WSL 2 or the image duygu-all"):
        unix.require_unix()


@pytest.mark.parametrize("arguments", [["serve"], ["worker", "videos"], ["analyze", "film.mp4"]])
def test_commands_that_need_unix_say_so(arguments: list[str]) -> None:
    """The service, a worker and an analysis end with one line and exit status 2, without a traceback."""
    done = command(*arguments)
    assert done.returncode == 2
    assert done.stderr.startswith("duygu: analyses and the service need Linux or macOS: Python on ")
    assert done.stderr.count("\n") == 1


def test_doctor_says_what_is_missing() -> None:
    """`duygu doctor` names the modules and ends with this check, as the others depend on it."""
    done = command("doctor", "--json")
    assert done.returncode == 1
    (check,) = json.loads(done.stdout)["checks"]
    assert (check["name"], check["status"]) == ("platform", "failed")
    assert check["detail"].endswith("lacks fcntl and resource")
    assert "WSL 2" in check["hint"]


def test_results_can_be_edited_without_unix(tmp_path: Path) -> None:
    """`duygu edit` needs nothing of Unix."""
    (result := tmp_path / "film.json").write_text(two_faces().model_dump_json(), encoding="utf-8")
    done = command("edit", result, "--rename", "1=Ann", "--csv", tmp_path / "film.csv")
    assert done.returncode == 0, done.stderr
    assert "Ann" in (tmp_path / "film.csv").read_text(encoding="utf-8")


def test_keys_can_be_made_without_unix(tmp_path: Path) -> None:
    """`duygu keys` needs nothing of Unix."""
    file = tmp_path / "keys.json"
    assert command("keys", "add", "app", "--file", file).returncode == 0
    assert command("keys", "list", "--file", file).stdout.startswith("app: ")
