"""`duygu` itself."""

import re
import socket
from pathlib import Path

import pytest

from services.cli import main


def test_it_says_its_version(capsys: pytest.CaptureFixture[str]) -> None:
    """For whoever reports a fault."""
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert re.fullmatch(r"duygu \d+(\.\d+)*\n", capsys.readouterr().out)


def test_a_port_that_is_taken_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line that says what to do, before anything is started."""
    monkeypatch.setenv("DUYGU_DATA_DIR", str(tmp_path / "data"))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["serve", "--port", str(port)]) == 2
    assert capsys.readouterr().err.startswith(f"duygu: port {port} is in use: stop what runs there")
    assert not (tmp_path / "data").exists()
