"""API keys: scopes and limits."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest

from duygu.services.serve.supervisor import serve
from duygu.shared.config.api_keys import KeyLimits, Scope, add_key
from duygu.shared.config.settings import Settings
from duygu.shared.errors import ConfigurationError
from tests.services.conftest import StartWorker, ended, serving
from tests.support.workers.scripted_worker import Script

VIDEO = Script().upload()
BOTH = frozenset({Scope.SUBMIT, Scope.READ})

Enter = Callable[..., httpx.Client]


@pytest.fixture
def guarded(service_settings: Settings, tmp_path: Path) -> Settings:
    """Settings of a service with API keys."""
    path = tmp_path / "keys.json"
    add_key(path, "unused", BOTH, KeyLimits())
    return service_settings.model_copy(update={"keys_file": path})


@pytest.fixture
def enter(guarded: Settings) -> Iterator[Enter]:
    """Creates clients, each with its own key."""
    with ExitStack() as running:

        def client(name: str, scopes: frozenset[Scope] = BOTH, **limits: int) -> httpx.Client:
            assert guarded.keys_file
            key = add_key(guarded.keys_file, name, scopes, KeyLimits(**limits))
            api = running.enter_context(serving(guarded))
            api.headers["Authorization"] = f"Bearer {key}"
            return api

        yield client


def post(api: httpx.Client, content: bytes = VIDEO) -> httpx.Response:
    """Submit a video."""
    return api.post("/v1/videos", files={"video": ("a.mp4", content)})


def test_requests_without_a_key_are_rejected(guarded: Settings) -> None:
    """Without a key every endpoint except the probes and the model gives 401 with `WWW-Authenticate`."""
    with serving(guarded) as api:
        for response in (
            post(api),
            api.get("/v1/jobs"),
            api.get(f"/v1/jobs/{'0' * 32}"),
            api.delete(f"/v1/jobs/{'0' * 32}"),
            api.get("/v1/jobs", headers={"Authorization": "Basic eDp5"}),
            api.get("/v1/jobs", headers={"Authorization": "Bearer duygu_unused_wrong"}),
        ):
            assert (response.status_code, response.json()["code"]) == (401, "unauthorized")
            assert response.headers["WWW-Authenticate"] == "Bearer"
        assert api.get("/healthz").status_code == 200
        assert api.get("/v1/model").status_code == 200


def test_a_key_does_what_its_scopes_allow(enter: Enter) -> None:
    """A key can only do what its scopes permit."""
    submitter, reader = enter("submitter", frozenset({Scope.SUBMIT})), enter("reader", frozenset({Scope.READ}))
    job = post(submitter).json()
    assert submitter.get(job["links"]["self"]).json()["code"] == "forbidden"
    assert reader.get("/v1/jobs").status_code == 200
    refused = post(reader)
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    assert reader.delete(job["links"]["self"]).status_code == 403


def test_a_key_sees_its_own_jobs_only(enter: Enter) -> None:
    """The jobs of other keys are reported as missing and not listed, except for `admin`."""
    one, two, chief = enter("one"), enter("two"), enter("chief", frozenset({Scope.ADMIN}))
    job = post(one).json()
    path = job["links"]["self"]
    for response in (two.get(path), two.get(f"{path}/result"), two.get(f"{path}/events"), two.delete(path)):
        assert (response.status_code, response.json()["code"]) == (404, "job_not_found")
    assert two.get("/v1/jobs").json()["jobs"] == []
    assert one.get("/v1/jobs").json()["jobs"] == chief.get("/v1/jobs").json()["jobs"] == [job]
    assert one.get(path).status_code == chief.get(path).status_code == 200
    assert chief.delete(path).status_code == 204


def test_keys_do_not_share_what_they_made(enter: Enter) -> None:
    """Idempotency keys and `reuse` never return a job of another API key."""
    one, two = enter("one"), enter("two")
    options = {"headers": {"Idempotency-Key": "k"}, "params": {"reuse": "true"}}
    first = one.post("/v1/videos", files={"video": ("a.mp4", VIDEO)}, **options)  # type: ignore[arg-type]
    second = two.post("/v1/videos", files={"video": ("a.mp4", VIDEO)}, **options)  # type: ignore[arg-type]
    assert first.json()["job_id"] != second.json()["job_id"]


def test_uploads_a_minute(enter: Enter) -> None:
    """A request beyond the limit gets `Retry-After`; each key has its own count."""
    api, other = enter("hasty", uploads_per_minute=2), enter("other", uploads_per_minute=2)
    time.sleep(max(0.0, 55 - time.time() % 60) if time.time() % 60 > 55 else 0.0)
    assert [post(api).status_code for _ in range(2)] == [202, 202]
    response = post(api)
    assert (response.status_code, response.json()["code"]) == (429, "rate_limited")
    assert 0 < int(response.headers["Retry-After"]) <= 60
    assert post(other).status_code == 202


def test_a_repetition_costs_nothing(enter: Enter, monkeypatch: pytest.MonkeyPatch) -> None:
    """A repetition returns its job even if a limit of the key is exhausted."""
    monkeypatch.setattr("duygu.shared.jobs.quotas.time", SimpleNamespace(time=lambda: 1e9))
    api = enter("careful", uploads_per_minute=3, megabytes_per_day=1, jobs_waiting=2)
    large = VIDEO + bytes(400_000)

    def send(key: str, content: bytes = large) -> httpx.Response:
        return api.post("/v1/videos", files={"video": ("a.mp4", content)}, headers={"Idempotency-Key": key})

    first = send("one").json()
    assert [send("one").json() for _ in range(4)] == [first] * 4
    assert send("two").status_code == 202
    assert send("one").json() == first
    mismatch = send("one", VIDEO)
    assert (mismatch.status_code, mismatch.json()["code"]) == (422, "idempotency_mismatch")
    api.delete(first["links"]["self"])
    assert send("three", VIDEO).json()["code"] == "rate_limited"  # one, two and the mismatch were three


def test_repetitions_at_the_same_time_cost_nothing(enter: Enter, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two concurrent uploads with the same key only one is counted."""
    monkeypatch.setattr("duygu.shared.jobs.quotas.time", SimpleNamespace(time=lambda: 1e9))
    api, all_began = enter("twofold", uploads_per_minute=4), threading.Barrier(4)

    def body() -> Iterator[bytes]:
        yield b'--b\r\nContent-Disposition: form-data; name="video"; filename="a"\r\n\r\n' + VIDEO
        all_began.wait()
        time.sleep(0.1)  # until the beginnings have arrived as well
        yield b"\r\n--b--\r\n"

    def send(_: int) -> httpx.Response:
        headers = {"Content-Type": "multipart/form-data; boundary=b", "Idempotency-Key": "k"}
        return api.post("/v1/videos", content=body(), headers=headers)

    with ThreadPoolExecutor(4) as pool:
        responses = list(pool.map(send, range(4)))
    assert len({response.json()["job_id"] for response in responses}) == 1
    assert [post(api).status_code for _ in range(4)] == [202, 202, 202, 429]


