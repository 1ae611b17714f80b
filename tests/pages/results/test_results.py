"""Navigation to a result and away from it, against scripted responses of the server."""

import hashlib
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.support.media.videos import Scene, VideoMaker
from tests.support.servers.scripted_server import job_document, remember, result

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

Respond = Callable[..., None]


@pytest.fixture
def late(page: Page) -> Respond:
    """Opens job `slow`, whose result arrives when the fixture is called; job `quick` has its result at once."""
    waiting: list[Route] = []
    remember(page, "slow", "quick")
    page.route("**/v1/jobs/*", lambda route: route.fulfill(json=job_document("any", status="succeeded")))
    page.route("**/v1/jobs/quick/result?edited=false", lambda route: route.fulfill(json=result()))
    page.route("**/v1/jobs/slow/result?edited=false", lambda route: waiting.append(route))
    page.reload()
    with page.expect_request("**/v1/jobs/slow/result?edited=false"):
        page.get_by_role("link", name="slow.mp4").click()

    def respond(**response: Any) -> None:
        with page.expect_response("**/v1/jobs/slow/result?edited=false"):
            waiting.pop().fulfill(**response)
        page.evaluate("() => new Promise((done) => setTimeout(done, 50))")

    return respond


def test_a_result_that_comes_late_is_not_shown_over_the_list(page: Page, late: Respond) -> None:
    """A result that arrives after going back does not replace the list."""
    page.go_back()
    late(json=result())
    expect(page.locator("#workspace")).to_be_hidden()
    expect(page.locator("#home")).to_be_visible()


@pytest.mark.parametrize(
    "response", [{"json": result()}, {"status": 404, "json": {"code": "job_not_found", "title": ""}}]
)
def test_a_late_response_is_not_shown_in_place_of_another_result(
    page: Page, late: Respond, response: dict[str, Any]
) -> None:
    """A late result or error of one job does not replace the displayed result of another."""
    page.evaluate("location.hash = '#job/quick'")
    expect(page.locator("#video-name")).to_have_text("quick.mp4")
    late(**response)
    expect(page.locator("#video-name")).to_have_text("quick.mp4")
    expect(page.locator("#workspace")).to_be_visible()


def test_the_way_past_the_bar_leaves_the_result_open(page: Page, late: Respond) -> None:
    """The skip link moves the focus and keeps the address, also while a result loads."""
    page.locator(".skip").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()
    late(json=result())
    expect(page.locator("#workspace")).to_be_visible()
    assert page.url.endswith("#job/slow")


def test_a_mistyped_address_is_reported_once_and_not_stored(page: Page) -> None:
    """An unknown job shows an error in the chosen language and leaves no entry in the list."""
    page.goto("/#job/mistyped")
    expect(page.locator("#trouble-code")).to_have_text("job_not_found")
    expect(page.locator("#trouble-title")).to_have_text("The job does not exist")
    expect(page.locator("#trouble-detail")).to_contain_text("Check the address")
    expect(page.locator("#trouble-detail")).not_to_contain_text("The job does not exist")
    page.select_option("#language", "tr")
    expect(page.locator("#trouble-title")).to_have_text("Böyle bir iş yok")
    page.select_option("#language", "en")
    page.locator("#trouble a").click()
    expect(page.locator(".job")).to_have_count(0)
    assert page.evaluate("JSON.parse(localStorage.getItem('duygu.jobs') ?? '[]')") == []


