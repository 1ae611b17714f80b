"""A service and a browser for the tests of the pages."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from tests.support.browser import ARGUMENTS, CHROMIUM, served
from tests.support.media.videos import Scene, VideoMaker
from tests.support.page_coverage import measured_pages


@pytest.fixture(scope="package")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a service without keys that erases results in time, so that pages list their own videos alone."""
    with served(tmp_path_factory.mktemp("serve"), DUYGU_KEEP="off") as url:
        yield url


PATIENCE_MS = 60_000
"""Processes of a parallel run share the processors; what a page never shows takes this long to fail."""

expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Debian's Chromium; tests are skipped where it is not installed."""
    if CHROMIUM is None:
        pytest.skip("there is no chromium on this machine")
    with sync_playwright() as playwright, measured_pages():
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


def is_fault(message: ConsoleMessage) -> bool:
    """Return whether a console message reports a fault of the page. Refused requests are logged there as well."""
    return message.type == "error" and not message.text.startswith("Failed to load resource")


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    """An English page on a desktop. A script error or a policy violation fails the test that uses it."""
    context = browser.new_context(base_url=address, locale="en-GB", viewport={"width": 1280, "height": 900})
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda message: wrong.append(message.text) if is_fault(message) else None)
    yield page
    context.close()
    assert wrong == []


@pytest.fixture
def smile(video_maker: VideoMaker) -> Path:
    """A video of a face that smiles for three seconds, in a format that every Chromium plays."""
    return video_maker.make(Scene(duration_s=3.0, width=640, height=480, container="webm", codec="libvpx"))
