"""Uploads in parts, and links, on the page of a real service."""

import hashlib
import re
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, Request, expect

from tests.support.servers.scripted_server import job_document

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

SLOW_BYTES_PER_S = 3_000_000

PART_SENT = re.compile(r"Uploading, [2-9]\d%")


@pytest.fixture
def large(tmp_path: Path, smile: Path) -> Path:
    """A video of 25 MB: an MP4 with a box of padding."""
    content, padding = smile.read_bytes(), 25_000_000 - smile.stat().st_size
    path = tmp_path / "large.mp4"
    path.write_bytes(content + padding.to_bytes(4, "big") + b"free" + bytes(padding - 8))
    return path


def slow_down(page: Page, bytes_per_s: int) -> None:
    """Limit the rate of uploads; -1 does not."""
    devtools = page.context.new_cdp_session(page)
    devtools.send("Network.enable")
    bounds = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": bytes_per_s}
    devtools.send("Network.emulateNetworkConditions", bounds)


def offsets(page: Page) -> list[int]:
    """The offsets of the parts that the page sends from now on."""
    sent: list[int] = []

    def note(request: Request) -> None:
        if request.method == "PATCH" and "/v1/uploads/" in request.url:
            sent.append(int(request.headers["upload-offset"]))

    page.on("request", note)
    return sent


def assert_arrived(page: Page, address: str, path: Path) -> None:
    """The video is analysed, and the hash of the job is that of the file."""
    expect(page.locator(".job[data-state=succeeded]")).to_have_count(1, timeout=120_000)
    job = httpx.get(f"{address}/v1/jobs").json()["jobs"][0]
    assert job["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert page.evaluate("localStorage.getItem('duygu.parts')") == "{}"


def test_a_large_upload_survives_a_reload(page: Page, address: str, large: Path) -> None:
    """After a reload, choosing the file again continues behind what has arrived."""
    page.goto("/")
    expect(page.locator("#limits")).to_be_visible()
    slow_down(page, SLOW_BYTES_PER_S)
    page.set_input_files("#file", large)
    expect(page.locator(".job-state")).to_contain_text(PART_SENT, timeout=60_000)
    page.reload()
    slow_down(page, -1)
    sent = offsets(page)
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Choose the file again").click()
    chooser.value.set_files(large)
    assert_arrived(page, address, large)
    assert sent[0] > 0


def test_a_large_upload_survives_a_lost_network(page: Page, address: str, large: Path) -> None:
    """An upload that loses the network goes on by itself once it is back."""
    page.goto("/")
    expect(page.locator("#limits")).to_be_visible()
    slow_down(page, SLOW_BYTES_PER_S)
    sent = offsets(page)
    page.set_input_files("#file", large)
    expect(page.locator(".job-state")).to_contain_text(PART_SENT, timeout=60_000)
    page.context.set_offline(True)
    page.wait_for_timeout(1500)
    page.context.set_offline(False)
    slow_down(page, -1)
    assert_arrived(page, address, large)
    assert sent == sorted(sent)


def test_links_are_submitted(page: Page) -> None:
    """A refused link is explained in both languages; an accepted one becomes a row that tells of fetching."""
    page.goto("/")
    page.fill("#link", "https://169.254.169.254/film.mp4")
    page.click("#link-send")
    expect(page.locator("#drop-note")).to_have_text(
        "The link is not allowed. Use a public https link, or ask the operator of the server to allow this one."
    )
    page.select_option("#language", "tr")
    page.click("#link-send")
    expect(page.locator("#drop-note")).to_contain_text("Bağlantıya izin verilmiyor.")
    page.select_option("#language", "en")
    link = {"url": "https://example.org/film%20one.mp4", "fetched_bytes": 5_000_000, "size_bytes": 20_000_000}
    job = job_document("new", progress=0.025, stage="fetching", link=link, title=None)
    page.route("**/v1/videos*", lambda route: route.fulfill(status=202, json=job))
    page.route("**/v1/jobs/*", lambda route: route.fulfill(json=job))
    page.route("**/v1/jobs/*/events", lambda route: route.abort())
    page.fill("#link", "https://example.org/film%20one.mp4?token=hidden")
    page.click("#link-send")
    expect(page.locator(".job-name")).to_have_text("film one.mp4")
    expect(page.locator(".job-state")).to_contain_text("Fetching the video, 25%")
    expect(page.locator("#link")).to_have_value("")


def test_the_field_is_hidden_where_links_are_disabled(page: Page) -> None:
    """A service that fetches no links shows no field for one."""
    limits = {"max_upload_bytes": 1000, "max_duration_s": 60, "max_pixels": 9_000_000, "result_ttl_s": 86400}
    page.route("**/v1/limits", lambda route: route.fulfill(json=limits))
    page.goto("/")
    expect(page.locator("#limits")).to_be_visible()
    expect(page.locator("#link-form")).to_be_hidden()
