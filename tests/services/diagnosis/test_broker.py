"""Whether an MQTT broker accepts a connection: a real one, and what goes wrong."""

import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from duygu.services.diagnosis import broker
from duygu.services.diagnosis.findings import CheckFailedError
from duygu.services.watch import mqtt
from duygu.services.watch.mqtt import MqttPublisher
from duygu.shared.errors import ConfigurationError
from tests.services.conftest import wait_until
from tests.services.watch.test_capture import free_port

PATH = "/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin"
MOSQUITTO = shutil.which("mosquitto", path=PATH)
needs_mosquitto = pytest.mark.skipif(MOSQUITTO is None, reason="mosquitto is not installed")


@contextmanager
def mosquitto(folder: Path) -> Iterator[int]:
    """A broker with one user, ann, whose password is `right`; its port."""
    assert MOSQUITTO
    port, users = free_port(), folder / "users"
    passwd = shutil.which("mosquitto_passwd", path=PATH)
    assert passwd
    subprocess.run([passwd, "-b", "-c", users, "ann", "right"], check=True, capture_output=True)
    users.chmod(0o644)
    configuration = folder / "mosquitto.conf"
    configuration.write_text(f"listener {port} 127.0.0.1\npassword_file {users}\nuser root\n")
    with subprocess.Popen([MOSQUITTO, "-c", configuration], stderr=subprocess.DEVNULL) as process:
        try:
            wait_until(lambda: _listens(port))
            yield port
        finally:
            process.terminate()


def _listens(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


@needs_mosquitto
def test_credentials_are_checked(tmp_path: Path) -> None:
    """A real broker accepts the right password, and a wrong or missing one fails with a hint and no secret."""
    with mosquitto(tmp_path) as port:
        assert broker.check_broker(f"mqtt://ann:right@127.0.0.1:{port}") == f"127.0.0.1:{port} accepts the connection"
        for url in (f"mqtt://ann:wrong@127.0.0.1:{port}", f"mqtt://127.0.0.1:{port}"):
            with pytest.raises(CheckFailedError, match="refuses the connection") as failure:
                broker.check_broker(url)
            assert failure.value.hint == broker.CREDENTIALS
            assert "wrong" not in failure.value.problem


@needs_mosquitto
def test_publishing_starts_with_the_right_credentials_only(tmp_path: Path) -> None:
    """`duygu watch --mqtt` ends with an error that has no secret, instead of publishing nothing without a word."""
    with mosquitto(tmp_path) as port:
        MqttPublisher(f"mqtt://ann:right@127.0.0.1:{port}").close()
        with pytest.raises(ConfigurationError, match="refuses the connection") as failure:
            MqttPublisher(f"mqtt://ann:wrong@127.0.0.1:{port}")
    assert "wrong" not in failure.value.detail


def test_publishing_to_a_server_that_is_no_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    """What accepts the connection and stays silent is an error after a while."""
    monkeypatch.setattr(mqtt, "REPLY_S", 0.5)
    silent = socket.create_server(("127.0.0.1", 0))
    with silent, pytest.raises(ConfigurationError, match="has not responded"):
        MqttPublisher(f"mqtt://127.0.0.1:{silent.getsockname()[1]}")


@needs_mosquitto
def test_tls_to_a_broker_without_it(tmp_path: Path) -> None:
    """`mqtts` to a plain port fails with a problem, not an exception."""
    with mosquitto(tmp_path) as port, pytest.raises(CheckFailedError):
        broker.check_broker(f"mqtts://ann:right@127.0.0.1:{port}")


def test_an_absent_broker_has_a_hint() -> None:
    """A refused connection names host and port."""
    port = free_port()
    with pytest.raises(CheckFailedError, match=rf"127\.0\.0\.1:{port}: .*refused") as failure:
        broker.check_broker(f"mqtt://ann:secret@127.0.0.1:{port}")
    assert "secret" not in failure.value.problem


def test_a_server_that_is_no_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    """What accepts the connection and stays silent is reported after a while."""
    monkeypatch.setattr(broker, "REPLY_S", 0.5)
    silent = socket.create_server(("127.0.0.1", 0))
    with silent, pytest.raises(CheckFailedError, match="does not respond as an MQTT 5 broker"):
        broker.check_broker(f"mqtt://127.0.0.1:{silent.getsockname()[1]}")


@pytest.mark.parametrize("url", ["http://x", "mqtt://", "mqtt://host:port", "nonsense"])
def test_an_invalid_url_has_a_hint(url: str) -> None:
    """The form of the URL is in the hint."""
    with pytest.raises(CheckFailedError) as failure:
        broker.check_broker(url)
    assert "mqtt://host" in failure.value.hint
