"""The command `duygu`."""

import argparse
import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest

from duygu.services.cli import main, make_parser
from duygu.shared.paths import ROOT

COMMAND = [sys.executable, "-m", "duygu.services.cli"]


def test_it_prints_its_version(capsys: pytest.CaptureFixture[str]) -> None:
    """`--version` prints the version of the package."""
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"duygu {version('duygu')}\n"


def test_a_setting_that_is_wrong_is_named(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """An invalid setting gives one line with the expected format, and nothing starts."""
    monkeypatch.setenv("REDIS_URL", "nonsense")
    assert main(["serve"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("duygu: the setting REDIS_URL: expected redis://")


@pytest.mark.parametrize("arguments", [["worker", "nonsense"], ["keys", "add", "app", "--scopes", "nonsense"]])
def test_what_there_is_to_choose_from_is_said(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """An invalid choice lists the valid ones."""
    with pytest.raises(SystemExit):
        main(arguments)
    output = capsys.readouterr().err
    assert "invalid choice: 'nonsense' (choose from '" in output


def test_keys_are_created_listed_and_removed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Keys can be added, listed without their secrets, and removed."""
    file = ["--file", str(tmp_path / "keys.json")]
    assert main(["keys", "add", "app", *file, "--uploads-per-minute", "3"]) == 0
    key = capsys.readouterr().out.strip()
    assert main(["keys", "add", "watcher", *file, "--scopes", "admin"]) == 0
    capsys.readouterr()
    assert main(["keys", "list", *file]) == 0
    output = capsys.readouterr().out
    assert output == "app: read submit, uploads-per-minute 3\nwatcher: admin\n"
    assert key not in output
    assert main(["keys", "remove", "app", *file]) == 0
    assert main(["keys", "list", *file]) == 0
    assert capsys.readouterr().out == "watcher: admin\n"


def _values(parser: argparse.ArgumentParser, command: str = "duygu") -> Iterator[tuple[str, argparse.Action]]:
    """Every argument of every command that takes a value, with the name of its command."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, inner in action.choices.items():
                yield from _values(inner, f"{command} {name}")
        elif action.nargs != 0:
            yield command, action


def test_an_empty_value_is_refused_everywhere() -> None:
    """An unset shell variable in quotes is a usage error for each argument, never another meaning of the option."""
    found = list(_values(make_parser()))
    assert {"--mqtt", "--folder", "--baseline", "--measures", "--host"} <= {
        one for _, a in found for one in a.option_strings
    }
    for command, action in found:
        assert callable(action.type), (command, action.dest)
        with pytest.raises(argparse.ArgumentTypeError, match="the value is empty"):
            action.type("")


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (["analyze", ""], "VIDEO"),
        (["analyze", "x.mp4", "--baseline", ""], "--baseline"),
        (["watch", "x.mp4", "--mqtt", ""], "--mqtt"),
        (["doctor", "--service="], "--service"),
        (["mcp", "--folder", ""], "--folder"),
        (["keys", "add", ""], "name"),
    ],
)
def test_an_empty_value_names_its_argument(arguments: list[str], name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The message names the argument, and the status is that of a usage error."""
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert capsys.readouterr().err.endswith(f"argument {name}: the value is empty\n")


@pytest.mark.parametrize("port", ["-1", "65536", "99999"])
def test_a_port_out_of_range_is_named(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A port that does not exist is a usage error of `duygu mcp`."""
    with pytest.raises(SystemExit):
        main(["mcp", "--http", f"--port={port}"])
    assert f"argument --port: {port} is not between 0 and 65535" in capsys.readouterr().err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("arguments", [["doctor"], ["doctor", "--json"], ["completion"], ["keys", "list"]])
def test_a_full_stdout_is_one_line(arguments: list[str], tmp_path: Path) -> None:
    """A stdout without room is named in one line, without a traceback, and is no success."""
    file = tmp_path / "keys.json"
    assert main(["keys", "add", "app", "--file", str(file)]) == 0
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            [*COMMAND, *arguments],
            cwd=ROOT,
            env={**os.environ, "DUYGU_KEYS_FILE": str(file)},
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert (ended.returncode, ended.stderr) == (1, "duygu: stdout: No space left on device\n")


def test_a_closed_stdout_ends_a_command_silently() -> None:
    """`duygu doctor | head -1` prints no error when the reader closes the pipe."""
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as closed:
        ended = subprocess.run(
            [*COMMAND, "completion"], cwd=ROOT, stdout=closed, stderr=subprocess.PIPE, text=True, check=False
        )
    assert (ended.returncode, ended.stderr) == (1, "")


def test_an_error_of_the_system_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """An error that no command expects, such as a name that is too long, is named in one line."""
    assert main(["analyze", "--quiet", "x" * 300]) == 1
    assert capsys.readouterr().err == f"duygu: {'x' * 300}: File name too long\n"


@pytest.mark.parametrize("folder", ["/proc/no", "/etc/passwd"])
def test_an_unusable_data_folder_is_named(
    folder: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`duygu serve` names the folder, its setting and the reason in one line, and nothing starts."""
    monkeypatch.setenv("DUYGU_DATA_DIR", folder)
    monkeypatch.delenv("REDIS_URL", raising=False)
    assert main(["serve", "--port", "0"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"duygu: the data folder {folder} (DUYGU_DATA_DIR) cannot be used: {folder}")


def test_a_worker_without_redis_ends_with_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A worker waits for Redis, says so, and then ends with the reason in place of a traceback."""
    monkeypatch.setenv("REDIS_URL", "redis://ann:secret@127.0.0.1:1")
    monkeypatch.setenv("DUYGU_DATA_DIR", str(tmp_path))
    monkeypatch.setattr("duygu.shared.broker.connections.RETRIES", 1)
    assert main(["worker", "webhooks"]) == 2
    waiting, *_, reason = capsys.readouterr().err.splitlines()
    assert "Redis at 127.0.0.1:1 does not respond; waiting for it" in waiting
    assert reason.startswith("duygu: Redis does not respond: Error 111 connecting to 127.0.0.1:1.")
    assert "secret" not in waiting + reason
