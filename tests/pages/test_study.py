"""The page of a study, against a real service with a real worker."""

import csv
import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.pages.test_accessibility import faults as accessibility_faults
from tests.support.results.study import planted

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

PATIENCE_MS = 60_000

NAMES = ["ann.mp4", "bob.mp4", "cem.mp4"]

PASTE = """([selector, text]) => {
  const data = new DataTransfer();
  data.setData("text/plain", text);
  const event = new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true });
  document.querySelector(selector).dispatchEvent(event);
}"""


@pytest.fixture(scope="module")
def jobs(address: str) -> Iterator[list[str]]:
    """Ids of three finished jobs; they and all studies are erased at the end."""
    with httpx.Client(base_url=address, timeout=60) as client:
        ids = [
            client.post("/v1/jobs", params={"title": name}, content=planted(20, (5 + at, 8 + at)).model_dump_json())
            .raise_for_status()
            .json()["job_id"]
            for at, name in enumerate(NAMES)
        ]
        yield ids
        for study in client.get("/v1/studies?limit=100").json()["studies"]:
            client.delete(f"/v1/studies/{study['study_id']}")
        for job_id in ids:
            client.delete(f"/v1/jobs/{job_id}")


def made(address: str, jobs: list[str], **content: Any) -> dict[str, Any]:
    """Return a study of these jobs."""
    rows = [{"job_id": job_id, "participant": f"P{at}"} for at, job_id in enumerate(jobs, 1)]
    study: dict[str, Any] = (
        httpx.post(f"{address}/v1/studies", json={"rows": rows, **content}).raise_for_status().json()
    )
    return study


def opened(page: Page, study: dict[str, Any]) -> None:
    """Open the page of a study."""
    page.goto(f"/study#study/{study['study_id']}")
    expect(page.locator("#rows tbody tr")).to_have_count(len(study["rows"]), timeout=PATIENCE_MS)


def cell(row: int, column: str, table: str = "rows") -> str:
    """Return the selector of a cell, with rows from 1."""
    return f'#{table} tr[data-row="{row - 1}"] input[data-column="{column}"]'


def test_videos_of_the_list_become_a_study_with_a_zip(
    page: Page, address: str, jobs: list[str], tmp_path: Path
) -> None:
    """Selected videos open as a table; a pasted spreadsheet fills it, faults are corrected, and the ZIP has tables."""
    page.goto("/")
    page.click("#server-jobs")
    page.click("#job-select")
    for name in NAMES:
        page.get_by_label(f"Select {name}").check()
    page.click("#bulk-study")
    expect(page.locator("#rows tbody tr")).to_have_count(3, timeout=PATIENCE_MS)
    expect(page.locator(cell(1, "participant"))).to_have_value("ann")
    page.fill("#study-title", "Pilot: 1/2")
    lines = [
        "video,group,stimulus,offset_s,Age",
        "cem.mp4,B,film,2,44",
        "ann.mp4,A,film,soon,31",
        "bob.mp4,A,film,1,27",
    ]
    spreadsheet = "\n".join(lines).replace(",", "\t")
    page.focus(cell(1, "participant"))
    page.evaluate(PASTE, [cell(1, "participant"), spreadsheet])
    expect(page.locator(cell(3, "group"))).to_have_value("B")
    expect(page.locator(cell(1, "Age"))).to_have_value("31")
    wrong = page.locator("#fault-list button")
    expect(wrong).to_have_text(["Row 1, Stimulus starts at, s: expected seconds, such as 12.5"], timeout=PATIENCE_MS)
    expect(page.locator(cell(1, "offset_s"))).to_have_attribute("aria-invalid", "true")
    page.click("#study-download")  # nothing is downloaded; the list of faults has the focus
    expect(wrong).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(cell(1, "offset_s"))).to_be_focused()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("0")
    expect(page.locator("#study-faults")).to_be_hidden(timeout=PATIENCE_MS)
    expect(page.locator("#study-state")).to_have_text("Saved", timeout=PATIENCE_MS)
    with page.expect_download(timeout=PATIENCE_MS) as waited:
        page.click("#study-download")
    assert waited.value.suggested_filename == "Pilot 1 2.zip"
    waited.value.save_as(tmp_path / "study.zip")
    with zipfile.ZipFile(tmp_path / "study.zip") as archive:
        rows = list(csv.DictReader(io.StringIO(archive.read("tables/episodes.csv").decode())))
        assert archive.testzip() is None
    happy = [(row["participant"], row["group"], row["Age"]) for row in rows if row["emotion"] == "happiness"]
    assert happy == [("ann", "A", "31"), ("bob", "A", "27"), ("cem", "B", "44")]
    starts = [float(row["stimulus_start_s"]) for row in rows if row["emotion"] == "happiness"]
    assert starts == pytest.approx([5, 5, 5], abs=0.5)
    page.click(".back")
    expect(page.locator("#study-list a")).to_have_text(["Pilot: 1/2"], timeout=PATIENCE_MS)
    page.click("#study-list a")
    expect(page.locator("#study-title")).to_have_value("Pilot: 1/2", timeout=PATIENCE_MS)
    expect(page.locator(cell(3, "Age"))).to_have_value("44")