def test_jobs_waiting(enter: Enter, start_scripted_worker: StartWorker) -> None:
    """The limit of waiting jobs applies until one has ended or is erased."""
    api = enter("busy", jobs_waiting=1)
    first = post(api).json()
    assert post(api).json()["code"] == "rate_limited"
    assert api.delete(first["links"]["self"]).status_code == 204
    second = post(api)
    assert second.status_code == 202
    start_scripted_worker()
    ended(api, second.json()["job_id"])
    assert post(api).status_code == 202


def test_jobs_waiting_at_the_same_time(enter: Enter, monkeypatch: pytest.MonkeyPatch) -> None:
    """Concurrent uploads cannot exceed the limit of waiting jobs, and rejected ones are not counted."""
    monkeypatch.setattr("duygu.shared.jobs.quotas.time", SimpleNamespace(time=lambda: 1e9))
    api, all_began = enter("quick", jobs_waiting=1, uploads_per_minute=4, megabytes_per_day=2), threading.Barrier(4)
    large = VIDEO + bytes(400_000)

    def body() -> Iterator[bytes]:
        yield b'--b\r\nContent-Disposition: form-data; name="video"; filename="a"\r\n\r\n' + large
        all_began.wait()
        time.sleep(0.1)  # until the beginnings have arrived as well
        yield b"\r\n--b--\r\n"

    def send(_: int) -> httpx.Response:
        return api.post("/v1/videos", content=body(), headers={"Content-Type": "multipart/form-data; boundary=b"})

    with ThreadPoolExecutor(4) as pool:
        responses = sorted(pool.map(send, range(4)), key=lambda response: response.status_code)
    assert [response.status_code for response in responses] == [202, 429, 429, 429]
    assert {response.json()["code"] for response in responses[1:]} == {"rate_limited"}
    taken = responses[0]
    for _ in range(3):
        assert post(api).status_code == 429
        api.delete(taken.json()["links"]["self"])
        taken = post(api, large)
        assert taken.status_code == 202


