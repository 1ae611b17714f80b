"""`duygu doctor`: every check passes in a working installation, and each failed one comes with a hint."""

import json
import re
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from duygu.services.cli import main
from duygu.services.commands import doctor
from duygu.services.commands.doctor import address_of, examine
from duygu.shared.config.settings import Settings


@contextmanager
def responding(status: int, body: dict[str, object]) -> Iterator[int]:
    """A program that gives one response to every request; its port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        def log_message(self, *_: object) -> None:
            """Nothing is printed."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


def hints(settings: Settings) -> dict[str, str]:
    """The hint of each failed check."""
    return {finding.name: finding.hint for finding in examine(settings) if not finding.ok}


def test_every_check_passes_here(settings: Settings) -> None:
    """With the shipped model and default settings, no check fails."""
    assert hints(settings) == {}


def test_each_failed_check_has_a_hint(settings: Settings, tmp_path: Path) -> None:
    """A missing model, a data folder that is a file, an absent Redis and a port in use are all reported in one run."""
    (tmp_path / "file").write_text("")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        wrong = {
            "model": tmp_path,
            "data_dir": tmp_path / "file",
            "redis_url": "redis://127.0.0.1:1/0",
            "port": taken.getsockname()[1],
        }
        found = hints(settings.model_copy(update=wrong))
    assert set(found) == {"model", "engine", "data folder", "redis", "port"}
    assert "DUYGU_MODEL" in found["model"]
    assert "DUYGU_DATA_DIR" in found["data folder"]


def test_an_own_service_on_the_port_is_a_note(settings: Settings) -> None:
    """A port on which a Duygu service listens, ready or not, fails no check; another program does."""
    with responding(503, {"checks": []}) as port:
        found = {finding.name: finding for finding in examine(settings.model_copy(update={"port": port}))}
    assert found["port"].status == "note"
    assert found["port"].detail == f"{port} is in use by a Duygu service"
    with responding(200, {"name": "another program"}) as port:
        assert "port" in hints(settings.model_copy(update={"port": port}))


@pytest.mark.parametrize(("host", "address"), [("0.0.0.0", "127.0.0.1"), ("::1", "[::1]"), ("10.0.0.1", "10.0.0.1")])  # noqa: S104 - an address
def test_the_address_of_an_own_service(host: str, address: str) -> None:
    """A service that listens on every address is reached by the loopback one."""
    assert address_of(host) == address


def test_missing_packages_are_named(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing package is named, with the command that installs it."""
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    (finding,) = [finding for finding in examine(settings) if not finding.ok]
    assert finding.detail == "uvicorn cannot be imported"
    assert "'.[api]'" in finding.hint
    monkeypatch.setattr(doctor, "IS_CHECKOUT", False)
    (finding,) = [finding for finding in examine(settings) if not finding.ok]
    assert finding.hint == "run pip install duygu"


def test_the_exit_status_reports_a_failed_check(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The exit status is 0 if all checks pass, otherwise 1; the hint follows its check."""
    monkeypatch.setenv("DUYGU_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("DUYGU_PORT", "0")
    assert main(["doctor"]) == 0
    monkeypatch.setenv("DUYGU_MODEL", str(tmp_path))
    capsys.readouterr()
    assert main(["doctor"]) == 1
    assert re.search(r"^failed  model: .*\n {8}hint: ", capsys.readouterr().out, re.MULTILINE)


def test_an_invalid_setting_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """An invalid setting gives one line on stderr and exit status 2."""
    monkeypatch.setenv("DUYGU_PORT", "many")
    assert main(["doctor"]) == 2
    assert capsys.readouterr().err.startswith("duygu: the setting ")
