"""The list of videos against scripted responses of the server."""

from collections.abc import Iterator
from itertools import count

import pytest
from playwright.sync_api import FilePayload, Page, Route, expect

from tests.support.servers.scripted_server import job_document, remember

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]


def test_a_button_that_is_pressed_is_there_when_it_is_let_go(page: Page) -> None:
    """A row that is updated during a click keeps its button, so that one click cancels the job."""
    shares: Iterator[int] = count(1)
    erased: list[str] = []

    def respond(route: Route) -> None:
        if route.request.method == "DELETE":
            erased.append(route.request.url)
            return route.fulfill(status=204)
        return route.fulfill(json=job_document("slow", progress=next(shares) / 1000))

    remember(page, "slow")
    page.route("**/v1/jobs/slow", respond)
    page.reload()
    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Cancel slow.mp4").hover()
    page.mouse.down()
    before = page.locator("progress").get_attribute("value")
    expect(page.locator("progress")).not_to_have_attribute("value", before or "")
    page.mouse.up()
    expect(page.locator(".job")).to_have_count(0)
    assert len(erased) == 1


VIDEO: FilePayload = {"name": "new.mp4", "mimeType": "video/mp4", "buffer": b"not looked at"}


def test_two_tabs_keep_one_list(page: Page) -> None:
    """Two tabs share one list: uploads appear in both, removals apply to both, and no entry is lost."""

    def respond(route: Route) -> None:
        if route.request.method == "DELETE":
            return route.fulfill(status=204)
        return route.fulfill(json=job_document(route.request.url.rpartition("/")[2]))

    remember(page, "old")
    page.context.route("**/v1/jobs/*/events", lambda route: route.abort())
    page.context.route("**/v1/jobs/*", respond)
    page.context.route("**/v1/videos*", lambda route: route.fulfill(status=202, json=job_document("new")))
    page.reload()
    other = page.context.new_page()
    other.goto("/")
    expect(other.locator(".job")).to_have_count(1)
    page.set_input_files("#file", VIDEO)
    expect(other.locator(".job")).to_have_count(2)
    other.on("dialog", lambda dialog: dialog.accept())
    other.get_by_role("button", name="Cancel old.mp4").click()
    expect(page.locator(".job")).to_have_count(1)
    other.reload()
    expect(other.locator(".job-name")).to_have_text("new.mp4")


def test_an_upload_is_not_lost_by_accident(page: Page) -> None:
    """Leaving the page during an upload needs confirmation; a retry is offered for errors that may be temporary."""
    waiting: list[Route] = []
    leaving = """() => {
      const event = new Event("beforeunload", { cancelable: true });
      dispatchEvent(event);
      return event.defaultPrevented;
    }"""
    page.goto("/")
    page.route("**/v1/videos*", lambda route: waiting.append(route))
    for status, helps in ((422, False), (503, True), (429, True), (403, True)):
        with page.expect_request("**/v1/videos*"):
            page.set_input_files("#file", VIDEO)
        assert page.evaluate(leaving)
        waiting.pop().fulfill(status=status, json={"code": "any", "title": "No", "status": status})
        expect(page.locator(".job[data-state=failed]")).to_have_count(1)
        expect(page.get_by_role("button", name="Try again")).to_have_count(int(helps))
        assert not page.evaluate(leaving)
        page.get_by_role("button", name="Erase new.mp4").click()


def test_another_key_sends_what_was_refused(page: Page) -> None:
    """A new key resends a refused upload without a reload, which would drop the running uploads."""
    keys: list[str | None] = []

    def respond(route: Route) -> None:
        keys.append(route.request.headers.get("authorization"))
        if keys[-1] is None:
            return route.fulfill(status=401, json={"code": "unauthorized", "title": "No", "status": 401})
        return route.fulfill(status=202, json=job_document("new"))

    page.goto("/")
    page.route("**/v1/jobs/**", lambda route: route.fulfill(json=job_document("new")))
    page.route("**/v1/videos*", respond)
    page.set_input_files("#file", VIDEO)
    page.get_by_role("button", name="Close").click()
    expect(page.locator(".job[data-state=failed]")).to_have_count(1)
    page.get_by_role("button", name="API key").click()
    page.get_by_label("Key", exact=True).fill("good")
    page.get_by_role("button", name="Use key").click()
    expect(page.locator(".job[data-state=running]")).to_have_count(1)
    assert keys == [None, "Bearer good"]