def test_the_table_is_edited_by_keys(page: Page, address: str, jobs: list[str]) -> None:
    """Enter and the arrows go through a column, rows and columns are added and removed, markers paste as rows."""
    study = made(address, jobs[:2])
    opened(page, study)
    page.focus(cell(1, "group"))
    page.keyboard.type("A")
    page.keyboard.press("Enter")
    expect(page.locator(cell(2, "group"))).to_be_focused()
    page.keyboard.type("B")
    page.keyboard.press("ArrowUp")
    expect(page.locator(cell(1, "group"))).to_be_focused()
    page.click("#study-column")
    page.keyboard.type("age")
    page.keyboard.press("Enter")
    expect(page.locator(cell(1, "age"))).to_be_focused()
    page.keyboard.type("31")
    page.click("#study-add")
    page.locator(".picker label", has_text="cem.mp4").click()
    page.get_by_role("button", name="Add the selected videos").click()
    expect(page.locator(cell(3, "participant"))).to_be_focused()
    page.keyboard.type("P3")
    page.get_by_label("Remove row 1").click()
    expect(page.locator("#rows tbody tr")).to_have_count(2)
    page.click("#marker-add")
    expect(page.locator(cell(1, "name", "markers"))).to_be_focused()
    page.evaluate(PASTE, [cell(1, "name", "markers"), "joke\t4\t1\nend\t9\t"])
    expect(page.locator("#markers tbody tr")).to_have_count(2)
    expect(page.locator("#fault-list button").first).to_contain_text("Row 1, Participant: a value is missing")
    expect(page.locator("#study-state")).to_have_text("Saved", timeout=PATIENCE_MS)
    kept = httpx.get(f"{address}/v1/studies/{study['study_id']}").json()
    assert [(row["participant"], row["group"], row["free"]) for row in kept["rows"]] == [
        ("P2", "B", {"age": ""}),
        ("P3", "", {"age": ""}),
    ]
    assert [(one["name"], one["time_s"]) for one in kept["markers"]] == [("joke", "4"), ("end", "9")]


def test_a_change_by_another_window_is_not_overwritten(page: Page, address: str, jobs: list[str]) -> None:
    """The page says that it could not save, and loads the other version on request."""
    study = made(address, jobs[:1])
    opened(page, study)
    other = [{"job_id": jobs[0], "participant": "other"}]
    httpx.put(f"{address}/v1/studies/{study['study_id']}", json={"rows": other}).raise_for_status()
    page.fill(cell(1, "participant"), "mine")
    expect(page.locator("#study-conflict")).to_be_visible(timeout=PATIENCE_MS)
    page.click("#study-reload")
    expect(page.locator(cell(1, "participant"))).to_have_value("other")
    expect(page.locator("#study-conflict")).to_be_hidden()
    page.on("dialog", lambda dialog: dialog.accept())
    page.click("#study-delete")
    expect(page.locator("#home")).to_be_visible(timeout=PATIENCE_MS)
    page.goto(f"/study#study/{study['study_id']}")
    expect(page.locator("#trouble-code")).to_have_text("study_not_found", timeout=PATIENCE_MS)


@pytest.mark.parametrize("language", ["en", "tr"])
@pytest.mark.parametrize("width", [390, 1280])
def test_the_page_fits_and_excludes_nobody(
    browser: Browser, address: str, jobs: list[str], width: int, language: str
) -> None:
    """axe finds no violation, nothing sticks out of the window, and no text is left untranslated."""
    rows = [{"job_id": jobs[0], "offset_s": "soon"}, {"job_id": jobs[1], "participant": "P2", "free": {"age": "31"}}]
    study = made(address, jobs, rows=rows, markers=[{"name": "joke", "time_s": "1", "stimulus": "film"}], title="Pilot")
    context = browser.new_context(
        base_url=address, locale="en-GB", viewport={"width": width, "height": 900}, bypass_csp=True
    )
    page = context.new_page()
    opened(page, study)
    page.select_option("#language", language)
    page.click(".study-settings summary")
    found = accessibility_faults(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert "study." not in page.locator("#study").inner_text()
    page.click("#study-add")
    page.locator(".picker li").first.wait_for()
    found += accessibility_faults(page)
    context.close()
    assert found == []
