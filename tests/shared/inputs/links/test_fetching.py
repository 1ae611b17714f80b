"""Fetching the video of a link."""

import hashlib
import io
import ipaddress
import random
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
import s3fs

from duygu.shared.errors import (
    CancelledError,
    EmptyFileError,
    LinkError,
    LinkIsAPageError,
    LinkRefusedError,
    LinkTooSlowError,
    LinkUnreachableError,
    NotAVideoError,
    TooLargeError,
)
from duygu.shared.inputs.links import fetching
from duygu.shared.inputs.links.fetching import Fetched, FetchRules, fetch
from duygu.shared.inputs.links.link import LinkPolicy, parse_link
from duygu.shared.network.addresses import LINK, AddressPolicy
from tests.services.worker.webhooks.test_sender import resolve_to
from tests.support.servers.cutting_proxy import cutting
from tests.support.servers.file_server import serving_file

VIDEO = b"\0\0\0\x18ftypmp42" + random.Random(0).randbytes(3_000_000)  # noqa: S311 - content, no secret

HERE = AddressPolicy((ipaddress.ip_network("127.0.0.0/8"),), LINK)

RULES = FetchRules(LinkPolicy(addresses=HERE), max_bytes=10_000_000, timeout_s=30, pause_s=5)


def get(url: str, rules: FetchRules = RULES) -> tuple[Fetched, bytes]:
    """Fetch a link; what was found and written."""
    file = io.BytesIO()
    found = fetch(parse_link(url), file, rules)
    return found, file.getvalue()


def assert_fetched(found: tuple[Fetched, bytes], content: bytes = VIDEO) -> None:
    """The file and its hash are those of the content."""
    about, written = found
    assert written == content
    assert about == Fetched(len(content), hashlib.sha256(content).hexdigest())


@pytest.fixture
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "FIRST_PAUSE_S", 0.01)


@pytest.mark.parametrize("sized", [True, False])
def test_a_video_is_fetched(*, sized: bool) -> None:
    """A video arrives whole, with and without a stated length, and progress is reported."""
    seen: list[tuple[int, int | None]] = []
    with serving_file(VIDEO, sized=sized) as server:
        file = io.BytesIO()
        found = fetch(parse_link(server.url), file, RULES, on_progress=lambda *at: seen.append(at))
    assert_fetched((found, file.getvalue()))
    assert seen[-1] == (len(VIDEO), len(VIDEO) if sized else None)
    assert seen == sorted(seen)


@pytest.mark.usefixtures("_no_pauses")
def test_a_fetch_that_is_cut_ten_times_is_whole() -> None:
    """A connection that is cut ten times is resumed where it ended: the content is requested about once in total."""
    with serving_file(VIDEO) as server, cutting(server.port, *[200_000] * 10) as proxy:
        assert_fetched(get(f"http://127.0.0.1:{proxy.port}/file"))
        assert proxy.connections == 11
    starts = [int(headers.get("range", "bytes=0-")[6:-1]) for _, headers in server.requests]
    assert starts == sorted(set(starts))
    assert all(headers["if-range"] == '"one"' for _, headers in server.requests[1:])


@pytest.mark.usefixtures("_no_pauses")
@pytest.mark.parametrize("behaviour", [{"ranges": False}, {"etag": ""}, {"etag": 'W/"weak"'}])
def test_a_server_that_cannot_resume_is_asked_again(behaviour: dict[str, object]) -> None:
    """Without ranges or a strong validator, a broken fetch starts again, and nothing is joined."""
    with serving_file(VIDEO, **behaviour) as server, cutting(server.port, 2_000_000, 1_000_000) as proxy:
        assert_fetched(get(f"http://127.0.0.1:{proxy.port}/file"))


@pytest.mark.usefixtures("_no_pauses")
def test_content_that_changes_is_fetched_anew() -> None:
    """When the content changes between two attempts, the file has only the new one."""
    with serving_file(VIDEO) as server, cutting(server.port, 500_000, 300) as proxy:
        file, changed = io.BytesIO(), VIDEO[:-1] + b"!"

        def change(received: int, size: int | None) -> None:
            server.content, server.etag = changed, '"two"'

        found = fetch(parse_link(f"http://127.0.0.1:{proxy.port}/file"), file, RULES, on_progress=change)
    assert_fetched((found, file.getvalue()), changed)


@pytest.mark.usefixtures("_no_pauses")
def test_a_busy_server_is_asked_again() -> None:
    """Server errors and `too many requests` are retried, other statuses are not."""
    with serving_file(VIDEO, statuses=[503, 429, 500]) as server:
        assert_fetched(get(server.url))
    with serving_file(VIDEO, statuses=[404]) as server, pytest.raises(LinkError, match="404 Not Found"):
        get(server.url)


@pytest.mark.usefixtures("_no_pauses")
def test_a_server_that_is_away_is_an_error() -> None:
    """A closed port, an unknown name and a server without TLS are unreachable."""
    with serving_file(VIDEO) as server:
        url = server.url
        with pytest.raises(LinkUnreachableError):
            get(url.replace("http:", "https:"))
    for away in (url, "https://unknown.invalid/"):
        with pytest.raises(LinkUnreachableError):
            get(away)


def test_redirects_are_followed_and_counted() -> None:
    """A redirect is followed; a circle of them is an error."""
    with serving_file(VIDEO, location="/file") as server:
        assert_fetched(get(server.url.replace("/file", "/other?a=b")))
    with serving_file(VIDEO, location="/round") as server, pytest.raises(LinkError, match="redirects"):
        get(server.url.replace("/file", "/round"))