def test_megabytes_a_day(enter: Enter, guarded: Settings) -> None:
    """An upload beyond the daily limit is rejected, discarded and not counted."""
    api = enter("hungry", megabytes_per_day=1)
    large = VIDEO + bytes(600_000)
    assert post(api, large).status_code == 202
    response = post(api, large)
    assert (response.status_code, response.json()["code"]) == (429, "rate_limited")
    assert len(list((guarded.data_dir / "jobs").iterdir())) == 1
    assert post(api).status_code == 202


def test_public_addresses_require_keys(service_settings: Settings) -> None:
    """A public address requires API keys or DUYGU_ALLOW_ANONYMOUS."""
    for host in ("0.0.0.0", "::", "192.0.2.1", "example.org"):  # noqa: S104
        with pytest.raises(ConfigurationError, match="DUYGU_ALLOW_ANONYMOUS"):
            serve(service_settings.model_copy(update={"host": host}), print)


def test_a_full_disk_refuses_uploads(service_settings: Settings) -> None:
    """An upload gives 503 with `Retry-After` while the disk has less free space than required."""
    with serving(service_settings.model_copy(update={"min_free_mb": 1e9})) as api:
        response = post(api)
        assert (response.status_code, response.json()["code"]) == (503, "storage_full")
        assert "Retry-After" in response.headers


@pytest.mark.parametrize("pause_s", [60.0, 0.2])
def test_slow_bodies_time_out(service_settings: Settings, pause_s: float) -> None:
    """A stalled or very slow upload gives 408 and is discarded."""
    with serving(service_settings.model_copy(update={"body_timeout_s": 1.0})) as api:
        host, port = api.base_url.host, api.base_url.port
        assert port
        with socket.create_connection((host, port), timeout=20) as connection:
            connection.sendall(
                b"POST /v1/videos HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n"
                b"Content-Type: multipart/form-data; boundary=b\r\n\r\n"
                b'--b\r\nContent-Disposition: form-data; name="video"; filename="a"\r\n\r\n'
            )
            assert b" 408 " in _dripped(connection, pause_s).splitlines()[0]
    assert list((service_settings.data_dir / "jobs").rglob("*")) == []


def _dripped(connection: socket.socket, pause_s: float) -> bytes:
    """The response to an upload that sends a byte now and then."""
    connection.settimeout(pause_s)
    for _ in range(60):
        try:
            return connection.recv(65536)
        except TimeoutError:
            connection.sendall(b"\0")
    return b""


def test_other_origins_are_let_in_where_configured(service_settings: Settings) -> None:
    """Without DUYGU_CORS_ORIGINS no other origin may read a response."""
    origin = {"Origin": "https://app.example"}
    with serving(service_settings) as api:
        assert "Access-Control-Allow-Origin" not in api.get("/v1/jobs", headers=origin).headers
    allowed = service_settings.model_copy(update={"cors_origins": "https://app.example, https://other.example"})
    with serving(allowed) as api:
        response = api.get("/v1/jobs", headers=origin)
        assert response.headers["Access-Control-Allow-Origin"] == "https://app.example"
        stranger = api.get("/v1/jobs", headers={"Origin": "https://evil.example"})
        assert "Access-Control-Allow-Origin" not in stranger.headers
        preflight = {
            **origin,
            "Access-Control-Request-Method": "GET",
            "Access-Control-Request-Headers": "range, authorization",
        }
        assert api.options("/v1/jobs", headers=preflight).status_code == 200
        assert "Content-Range" in response.headers["Access-Control-Expose-Headers"]
