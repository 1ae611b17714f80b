"""The list of the person's videos; the server's answers are dictated where real ones come too soon or too late."""

from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]


def told(job_id: str, **news: Any) -> dict[str, Any]:
    """A job as the server describes it, running unless `news` says otherwise."""
    job = {
        "job_id": job_id,
        "status": "running",
        "progress": 0.5,
        "error": None,
        "sha256": "0" * 64,
        "links": {"video": None},
    }
    return {**job, **news}


def remember(page: Page, *job_ids: str) -> None:
    """Let the browser know jobs of an earlier visit, which cannot tell by themselves how they go."""
    kept = [{"id": job_id, "name": f"{job_id}.mp4", "added": 1} for job_id in job_ids]
    page.goto("/")
    page.evaluate("(kept) => localStorage.setItem('duygu.jobs', JSON.stringify(kept))", kept)
    page.route("**/v1/jobs/*/events", lambda route: route.abort())


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
