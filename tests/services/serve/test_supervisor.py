"""`duygu serve`: one process that runs all others."""

import os
import re
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
import pytest
from websockets.exceptions import ConnectionClosed

from duygu.services.serve.supervisor import _warn_without_redis
from duygu.shared.config.settings import Settings
from duygu.shared.live.header import pack
from duygu.shared.paths import ROOT
from duygu.shared.runtime.processes.children import stop
from tests.services.conftest import ended, submit, wait_until
from tests.shared.network.test_webhooks import SECRET
from tests.support.media.videos import PAN, VideoMaker
from tests.support.sockets import LIVE, jpeg, open_socket, receive, until_closed


@dataclass(frozen=True)
class Served:
    """A running `duygu serve`."""

    process: "subprocess.Popen[bytes]"
    client: httpx.Client

    def children(self, word: str) -> list[psutil.Process]:
        """Its child processes whose command line has a word."""
        found = psutil.Process(self.process.pid).children()
        living = [child for child in found if child.status() != psutil.STATUS_ZOMBIE]
        return [child for child in living if any(word in part for part in child.cmdline())]

    def missing(self) -> list[str]:
        """What it says that is not there."""
        return [check["name"] for check in self.client.get("/readyz").json()["checks"] if not check["ok"]]

    def ready(self) -> bool:
        """Whether it says so."""
        return self.client.get("/readyz").status_code == 200


@contextmanager
def serve(settings: Settings, *, secrets: bool = True) -> Iterator[Served]:
    """Run `duygu serve` while the block runs."""
    process = subprocess.Popen(
        [sys.executable, "-m", "duygu.services.cli", "serve"],
        env={**os.environ, **settings.environment(secrets=secrets)},
        cwd=ROOT,
        stdout=subprocess.PIPE,
    )
    try:
        assert process.stdout
        address = re.search(rb"http://\S+", process.stdout.readline())
        assert address
        with httpx.Client(base_url=address[0].decode(), timeout=30) as client:
            yield Served(process, client)
    finally:
        stop(process, 20)
        process.communicate()


@pytest.fixture
def own(settings: Settings, model_folder: Path) -> Settings:
    """Settings of a service with its own Redis."""
    return settings.model_copy(update={"model": model_folder})


def test_it_runs_everything_and_leaves_nothing(own: Settings, video_maker: VideoMaker) -> None:
    """SIGTERM ends every process, and the job is available after a restart."""
    with serve(own) as served:
        wait_until(served.ready)
        job = ended(served.client, submit(served.client, video_maker.make(PAN))["job_id"])
        assert job["status"] == "succeeded"
        children = psutil.Process(served.process.pid).children(recursive=True)
        assert len(children) >= 2
        served.process.terminate()
        assert served.process.wait(20) == 0
        assert not any(child.is_running() for child in children)
    with serve(own) as served:
        assert served.client.get(job["links"]["self"]).json() == job
        assert served.client.get(job["links"]["result"]).status_code == 200


def test_its_processes_leave_no_other_files(own: Settings, video_maker: VideoMaker, tmp_path: Path) -> None:
    """API and workers write to the data folder only: the home stays empty, so no library stores a device id there."""
    home = tmp_path / "home"
    home.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        for name in ("CI", "XDG_CACHE_HOME", "XDG_DATA_HOME"):
            patch.delenv(name, raising=False)
        patch.setenv("HOME", str(home))
        patch.setenv("ORT_DISABLE_TELEMETRY", "")
        with serve(own) as served:
            wait_until(served.ready)
            ended(served.client, submit(served.client, video_maker.make(PAN))["job_id"])
    assert list(home.rglob("*")) == []


def test_dead_workers_and_a_dead_redis_are_started_again(own: Settings, video_maker: VideoMaker) -> None:
    """After kill -9 of a worker and of Valkey the service becomes ready again with its job."""
    with serve(own) as served:
        wait_until(served.ready)
        before = served.children("duygu.services.cli")[0]
        before.kill()
        wait_until(lambda: any(child.pid != before.pid for child in served.children("duygu.services.cli")))
        served.children("valkey-server")[0].kill()
        wait_until(served.ready)
        job_id = submit(served.client, video_maker.make(PAN))["job_id"]
        assert ended(served.client, job_id)["status"] == "succeeded"


def test_restarts_that_the_system_refuses_are_tried_again(own: Settings, capfd: pytest.CaptureFixture[str]) -> None:
    """Workers and Valkey are restarted once the system permits new processes."""
    log = ""

    def refused(what: str) -> bool:
        nonlocal log
        log += capfd.readouterr().err
        return f"{what} could not be started" in log

    with serve(own) as served:
        wait_until(served.ready)
        server = psutil.Process(served.process.pid)
        _, hard = resource.prlimit(server.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (4, hard))
        served.children("videos")[0].kill()
        served.children("valkey-server")[0].kill()
        wait_until(lambda: refused("a worker"))
        wait_until(lambda: refused("an embedded Valkey"))
        resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (hard, hard))
        wait_until(served.ready)


