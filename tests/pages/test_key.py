"""The pages of a service that requires an API key."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from duygu.shared.config.api_keys import KeyLimits, Scope, add_key
from tests.support.browser import served

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

PATIENCE_MS = 60_000


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """Address of a service that requires a key, and a valid key."""
    folder = tmp_path_factory.mktemp("locked")
    key = add_key(folder / "keys.json", "visitor", frozenset({Scope.SUBMIT, Scope.READ}), KeyLimits())
    with served(folder / "data", DUYGU_KEYS_FILE=str(folder / "keys.json")) as url:
        yield url, key


@pytest.fixture
def visitor(browser: Browser, locked: tuple[str, str]) -> Iterator[Page]:
    """A page without a key."""
    context = browser.new_context(base_url=locked[0], locale="en-GB")
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    yield page
    context.close()


def enter(page: Page, key: str) -> None:
    """Enter a key in the dialog."""
    page.get_by_label("Key", exact=True).fill(key)
    page.get_by_role("button", name="Use key").click()


def test_a_video_is_sent_once_there_is_a_key(visitor: Page, locked: tuple[str, str], smile: Path) -> None:
    """A wrong key reopens the dialog; the right one serves upload, result, edits and downloads in this tab only."""
    visitor.goto("/")
    visitor.set_input_files("#file", smile)
    enter(visitor, "duygu_visitor_wrong")
    expect(visitor.locator("#key-note")).to_contain_text("does not accept this key")
    enter(visitor, locked[1])
    visitor.wait_for_selector("#workspace:not([hidden])")
    with visitor.expect_download() as download:
        visitor.locator(".download", has_text="CSV").click()
    assert Path(download.value.path()).read_text(encoding="utf-8").startswith("face_id,")
    visitor.reload()
    expect(visitor.locator(".face")).to_have_count(1)
    visitor.locator(".face-title").click()
    visitor.keyboard.type("Ann")
    visitor.keyboard.press("Enter")
    expect(visitor.locator("#edit-state")).to_have_text("Saved")
    other = visitor.context.new_page()
    other.goto("/")
    expect(other.locator("dialog#key")).to_be_visible()


def test_the_key_is_requested_once(visitor: Page, smile: Path) -> None:
    """Closing the dialog leaves the video with its error, and the dialog does not reappear."""
    visitor.goto("/")
    visitor.set_input_files("#file", smile)
    visitor.get_by_role("button", name="Close").click()
    expect(visitor.locator(".job[data-state=failed] code")).to_have_text("unauthorized")
    expect(visitor.locator("dialog#key")).to_have_count(0)
    expect(visitor.get_by_role("button", name="API key")).to_be_visible()


def test_the_camera_starts_once_there_is_a_key(visitor: Page, locked: tuple[str, str]) -> None:
    """A refused socket opens the dialog for the key; a valid key starts the session."""
    visitor.add_init_script(CANVAS_CAMERA)
    visitor.goto("/camera")
    visitor.get_by_role("button", name="Start the camera").click()
    enter(visitor, locked[1])
    expect(visitor.locator("#rate")).to_have_text(re.compile(r"^\d+\.\d$"))


CANVAS_CAMERA = """
navigator.mediaDevices.getUserMedia = async () => {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 64;
  const context = canvas.getContext("2d");
  setInterval(() => { context.fillStyle = `hsl(${Date.now() % 360} 50% 50%)`; context.fillRect(0, 0, 64, 64); }, 50);
  return canvas.captureStream(20);
};
"""
"""A camera that shows a plain colour without a face."""
