"""A service and a browser for the tests of the pages."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

from tests.support.browser import ARGUMENTS, CHROMIUM, served
from tests.support.videos import Scene, VideoMaker


@pytest.fixture(scope="package")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where a service without keys answers."""
    with served(tmp_path_factory.mktemp("serve")) as url:
        yield url


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Debian's Chromium; the test is skipped where there is none."""
    if CHROMIUM is None:
        pytest.skip("there is no chromium on this machine")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


def is_fault(message: ConsoleMessage) -> bool:
    """Whether a line of the console tells of a fault of the page; the browser also notes each refused request there."""
    return message.type == "error" and not message.text.startswith("Failed to load resource")


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    """An English page of a desktop, which fails the test that uses it when a script fails or a policy is broken."""
    context = browser.new_context(base_url=address, locale="en-GB", viewport={"width": 1280, "height": 900})
    page = context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda message: wrong.append(message.text) if is_fault(message) else None)
    yield page
    context.close()
    assert wrong == []


@pytest.fixture
def smile(video_maker: VideoMaker) -> Path:
    """A face that smiles for three seconds, in a kind of video that every Chromium plays."""
    return video_maker.make(Scene(duration_s=3.0, width=640, height=480, container="webm", codec="libvpx"))
