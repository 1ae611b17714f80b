"""Uploads that are interrupted, cancelled or queued."""

from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, FilePayload, Page, Route, expect

from tests.support.servers.scripted_server import job_document

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

VIDEO: FilePayload = {"name": "new.mp4", "mimeType": "video/mp4", "buffer": b"not looked at"}
OTHER: FilePayload = {"name": "other.mp4", "mimeType": "video/mp4", "buffer": b"another"}


def numbered(count: int) -> list[FilePayload]:
    """Return files named 0.mp4, 1.mp4, …"""
    return [{"name": f"{number}.mp4", "mimeType": "video/mp4", "buffer": b"not looked at"} for number in range(count)]


def hold(target: Page | BrowserContext) -> list[Route]:
    """Hold every upload; return the list of those that have been sent."""
    waiting: list[Route] = []
    target.route("**/v1/videos*", lambda route: waiting.append(route))
    target.route("**/v1/jobs/*/events", lambda route: route.abort())
    target.route("**/v1/jobs/*", lambda route: route.fulfill(json=job_document("new")))
    return waiting


def await_uploads(page: Page, waiting: list[Route], count: int = 1) -> None:
    """Wait until a number of uploads is held: the request event precedes its route."""
    for _ in range(500):
        if len(waiting) >= count:
            return
        page.wait_for_timeout(20)
    pytest.fail(f"{len(waiting)} of {count} uploads have arrived")


def send(page: Page, *files: FilePayload) -> None:
    """Choose files and wait until the first upload has begun."""
    with page.expect_request("**/v1/videos*"):
        page.set_input_files("#file", list(files))


@pytest.mark.parametrize("way", ["reload", "leave"])
def test_an_interrupted_upload_leaves_a_row_that_requests_the_file(page: Page, way: str) -> None:
    """An interrupted upload leaves a row; choosing the file again continues it, and another file takes its place."""
    page.goto("/")
    hold(page)
    send(page, VIDEO)
    if way == "reload":
        page.reload()
    else:
        page.goto("/api")
        page.goto("/")
    row = page.locator(".job[data-state=interrupted]")
    expect(row).to_contain_text("The upload was interrupted")
    with page.expect_file_chooser() as chooser, page.expect_request("**/v1/videos*"):
        row.get_by_role("button", name="Choose the file again").click()
        chooser.value.set_files(VIDEO)
    expect(page.locator(".job[data-state=uploading] .job-name")).to_have_text(["new.mp4"])
    page.reload()
    with page.expect_file_chooser() as chooser, page.expect_request("**/v1/videos*"):
        row.get_by_role("button", name="Choose the file again").click()
        chooser.value.set_files(OTHER)
    expect(page.locator(".job-name")).to_have_text(["other.mp4"])


def test_a_repeated_upload_carries_the_same_key(page: Page) -> None:
    """A repeated upload has the same idempotency key, so that the server returns the existing job."""
    keys: list[str | None] = []
    page.goto("/")
    waiting = hold(page)
    page.on(
        "request",
        lambda request: keys.append(request.headers.get("idempotency-key")) if "/v1/videos" in request.url else None,
    )
    send(page, VIDEO)
    await_uploads(page, waiting)
    waiting.pop().abort()
    with page.expect_request("**/v1/videos*"):
        page.get_by_role("button", name="Try again").click()
    assert len(keys) == 2
    assert keys[0]
    assert keys[0] == keys[1]


def test_another_tab_shows_an_upload_as_that_of_the_first(page: Page) -> None:
    """Another tab shows a running upload as such and takes over its job; closing the first tab interrupts it."""
    page.goto("/")
    waiting = hold(page.context)
    send(page, VIDEO)
    other = page.context.new_page()
    other.goto("/")
    row = other.locator(".job-state")
    expect(row).to_contain_text("Uploading in another tab")
    other.wait_for_timeout(1500)
    expect(row).to_contain_text("Uploading in another tab")
    await_uploads(page, waiting)
    waiting.pop().fulfill(status=202, json=job_document("new"))
    expect(other.locator(".job[data-state=running]")).to_have_count(1)
    expect(other.locator(".job")).to_have_count(1)
    page.on("dialog", lambda dialog: dialog.accept())
    send(page, OTHER)
    expect(other.locator(".job")).to_have_count(2)
    page.close()
    expect(other.locator(".job[data-state=interrupted]")).to_have_count(1)


