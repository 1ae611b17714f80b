"""Whether a running service is ready."""

import json

import httpx
import pytest
from redis import Redis

from duygu.services.cli import main
from duygu.services.diagnosis.findings import CheckFailedError
from duygu.services.diagnosis.service import check_service
from duygu.shared.jobs.heartbeat import send_heartbeat
from duygu.shared.jobs.queues import QueueName
from tests.services.watch.test_capture import free_port
from tests.support.servers.motion_jpeg_server import motion_jpeg_server
from tests.support.sockets import LIVE, jpeg


def test_a_ready_service(api: httpx.Client, redis: Redis) -> None:
    """A real service without workers fails with their queues, and passes once they live."""
    with pytest.raises(CheckFailedError, match="worker:videos"):
        check_service(str(api.base_url))
    for queue in QueueName:
        send_heartbeat(redis, queue.value, "worker")
    assert check_service(str(api.base_url)).endswith("is ready")


def test_an_absent_service() -> None:
    """A refused connection comes with the command that starts a service."""
    with pytest.raises(CheckFailedError, match="refused") as failure:
        check_service(f"http://127.0.0.1:{free_port()}")
    assert "duygu serve" in failure.value.hint


def test_another_server_at_the_address_is_named() -> None:
    """A camera is no service."""
    with motion_jpeg_server(jpeg(LIVE.picture(1.0)), pictures=1) as address, pytest.raises(CheckFailedError):
        check_service(address)
    with pytest.raises(CheckFailedError, match="no address"):
        check_service("file:///etc/passwd")


def test_json_has_every_check(api: httpx.Client, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip  # noqa: E501
    """`--json` prints one object with the status, detail and hint of each check, and the exit status says the same."""
    monkeypatch.setenv("DUYGU_PORT", "0")
    arguments = ["--service", str(api.base_url), "--camera", "/nowhere", "--camera", "/dev/null", "--mqtt", "mqtt://"]
    assert main(["doctor", "--json", *arguments]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["ok"] is False
    statuses = [(check["name"], check["status"]) for check in found["checks"]]
    assert [name for name, _ in statuses].count("camera") == 2
    assert {("engine", "ok"), ("clock", "ok"), ("camera", "failed"), ("broker", "failed"), ("service", "failed")} <= set(statuses)  # fmt: skip  # noqa: E501
    assert all((check["hint"] is None) == (check["status"] == "ok") for check in found["checks"])
