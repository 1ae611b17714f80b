"""The command `duygu`."""

from importlib.metadata import version
from pathlib import Path

import pytest

from duygu.services.cli import main


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