def test_an_upload_can_be_cancelled_while_the_key_is_requested(page: Page) -> None:
    """The dialog for the key closes with the last upload that needs it, and cancelled uploads are not sent again."""
    sent: list[str] = []
    refusal = {"code": "unauthorized", "title": "No", "status": 401, "detail": "No"}
    page.goto("/")
    page.route("**/v1/videos*", lambda route: route.fulfill(status=401, json=refusal))
    page.on("request", lambda request: sent.append(request.url) if "/v1/videos" in request.url else None)
    page.on("dialog", lambda dialog: dialog.accept())
    page.set_input_files("#file", [VIDEO, OTHER])
    question = page.locator("dialog#key")
    expect(question).to_be_visible()
    page.get_by_role("button", name="Cancel new.mp4", include_hidden=True).dispatch_event("click")
    expect(page.locator(".job-name")).to_have_text(["other.mp4"])
    expect(question).to_be_visible()
    page.get_by_role("button", name="Cancel other.mp4", include_hidden=True).dispatch_event("click")
    expect(page.locator(".job")).to_have_count(0)
    expect(question).to_have_count(0)
    assert len(sent) == 2


def test_a_refused_key_is_requested_once_for_all_files(page: Page) -> None:
    """Closing the dialog for the key applies to all files chosen before."""
    refusal = {"code": "unauthorized", "title": "No", "status": 401, "detail": "No"}
    page.goto("/")
    page.route("**/v1/videos*", lambda route: route.fulfill(status=401, json=refusal))
    page.set_input_files("#file", numbered(6))
    page.get_by_role("button", name="Close").click()
    expect(page.locator(".job[data-state=failed]")).to_have_count(6)
    expect(page.locator("dialog#key")).to_have_count(0)


def test_many_uploads_leave_connections_to_the_rest_of_the_page(page: Page) -> None:
    """The page sends two uploads at a time; a waiting one can be cancelled before it is sent."""
    page.goto("/")
    waiting = hold(page)
    page.on("dialog", lambda dialog: dialog.accept())
    send(page, *numbered(5))
    expect(page.locator(".job-state", has_text="Waiting to be uploaded")).to_have_count(5)
    await_uploads(page, waiting, 2)
    page.wait_for_timeout(300)
    assert len(waiting) == 2
    page.get_by_role("button", name="Cancel 2.mp4").click()
    expect(page.locator(".job")).to_have_count(4)
    with page.expect_request("**/v1/videos*") as request:
        waiting.pop(0).fulfill(status=202, json=job_document("new"))
    assert b'filename="3.mp4"' in (request.value.post_data_buffer or b"")


def drop(page: Page, *paths: Path) -> None:
    """Drop files and folders on the page, as from the desktop."""
    session = page.context.new_cdp_session(page)
    data = {"items": [], "files": [str(path) for path in paths], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        session.send("Input.dispatchDragEvent", {"type": kind, "x": 600, "y": 500, "data": data})


@pytest.fixture
def holiday(tmp_path: Path) -> Path:
    """A folder with two videos, one of them in a subfolder, and with other files."""
    folder = tmp_path / "holiday"
    (folder / "beach").mkdir(parents=True)
    for name in ("one.mp4", "beach/two.mkv", "notes.txt", ".hidden.mp4"):
        (folder / name).write_bytes(b"not looked at")
    (tmp_path / "empty").mkdir()
    return folder


def test_the_videos_of_a_folder_are_uploaded(page: Page, holiday: Path) -> None:
    """A dropped folder uploads its videos, also from subfolders; a folder without videos is named in a note."""
    page.goto("/")
    hold(page)
    drop(page, holiday)
    expect(page.locator(".job-name")).to_have_text(["two.mkv", "one.mp4"])
    expect(page.locator("#drop-note")).to_be_empty()
    drop(page, holiday.parent / "empty", holiday / "notes.txt")
    expect(page.locator("#drop-note")).to_have_text("The folder empty contains no video and no picture.")
    expect(page.locator(".job-name")).to_have_text(["notes.txt", "two.mkv", "one.mp4"])