def test_a_light_worker_sends_webhooks(own: Settings) -> None:
    """With a webhook secret a webhook worker runs, which loads no engine."""
    with serve(own.model_copy(update={"webhook_secret": SECRET, "stream_workers": 0})) as served:
        wait_until(lambda: "worker:webhooks" not in served.missing())
        (sender,) = served.children("webhooks")
        assert not any("onnxruntime" in area.path for area in sender.memory_maps())


def test_processes_carry_no_secret_that_they_do_not_need(own: Settings, tmp_path: Path) -> None:
    """Secrets from files do not appear in the environment of the workers."""
    folder = tmp_path / "secrets"
    folder.mkdir()
    (folder / "duygu_webhook_secret").write_text(SECRET, encoding="utf-8")
    key = "whsec_" + "B" * 32
    for settings, other in ((own.model_copy(update={"secrets_dir": folder}), {}), (own, {"DUYGU_WEBHOOK_SECRET": key})):
        with pytest.MonkeyPatch.context() as patch:
            for name, value in other.items():
                patch.setenv(name, value)
            with serve(settings, secrets=False) as served:
                wait_until(lambda: "worker:webhooks" not in served.missing())  # it has got the secret all the same
                holders = [
                    " ".join(child.cmdline())
                    for child in psutil.Process(served.process.pid).children(recursive=True)
                    if {SECRET, key} & set(child.environ().values())
                ]
        assert all(holder.endswith("worker webhooks") for holder in holders)
        assert len(holders) == len(other)


def test_workers_stop_while_requests_finish(own: Settings) -> None:
    """SIGTERM reaches the workers at once: their grace period and that of open requests run at the same time."""
    head = b"POST /v1/videos HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n"
    with serve(own) as served:
        wait_until(served.ready)
        url = served.client.base_url
        with socket.create_connection((url.host, url.port)) as upload:
            upload.sendall(head + b"Content-Type: multipart/form-data; boundary=x\r\n\r\n--x\r\n")
            time.sleep(0.5)  # the request is being read
            served.process.terminate()
            wait_until(lambda: not served.children("videos"))
            upload.setblocking(False)
            with pytest.raises(BlockingIOError):  # neither a response nor the end
                upload.recv(1)
            assert served.process.poll() is None


def test_a_live_session_is_told_of_the_shutdown(own: Settings) -> None:
    """The close code 1012 reaches a client that sends pictures meanwhile."""
    picture = jpeg(LIVE.picture(0))
    with serve(own) as served:
        wait_until(served.ready)
        with open_socket(str(served.client.base_url).rstrip("/")) as live:
            receive(live)
            served.process.terminate()
            with suppress(ConnectionClosed):
                for number in range(1000):
                    live.send(pack(picture, number, number / 10))
                    time.sleep(0.002)
            assert until_closed(live)[1] == 1012


def test_it_ends_on_ctrl_c(own: Settings) -> None:
    """SIGINT ends the service like SIGTERM."""
    with serve(own) as served:
        served.process.send_signal(signal.SIGINT)
        assert served.process.wait(20) == 0


def test_a_missing_model_is_an_error_and_nothing_is_started(own: Settings, tmp_path: Path) -> None:
    """A configuration error gives one line on stderr and exit status 2."""
    settings = own.model_copy(update={"model": tmp_path})
    command = [sys.executable, "-m", "duygu.services.cli", "serve"]
    environment = {**os.environ, **settings.environment()}
    started = time.monotonic()
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=30)
    assert done.returncode == 2
    assert re.fullmatch(r"duygu: .* is not a model folder: .*\n", done.stderr)
    assert time.monotonic() - started < 20


def test_a_port_in_use_is_an_error(own: Settings) -> None:
    """A port in use gives one line with a hint before any process starts."""
    with serve(own) as served:
        port = served.client.base_url.port
        other = own.model_copy(update={"port": port, "data_dir": own.data_dir.parent / "other"})
        command = [sys.executable, "-m", "duygu.services.cli", "serve"]
        environment = {**os.environ, **other.environment()}
        done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=30)
        assert done.returncode == 2
        assert done.stderr.startswith(f"duygu: port {port} is in use: stop the program that uses it")
        assert not other.data_dir.exists()


def test_a_redis_that_does_not_respond_is_reported_at_the_start(caplog: pytest.LogCaptureFixture) -> None:
    """The log names each server once, without its password, before the workers wait for it."""
    url = "redis://ann:secret@127.0.0.1:1"
    _warn_without_redis(Settings(redis_url=url, stream_redis_url=url))
    (line,) = caplog.messages
    assert line.startswith("Redis at 127.0.0.1:1 does not respond; until it does, requests get 503: Error 111")
