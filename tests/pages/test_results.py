"""Ways to a result and away from it, while the server says what the test wants it to say."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.pages.dictated import remember, result, told

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

Answer = Callable[..., None]


@pytest.fixture
def late(page: Page) -> Answer:
    """Job `quick` has its result at once, `slow` when the fixture is called with the answer: its page waits for it."""
    waiting: list[Route] = []
    remember(page, "slow", "quick")
    page.route("**/v1/jobs/*", lambda route: route.fulfill(json=told("any", status="succeeded")))
    page.route("**/v1/jobs/quick/result", lambda route: route.fulfill(json=result()))
    page.route("**/v1/jobs/slow/result", lambda route: waiting.append(route))
    page.reload()
    with page.expect_request("**/v1/jobs/slow/result"):
        page.get_by_role("link", name="slow.mp4").click()

    def answer(**response: Any) -> None:
        with page.expect_response("**/v1/jobs/slow/result"):
            waiting.pop().fulfill(**response)
        page.evaluate("() => new Promise((done) => setTimeout(done, 50))")

    return answer


def test_a_result_that_comes_late_is_not_shown_over_the_list(page: Page, late: Answer) -> None:
    """Who has gone back meanwhile stays on the first page."""
    page.go_back()
    late(json=result())
    expect(page.locator("#workspace")).to_be_hidden()
    expect(page.locator("#home")).to_be_visible()


@pytest.mark.parametrize(
    "answer", [{"json": result()}, {"status": 404, "json": {"code": "job_not_found", "title": ""}}]
)
def test_a_late_answer_is_not_shown_in_place_of_another_result(
    page: Page, late: Answer, answer: dict[str, Any]
) -> None:
    """Result or failure: what is shown belongs to the address."""
    page.evaluate("location.hash = '#job/quick'")
    expect(page.locator("#video-name")).to_have_text("quick.mp4")
    late(**answer)
    expect(page.locator("#video-name")).to_have_text("quick.mp4")
    expect(page.locator("#workspace")).to_be_visible()


def test_the_way_past_the_bar_leaves_the_result_open(page: Page, late: Answer) -> None:
    """The skip link moves the focus and not the address, also while a result is on its way."""
    page.locator(".skip").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()
    late(json=result())
    expect(page.locator("#workspace")).to_be_visible()
    assert page.url.endswith("#job/slow")


def test_an_address_that_is_mistyped_is_told_once_and_not_kept(page: Page) -> None:
    """In the language that is chosen; nothing of it is in the list afterwards."""
    page.goto("/#job/mistyped")
    expect(page.locator("#trouble-code")).to_have_text("job_not_found")
    expect(page.locator("#trouble-title")).to_have_text("There is no such job")
    expect(page.locator("#trouble-detail")).to_be_hidden()
    page.select_option("#language", "tr")
    expect(page.locator("#trouble-title")).to_have_text("Böyle bir iş yok")
    page.select_option("#language", "en")
    page.locator("#trouble a").click()
    expect(page.locator(".job")).to_have_count(0)
    assert page.evaluate("JSON.parse(localStorage.getItem('duygu.jobs') ?? '[]')") == []