def test_another_video_is_not_taken_for_the_one_of_the_result(page: Page, video_maker: VideoMaker) -> None:
    """A file with another sha256 is refused before boxes are drawn over it and before a job replaces the result."""
    right = Scene(duration_s=2.0, fps=5, width=160, height=120, container="webm", codec="libvpx")
    wrong = replace(right, duration_s=0.4)
    erased: list[str] = []
    digest = hashlib.sha256(video_maker.make(right).read_bytes()).hexdigest()
    first = job_document("first", sha256=digest, status="succeeded")
    again = job_document("again", sha256="1" * 64, status="succeeded")

    def job(route: Route) -> None:
        if route.request.method == "DELETE":
            erased.append(route.request.url)
        route.fulfill(json=again if "again" in route.request.url else first)

    remember(page, "first")
    page.route("**/v1/jobs/*", job)
    page.route("**/v1/videos*", lambda route: route.fulfill(status=202, json=job_document("again")))
    page.route("**/v1/jobs/*/result?edited=false", lambda route: route.fulfill(json=result()))
    page.reload()
    page.get_by_role("link", name="first.mp4").click()
    page.set_input_files("#own-file", video_maker.make(wrong))
    expect(page.locator("#stage-note p")).to_contain_text("This is a different video")
    assert page.locator("#own-file").input_value() == ""
    page.select_option("#language", "tr")
    expect(page.locator("#stage-note p")).to_contain_text("Bu farklı bir video")
    page.select_option("#language", "en")
    expect(page.get_by_role("button", name="MP4")).to_be_disabled()
    page.set_input_files("#own-file", video_maker.make(right))
    page.get_by_role("button", name="MP4").click()
    expect(page.get_by_role("button", name="MP4")).to_be_enabled()
    expect(page).to_have_url(re.compile("#job/first"))
    page.locator(".back").click()
    expect(page.locator(".job")).to_have_count(2)
    assert erased == []


def test_a_picture_that_a_worker_still_draws_is_saved_later(page: Page) -> None:
    """The note says what the picture waits for, also in a long analysis, and the file is saved once it is there."""
    page.clock.install()
    remember(page, "one")
    page.route("**/v1/jobs/*", lambda route: route.fulfill(json=job_document("any", status="succeeded")))
    page.route("**/v1/jobs/*/result?edited=false", lambda route: route.fulfill(json=result(duration_s=60.0)))
    tries = []

    def draw(route: Route) -> None:
        tries.append(route.request.url)
        if len(tries) <= 20:
            problem = {"code": "result_not_ready", "title": "", "status": 409, "detail": ""}
            route.fulfill(status=409, json=problem, content_type="application/problem+json")
        else:
            route.fulfill(body="picture")

    page.route("**/result?format=png", draw)
    page.reload()
    page.get_by_role("link", name="one.mp4").click()
    page.locator(".download", has_text="PNG").click()
    note = page.locator("#downloads-note")
    expect(note).to_have_text(re.compile(r"^one\.png is being made\. The worker finishes the analyses before it"))
    with page.expect_download():
        while len(tries) <= 20:
            page.clock.run_for(1000)
    expect(note).to_have_text("one.png was saved.")


def test_each_result_starts_afresh_but_for_the_speed(page: Page) -> None:
    """Opening another result clears the note about downloads and keeps the speed."""
    page.clock.install()
    remember(page, "one", "two")
    page.route("**/v1/jobs/*", lambda route: route.fulfill(json=job_document("any", status="succeeded")))
    page.route("**/v1/jobs/*/result?edited=false", lambda route: route.fulfill(json=result(duration_s=60.0)))
    page.route("**/result?format=csv", lambda route: route.fulfill(body="face_id"))
    page.reload()
    page.get_by_role("link", name="one.mp4").click()
    page.select_option("#speed", "2")
    page.locator(".download", has_text="CSV").click()
    expect(page.locator("#downloads-note")).to_have_text("one.csv was saved.")
    page.locator(".back").click()
    page.get_by_role("link", name="two.mp4").click()
    expect(page.locator("#video-name")).to_have_text("two.mp4")
    expect(page.locator("#downloads-note")).to_be_empty()
    page.locator("#play").click()
    page.clock.fast_forward(20_000)
    page.wait_for_function(
        "() => document.getElementById('lane-view').getAttribute('aria-valuenow') > 39", timeout=30_000
    )
