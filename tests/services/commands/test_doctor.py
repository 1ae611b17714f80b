"""`duygu doctor`: well where all is well, and a way to mend each thing that is not."""

import socket
import sys
from pathlib import Path

import pytest

from duygu.services.cli import main
from duygu.services.commands.doctor import examine
from duygu.shared.config import Settings


def ill(settings: Settings) -> dict[str, str]:
    """What is not well, and how to mend it."""
    return {finding.name: finding.mend for finding in examine(settings) if finding.mend}


def test_all_is_well_here(settings: Settings) -> None:
    """With the shipped model, where the tests run."""
    assert ill(settings) == {}


def test_each_fault_is_found_with_its_cure(settings: Settings, tmp_path: Path) -> None:
    """No model, a data folder that is a file, no Redis, and a port that is taken, all in one go."""
    (tmp_path / "file").write_text("")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        wrong = {
            "model": tmp_path,
            "data_dir": tmp_path / "file",
            "redis_url": "redis://127.0.0.1:1/0",
            "port": taken.getsockname()[1],
        }
        found = ill(settings.model_copy(update=wrong))
    assert set(found) == {"model", "engine", "data folder", "redis", "port"}
    assert "DUYGU_MODEL" in found["model"]
    assert "DUYGU_DATA_DIR" in found["data folder"]


def test_missing_packages_are_named(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the command that installs them."""
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    (finding,) = [finding for finding in examine(settings) if finding.mend]
    assert finding.detail == "uvicorn cannot be imported"
    assert "'.[api]'" in finding.mend


def test_the_exit_status_tells(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """0 where all is well, 1 otherwise; the cure stands below the fault."""
    monkeypatch.setenv("DUYGU_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("DUYGU_PORT", "0")
    assert main(["doctor"]) == 0
    monkeypatch.setenv("DUYGU_MODEL", str(tmp_path))
    capsys.readouterr()
    assert main(["doctor"]) == 1
    assert "ill   model: " in capsys.readouterr().out


def test_a_setting_that_is_no_such_value_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line and status 2, for every command."""
    monkeypatch.setenv("DUYGU_PORT", "many")
    assert main(["doctor"]) == 2
    assert capsys.readouterr().err.startswith("duygu: the setting ")
