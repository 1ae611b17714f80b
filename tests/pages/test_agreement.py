"""The page of agreement: the threshold of `uncertain`, applied to a video, and tables on a phone."""

import re
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from duygu.shared.schemas.emotions import EMOTIONS
from duygu.shared.schemas.result import Window
from tests.support.results.labelled import labelled

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

RIGHT_FROM = 0.6
"""Confidence from which the labels of the video below agree with the model."""


@pytest.fixture
def job(address: str) -> str:
    """Path of a job whose model is right in exactly the windows above a confidence, by the labels of one rater."""
    result, labels = labelled(120, flipped=0)
    windows = {(face.face_id, window.start_s): window for face in result.faces for window in face.windows}
    given = [label.model_dump() | {"emotion": label_of(windows[label.face_id, label.start_s])} for label in labels]
    with httpx.Client(base_url=address) as api:
        stored = api.post("/v1/jobs", content=result.model_dump_json()).raise_for_status().json()
        path = f"/v1/jobs/{stored['job_id']}"
        api.put(f"{path}/labels/ann", json=given).raise_for_status()
    return path


def label_of(window: Window) -> str:
    """The label of a window: that of the model, or the next emotion where its confidence is low."""
    place = EMOTIONS.index(window.emotion)
    return window.emotion if window.confidence >= RIGHT_FROM else EMOTIONS[(place + 1) % len(EMOTIONS)]


def uncertain(address: str, job: str) -> dict[str, Any]:
    """The confidences of the windows that are marked `uncertain` and of those that are not."""
    result = httpx.get(f"{address}{job}/result").raise_for_status().json()
    windows = [window for face in result["faces"] for window in face["windows"]]
    return {"below": result["uncertain_below"], "marked": [w["confidence"] for w in windows if w["uncertain"]]}


def test_the_threshold_of_a_video_is_set_and_reset(page: Page, address: str, job: str) -> None:
    """A click sets the threshold that the labels suggest, as an edit of the result; another one removes it."""
    page.goto(f"/agreement#job/{job.rpartition('/')[2]}")
    page.get_by_label("Right among the windows").select_option("0.9")
    expect(page.locator("#threshold-reset")).to_be_hidden()
    page.get_by_role("button", name="Use it for this video").click()
    expect(page.locator("#threshold-state")).to_contain_text("This video uses the threshold")
    expect(page.locator("#threshold-use")).to_be_hidden()
    expect(page.locator("#threshold-reset")).to_be_focused()
    edited = uncertain(address, job)
    assert 0.4 < edited["below"] < RIGHT_FROM + 0.05
    assert edited["marked"]
    assert max(edited["marked"]) < edited["below"]
    page.get_by_role("button", name="Back to the model's threshold").click()
    expect(page.locator("#threshold-reset")).to_be_hidden()
    expect(page.locator("#threshold-use")).to_be_focused()
    assert uncertain(address, job)["below"] is None


def test_two_windows_set_the_threshold(page: Page, address: str, job: str) -> None:
    """An edit of another window meanwhile is not lost."""
    page.goto(f"/agreement#job/{job.rpartition('/')[2]}")
    expect(page.get_by_role("button", name="Use it for this video")).to_be_visible()
    httpx.post(f"{address}{job}/edits", json={"op": "rename", "face_id": 1, "name": "Ann"}).raise_for_status()
    page.get_by_role("button", name="Use it for this video").click()
    expect(page.locator("#threshold-state")).to_contain_text("This video uses the threshold")
    edits = httpx.get(f"{address}{job}/edits").json()["edits"]
    assert [edit["op"] for edit in edits] == ["rename", "threshold"]


def test_wide_tables_scroll_on_a_phone(page: Page, job: str) -> None:
    """The page is as wide as the phone; a table with more to the right fades there and scrolls by keyboard."""
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto(f"/agreement#job/{job.rpartition('/')[2]}")
    box = page.locator("#pairs .table-scroll").last
    expect(box).to_have_attribute("data-more", "right")
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    box.focus()
    page.keyboard.press("End")
    for _ in range(30):
        page.keyboard.press("ArrowRight")
    expect(box).to_have_attribute("data-more", "")


def test_windows_without_a_majority_are_counted(page: Page, address: str, job: str) -> None:
    """A window in which two raters differ is left out and counted, with numbers in the form of the language."""
    labels = httpx.get(f"{address}{job}/labels/ann").raise_for_status().json()
    place = EMOTIONS.index(labels[0]["emotion"])
    labels[0]["emotion"] = EMOTIONS[(place + 1) % len(EMOTIONS)]
    httpx.put(f"{address}{job}/labels/bob", json=labels).raise_for_status()
    page.goto(f"/agreement#job/{job.rpartition('/')[2]}")
    expect(page.locator("#model-figures")).to_contain_text("In 1 window no emotion has a majority")
    expect(page.locator("#target option").last).to_have_text("95%")
    page.select_option("#language", "tr")
    expect(page.locator("#pairs td").first).to_contain_text(re.compile(r"^0,\d\d"))
    expect(page.locator("#target option").last).to_have_text("%95")
