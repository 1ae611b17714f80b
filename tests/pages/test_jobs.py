"""The list of the person's videos, while the server says what the test wants it to say."""

from collections.abc import Iterator
from itertools import count

import pytest
from playwright.sync_api import Page, Route, expect

from tests.pages.dictated import remember, told

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]


def test_a_button_that_is_pressed_is_there_when_it_is_let_go(page: Page) -> None:
    """However often a job tells how far it is: cancelling it takes one click, as slow as a person's."""
    shares: Iterator[int] = count(1)
    erased: list[str] = []

    def answer(route: Route) -> None:
        if route.request.method == "DELETE":
            erased.append(route.request.url)
            return route.fulfill(status=204)
        return route.fulfill(json=told("slow", progress=next(shares) / 1000))

    remember(page, "slow")
    page.route("**/v1/jobs/slow", answer)
    page.reload()
    page.get_by_role("button", name="Cancel slow.mp4").hover()
    page.mouse.down()
    before = page.locator("progress").get_attribute("value")
    expect(page.locator("progress")).not_to_have_attribute("value", before or "")
    page.mouse.up()
    expect(page.locator(".job")).to_have_count(0)
    assert len(erased) == 1
