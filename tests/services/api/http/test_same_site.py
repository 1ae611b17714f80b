"""Host and origin checks of a service without API keys."""

import socket
from pathlib import Path

import httpx
import pytest
from pydantic import ValidationError

from duygu.shared.config.api_keys import KeyLimits, Scope, add_key
from duygu.shared.config.settings import Settings
from tests.services.conftest import serving
from tests.support.sockets import open_socket, until_closed
from tests.support.workers.scripted_worker import Script

VIDEO = {"video": ("a.mp4", Script().upload())}

STRANGE_HOSTS = [
    "evil.example",
    "localhost.evil.example",
    "127.0.0.1.evil.example",
    "evil.example:8000",
    "user@evil.example",
    "evil.example@127.0.0.1",
    "127.0.0.1/evil.example",
    "localhost:evil.example",
    "localhost:99999",
    "192.0.2.1",
    "[2001:db8::1]:8000",
    "[::1",
    "",
]

OWN_HOSTS = [
    "localhost",
    "LOCALHOST:8000",
    "localhost.",
    "duygu.localhost:1",
    "127.0.0.1",
    "127.8.8.8:80",
    "[::1]:8000",
]


def test_other_hosts_are_refused_without_keys(api: httpx.Client) -> None:
    """A page that reaches the service by DNS rebinding is rejected."""
    for path in ("/v1/jobs", "/", "/static/js/pages/index.js", "/openapi.json", "/metrics", "/nothing"):
        for host in STRANGE_HOSTS:
            response = api.get(path, headers={"Host": host})
            assert (response.status_code, response.json()["code"]) == (421, "host_not_allowed")
            assert "DUYGU_ALLOWED_HOSTS" in response.json()["detail"]
            assert "Content-Security-Policy" in response.headers


def test_loopback_names_are_served(api: httpx.Client) -> None:
    """Loopback names are accepted with any port, as behind a tunnel or a published container port."""
    for host in OWN_HOSTS:
        assert api.get("/v1/jobs", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("first", ["localhost", "localhost:8000", "[::1]:8000"])
def test_two_hosts_are_refused(api: httpx.Client, first: str) -> None:
    """Several Host headers are rejected, as a proxy may use another one than the service."""
    with socket.create_connection((api.base_url.host, api.base_url.port or 0), timeout=10) as connection:
        connection.sendall(f"GET /v1/jobs HTTP/1.1\r\nHost: {first}\r\nHost: evil.example\r\n\r\n".encode())
        assert connection.recv(65536).startswith(b"HTTP/1.1 4")


def test_probes_may_name_any_host(api: httpx.Client) -> None:
    """Load balancers and clusters probe by address or without a host name."""
    for path in ("/healthz", "/readyz"):
        assert api.get(path, headers={"Host": "10.0.0.7:8000"}).status_code != 421
    with socket.create_connection((api.base_url.host, api.base_url.port or 0), timeout=10) as connection:
        connection.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
        assert b" 200 " in connection.recv(65536)


def test_a_service_that_listens_everywhere_accepts_its_address(service_settings: Settings) -> None:
    """The address of the connection is accepted on a wildcard listener; a name requires the setting."""
    with serving(service_settings.model_copy(update={"host": "0.0.0.0"})) as api:  # noqa: S104
        own = socket.gethostbyname(socket.gethostname())
        port = api.base_url.port
        assert httpx.get(f"http://{own}:{port}/v1/jobs").status_code == 200
        assert api.get("/v1/jobs", headers={"Host": "192.0.2.1"}).status_code == 421
        assert api.get("/v1/jobs", headers={"Host": "duygu.example.org"}).status_code == 421


def test_configured_hosts_are_served(service_settings: Settings) -> None:
    """DUYGU_HOST and the names in DUYGU_ALLOWED_HOSTS are accepted; `*` accepts every host."""
    for settings, good in (
        (
            {"allowed_hosts": "duygu.example.org, 192.0.2.1"},
            ["Duygu.Example.org", "duygu.example.org:8443", "192.0.2.1"],
        ),
        ({"host": "localhost"}, ["localhost"]),
        ({"allowed_hosts": "*"}, ["evil.example"]),
    ):
        with serving(service_settings.model_copy(update=settings)) as api:
            for host in good:
                assert api.get("/v1/jobs", headers={"Host": host}).status_code == 200
            other = api.get("/v1/jobs", headers={"Host": "other.example"}).status_code
            assert other == (200 if settings.get("allowed_hosts") == "*" else 421)


@pytest.mark.parametrize("names", ["https://duygu.example.org", "duygu.example.org:8000", "a.example, b.example/x"])
def test_hosts_that_are_none_are_refused(names: str) -> None:
    """Invalid host names in the setting are rejected at startup."""
    with pytest.raises(ValidationError, match="without scheme, path and port"):
        Settings(allowed_hosts=names)


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Origin": "http://localhost:3000"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "http://[x"},
    ],
)
def test_pages_of_other_sites_change_nothing(api: httpx.Client, headers: dict[str, str]) -> None:
    """Cross-site POST and DELETE requests give 403 and have no effect."""
    job = api.post("/v1/videos", files=VIDEO).json()
    for response in (
        api.post("/v1/videos", files=VIDEO, headers=headers),
        api.delete(job["links"]["self"], headers=headers),
    ):
        assert (response.status_code, response.json()["code"]) == (403, "cross_site")
    assert [kept["job_id"] for kept in api.get("/v1/jobs", headers=headers).json()["jobs"]] == [job["job_id"]]