@pytest.mark.parametrize(
    "location",
    [
        "http://169.254.169.254/latest/meta-data/",
        "http://[::1]:9/",
        "http://2852039166/",
        "http://10.0.0.1/",
        "http://localhost.test/",
        "ftp://127.0.0.1/file",
        "file:///etc/passwd",
        "s3://open/key",
    ],
)
def test_redirects_to_private_addresses_are_refused(monkeypatch: pytest.MonkeyPatch, location: str) -> None:
    """The target of a redirect is checked as the link is, and nothing of it is read."""
    resolve_to(monkeypatch, "169.254.169.254")
    with serving_file(VIDEO, location=location) as server, pytest.raises(LinkRefusedError):
        get(server.url.replace("/file", "/elsewhere"))


@pytest.mark.usefixtures("_no_pauses")
def test_a_name_that_turns_private_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each connection checks the address it is opened to: a name that changes before a retry is refused."""
    with serving_file(VIDEO) as server, cutting(server.port, 500_000) as proxy:
        resolved = resolve_to(monkeypatch, "127.0.0.1", "169.254.169.254")
        with pytest.raises(LinkRefusedError, match="not public"):
            get(f"http://rebound.test:{proxy.port}/file")
    assert resolved == ["rebound.test"] * 2
    assert len(server.requests) == 1


def test_this_machine_is_refused_unless_trusted() -> None:
    """Without trusted networks, nothing is requested from this machine."""
    rules = replace(RULES, policy=LinkPolicy(addresses=AddressPolicy((), LINK, plain=True)))
    with serving_file(VIDEO) as server:
        for host in ("127.0.0.1", "localhost", "2130706433", "127.1"):
            with pytest.raises(LinkRefusedError, match="not public"):
                get(f"http://{host}:{server.port}/file", rules)
    assert server.requests == []


def test_credentials_stay_with_their_server() -> None:
    """The credentials of a link are sent to its server, and not to another one after a redirect."""
    with serving_file(VIDEO) as other, serving_file(VIDEO, location=other.url) as server:
        assert_fetched(get(f"http://ann:word@127.0.0.1:{server.port}/elsewhere"))
    assert server.requests[0][1]["authorization"] == "Basic YW5uOndvcmQ="
    assert "authorization" not in other.requests[0][1]


@pytest.mark.parametrize(
    ("content", "kind"),
    [(VIDEO, "text/html; charset=utf-8"), (b"<!DOCTYPE html><title>Player</title>", "application/octet-stream")],
)
def test_a_page_is_no_video(content: bytes, kind: str) -> None:
    """A page is recognised by its type or its beginning."""
    with serving_file(content, kind=kind) as server, pytest.raises(LinkIsAPageError):
        get(server.url)


def test_other_files_are_no_video() -> None:
    """A document and an empty file have their own codes."""
    with serving_file(b"%PDF-1.7" + bytes(1000)) as server, pytest.raises(NotAVideoError):
        get(server.url)
    with serving_file(b"") as server, pytest.raises(EmptyFileError):
        get(server.url)


def test_the_limit_is_kept() -> None:
    """A stated length above the limit is refused before the content, an endless content at the limit."""
    rules = replace(RULES, max_bytes=1_000_000)
    with serving_file(VIDEO) as server:
        file = io.BytesIO()
        with pytest.raises(TooLargeError):
            fetch(parse_link(server.url), file, rules)
        assert file.getvalue() == b""
    with serving_file(VIDEO, endless=True) as server:
        with pytest.raises(TooLargeError):
            fetch(parse_link(server.url), file, rules)
        assert len(file.getvalue()) <= 1_000_000


def test_a_slow_server_is_given_up() -> None:
    """A server that pauses is given up after the pause, and every fetch after its time."""
    for rules in (replace(RULES, pause_s=0.5), replace(RULES, timeout_s=0.5)):
        pause = threading.Event()
        started = time.monotonic()
        with serving_file(VIDEO, pause=pause) as server, pytest.raises(LinkTooSlowError):
            get(server.url, rules)
        pause.set()
        assert time.monotonic() - started < 20


def test_a_fetch_can_be_cancelled() -> None:
    """A fetch that waits for the server ends soon after it is cancelled."""
    pause, cancelled = threading.Event(), threading.Event()
    threading.Timer(0.5, cancelled.set).start()
    started = time.monotonic()
    with serving_file(VIDEO, pause=pause) as server, pytest.raises(CancelledError):
        fetch(parse_link(server.url), io.BytesIO(), RULES, should_stop=cancelled.is_set)
    pause.set()
    assert time.monotonic() - started < 20


def test_objects_are_fetched(bucket_url: str, tmp_path: Path) -> None:
    """An object of a listed bucket is fetched; a missing one has a clear error."""
    bucket = bucket_url.removeprefix("s3://").partition("/")[0]
    s3fs.S3FileSystem(skip_instance_cache=True).pipe_file(f"{bucket}/in/a.mp4", VIDEO)
    rules = replace(RULES, policy=LinkPolicy(addresses=HERE, buckets=(bucket,)))
    assert_fetched(get(f"s3://{bucket}/in/a.mp4", rules))
    with pytest.raises(LinkError, match="no such object"):
        get(f"s3://{bucket}/in/b.mp4", rules)
