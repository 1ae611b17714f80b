"""Labelling by hand, and the page of the agreement, against a real service."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from duygu.shared.schemas.emotions import EMOTIONS
from tests.support.media.videos import Scene, VideoMaker

PATIENCE_MS = 60_000


@pytest.fixture(scope="module")
def job(address: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """Return a job of a video with a face, and the path of the video."""
    scene = Scene(duration_s=6.0, width=640, height=480, container="webm", codec="libvpx")
    video = VideoMaker(tmp_path_factory.mktemp("videos")).make(scene)
    with httpx.Client(base_url=address, timeout=120) as client:
        response = client.post("/v1/videos", files={"video": video.read_bytes()}, headers={"Prefer": "wait=60"})
        yield {**response.json(), "path": video}


def begin(page: Page, job: dict[str, Any], rater: str, kind: str = "moments") -> None:
    """Open the page, enter a name and choose the video."""
    page.goto(f"/label#job/{job['job_id']}")
    page.fill("#rater", rater)
    page.check(f"input[value={kind}]")
    page.get_by_role("button", name="Begin").click()
    expect(page.locator("#labelling")).to_be_visible(timeout=PATIENCE_MS)


def labels_of(address: str, job: dict[str, Any], rater: str) -> list[dict[str, Any]]:
    """Return the labels that the service has."""
    labels: list[dict[str, Any]] = httpx.get(f"{address}/v1/jobs/{job['job_id']}/labels/{rater}").json()
    return labels


def test_a_rater_labels_every_moment_by_keys(page: Page, address: str, job: dict[str, Any]) -> None:
    """Keys answer the moments one after the other; the labels are on the server, and the agreement shows them."""
    begin(page, job, "ann")
    page.set_input_files("#own-file", job["path"])
    expect(page.locator("#stage-note")).to_be_hidden(timeout=PATIENCE_MS)
    total = int(page.locator("#labelling-title").inner_text().split()[-1])
    for number in range(total):
        page.keyboard.press("7" if number else "0")
    expect(page.locator("#progress-text")).to_have_text("Everything is labelled. Thank you.")
    expect(page.locator("#save-state")).to_have_text("Saved", timeout=PATIENCE_MS)
    labels = labels_of(address, job, "ann")
    assert len(labels) == total
    assert sorted(label["emotion"] for label in labels) == ["cannot_tell", *["neutral"] * (total - 1)]
    page.get_by_text("Finish").click()
    expect(page.locator("#agreement")).to_be_visible(timeout=PATIENCE_MS)
    expect(page.locator("#agreement-facts")).to_contain_text(f"{total} labels")
    expect(page.locator("#enough")).to_contain_text("support no claim")


def test_the_page_contains_nothing_of_the_model(browser: Browser, address: str, job: dict[str, Any]) -> None:
    """Until it is finished, no response and no text of the page has an emotion, a confidence or a probability."""
    context = browser.new_context(base_url=address, locale="en-GB")
    page = context.new_page()
    bodies: list[tuple[str, str]] = []
    page.on(
        "response",
        lambda response: bodies.append((response.url, response.text())) if "/v1/" in response.url else None,
    )
    begin(page, job, "blind")
    page.set_input_files("#own-file", job["path"])
    expect(page.locator("#stage-note")).to_be_hidden(timeout=PATIENCE_MS)
    before = page.content()
    assert bodies
    for url, body in bodies:
        assert "/result" not in url
        assert "/events" not in url
        assert "/agreement" not in url
        assert not [word for word in (*EMOTIONS, "confidence", "probabilit", "uncertain") if word in body], url
    answers = page.locator("#answers").inner_html()
    rest = before.replace(answers, "")
    assert not [word for word in EMOTIONS if f">{word}" in rest]
    assert page.locator("#answers [aria-pressed=true]").count() == 0
    context.close()


def test_work_goes_on_without_a_connection_and_after_a_reload(page: Page, address: str, job: dict[str, Any]) -> None:
    """Labels given offline are kept by the browser through a reload, and saved once the service answers again."""
    begin(page, job, "offline")
    page.route("**/labels/offline", lambda route: route.abort())
    page.keyboard.press("4")
    expect(page.locator("#save-state")).to_contain_text("No connection", timeout=PATIENCE_MS)
    assert labels_of(address, job, "offline") == []
    page.on("dialog", lambda dialog: dialog.accept())
    page.reload()
    page.unroute("**/labels/offline")
    page.get_by_role("button", name="Begin").click()
    expect(page.locator("#save-state")).to_have_text("Saved", timeout=PATIENCE_MS)
    page.wait_for_timeout(1000)
    assert [label["emotion"] for label in labels_of(address, job, "offline")] == ["happiness"]
    expect(page.locator("#progress")).to_have_js_property("value", 1)


def test_whole_faces_are_labelled_in_stretches(page: Page, address: str, job: dict[str, Any]) -> None:
    """An answer holds from the playhead on, until the next one; Delete removes a stretch."""
    begin(page, job, "stretches", "stretches")
    page.keyboard.press("7")
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("4")
    expect(page.locator("#save-state")).to_have_text("Saved", timeout=PATIENCE_MS)
    page.wait_for_timeout(800)
    labels = labels_of(address, job, "stretches")
    assert [label["emotion"] for label in labels] == ["neutral", "happiness"]
    assert labels[0]["end_s"] == labels[1]["start_s"] == pytest.approx(2.0, abs=0.05)
    page.keyboard.press("Delete")
    page.wait_for_timeout(1000)
    assert [label["emotion"] for label in labels_of(address, job, "stretches")] == ["neutral"]


def test_a_wrong_video_is_refused(page: Page, job: dict[str, Any], tmp_path: Path) -> None:
    """A file of another size or content is not played, and the reason is given."""
    begin(page, job, "wrong")
    other = tmp_path / "other.webm"
    other.write_bytes(job["path"].read_bytes() + b"\0")
    page.set_input_files("#own-file", other)
    expect(page.locator("#stage-text")).to_contain_text("different video", timeout=PATIENCE_MS)
    expect(page.locator("#stage-note")).to_be_visible()


def test_names_and_jobs_are_checked(page: Page) -> None:
    """A name is turned into letters, digits and hyphens; a job that was erased meanwhile is an error."""
    page.route("**/v1/jobs/*", lambda route: route.fulfill(json={"job_id": "0" * 32, "links": {}}))
    page.goto(f"/label#job/{'0' * 32}")
    page.fill("#rater", "?!")
    page.get_by_role("button", name="Begin").click()
    expect(page.locator("#labelling")).to_be_hidden()
    page.fill("#rater", "Işıl Özgür")
    expect(page.locator("#rater")).to_have_value("isil-ozgur")
    page.get_by_role("button", name="Begin").click()
    expect(page.locator("#setup-problem")).to_have_text("The job does not exist")


@pytest.mark.parametrize(
    ("language", "title", "detail"),
    [("en", "The job does not exist", "Check the address"), ("tr", "Böyle bir iş yok", "Adresi denetleyin")],
)
@pytest.mark.parametrize("job_hash", ["", "#job/deadbeef"])
@pytest.mark.parametrize("path", ["label", "agreement"])
def test_a_job_that_does_not_exist_is_named_at_once(
    page: Page, path: str, job_hash: str, language: str, title: str, detail: str
) -> None:
    """Both pages show title and remedy in the chosen language, each once, and no form."""
    page.goto(f"/{path}{job_hash}")
    page.select_option("#language", language)
    expect(page.locator("#trouble-title")).to_have_text(title)
    expect(page.locator("#trouble-detail")).to_contain_text(detail)
    expect(page.locator("#trouble-detail")).not_to_contain_text("does not exist")
    expect(page.locator("#trouble-code")).to_have_text("job_not_found")
    expect(page.locator("#setup:visible, #agreement:visible")).to_have_count(0)


def test_the_pages_are_turkish_too(page: Page, job: dict[str, Any]) -> None:
    """Every text of the two pages changes with the language."""
    page.goto(f"/label#job/{job['job_id']}")
    page.select_option("#language", "tr")
    expect(page.locator("#setup h1")).to_have_text("Elle etiketle")
    page.goto(f"/agreement#job/{job['job_id']}")
    expect(page.locator("#agreement-title")).to_have_text("Uyum")
    expect(page.locator("#threshold-text")).not_to_contain_text("confidence")
    assert json.loads(page.evaluate("JSON.stringify(document.documentElement.lang)")) == "tr"