def test_own_pages_and_programs_go_on(api: httpx.Client) -> None:
    """Requests of the service's own pages and of programs are accepted."""
    own = str(api.base_url).rstrip("/")
    for headers in (
        {},
        {"Origin": own},
        {"Sec-Fetch-Site": "same-origin", "Origin": own},
        {"Sec-Fetch-Site": "same-origin", "Origin": "https://behind-a-proxy.example"},
        {"Sec-Fetch-Site": "none"},
    ):
        assert api.post("/v1/videos", files=VIDEO, headers=headers).status_code == 202


def test_allowed_origins_may_change_something(service_settings: Settings) -> None:
    """Only the origins in DUYGU_CORS_ORIGINS are accepted."""
    with serving(service_settings.model_copy(update={"cors_origins": "https://app.example"})) as api:
        for origin, status in (("https://app.example", 202), ("https://evil.example", 403)):
            headers = {"Origin": origin, "Sec-Fetch-Site": "cross-site"}
            assert api.post("/v1/videos", files=VIDEO, headers=headers).status_code == status


def test_with_keys_hosts_are_free(service_settings: Settings, tmp_path: Path) -> None:
    """With API keys, hosts and origins are not checked."""
    path = tmp_path / "keys.json"
    key = add_key(path, "app", frozenset({Scope.SUBMIT, Scope.READ}), KeyLimits())
    with serving(service_settings.model_copy(update={"keys_file": path})) as api:
        headers = {"Host": "duygu.example.org", "Origin": "https://app.example", "Sec-Fetch-Site": "cross-site"}
        assert api.post("/v1/videos", files=VIDEO, headers=headers).status_code == 401
        headers["Authorization"] = f"Bearer {key}"
        assert api.post("/v1/videos", files=VIDEO, headers=headers).status_code == 202


def test_the_socket_refuses_other_hosts_and_pages(service_settings: Settings) -> None:
    """The live socket applies the same rules, as browsers let pages open sockets to any host."""
    with serving(service_settings) as api:
        own, port = str(api.base_url).rstrip("/"), api.base_url.port
        evil = f"http://evil.example:{port}"
        for address, origin, headers, code in (
            (evil, evil, {}, "host_not_allowed"),
            (own, own, {"Sec-Fetch-Site": "cross-site"}, "forbidden"),
            (own, "https://evil.example", {}, "forbidden"),
            (own, own, {}, "no_worker"),
        ):
            connection = socket.create_connection((api.base_url.host, port))
            with open_socket(address, sock=connection, origin=origin, additional_headers=headers) as opened:
                (error,), _, _ = until_closed(opened)
            assert error["code"] == code
