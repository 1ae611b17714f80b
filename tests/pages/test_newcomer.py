"""The whole work on one video, by what the pages say: names, joined faces, labels, agreement, clips for training."""

import csv
import json
import math
import os
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from duygu.services.cli import main as duygu
from duygu.shared.config.settings import Settings
from duygu.shared.vision.detect.mtcnn import Mtcnn
from tests.support.media.videos import Actor, Scene, VideoMaker

pytestmark = [pytest.mark.long, pytest.mark.browser, pytest.mark.timeout(300)]

PATIENCE_MS = 90_000

LEAVES_AND_RETURNS = Scene(
    actors=(
        Actor(start=(0.27, 0.5), seen=((0.0, 4.0), (6.0, math.inf))),
        Actor(start=(0.73, 0.5), mirrored=True),
    ),
    duration_s=12.0,
    width=640,
    height=360,
    container="webm",
    codec="libvpx",
)
"""Two people, of whom one leaves for two seconds and becomes a third face."""


def shot(page: Page, name: str) -> None:
    """Store a screenshot in the folder of DUYGU_TEST_SHOTS, if it is set."""
    if folder := os.environ.get("DUYGU_TEST_SHOTS"):
        page.screenshot(path=Path(folder, f"{name}.png"), full_page=True)


def test_a_newcomer_names_joins_and_labels(page: Page, address: str, video_maker: VideoMaker, tmp_path: Path) -> None:
    """Two people are named, two faces joined, twelve moments labelled; the labels become clips for training."""
    video = video_maker.make(LEAVES_AND_RETURNS)
    page.goto("/")
    page.set_input_files("#file", video)
    page.wait_for_selector("#workspace:not([hidden])", timeout=PATIENCE_MS)
    faces = page.locator("#face-list .face")
    expect(faces).to_have_count(3)
    for number, name in ((1, "Ann"), (2, "Bob")):
        page.locator(f"#face-list [data-face='{number}'] .face-title").click()
        page.keyboard.type(name)
        page.keyboard.press("Enter")
    page.locator("#edit-face").select_option("3")
    page.get_by_role("button", name="Join…").click()
    shot(page, "join")
    page.locator("dialog[open] input:not([disabled])").first.check()
    page.locator("dialog[open]").get_by_role("button", name="Join", exact=True).click()
    expect(faces).to_have_count(2)
    expect(page.locator("#edit-state")).to_have_text("Saved", timeout=PATIENCE_MS)
    shot(page, "result")
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    shot(page, "result-390")
    page.get_by_role("link", name="Label it by hand").first.click()
    page.get_by_label("Your name or initials").fill("Eda")
    page.get_by_label("Minutes").select_option("20")
    shot(page, "label-setup")
    page.get_by_role("button", name="Begin").click()
    expect(page.locator("#labelling")).to_be_visible(timeout=PATIENCE_MS)
    page.set_input_files("#own-file", video)
    expect(page.locator("#stage-note")).to_be_hidden(timeout=PATIENCE_MS)
    total = int(page.locator("#labelling-title").inner_text().split()[-1])
    for number in range(min(total, 12)):
        page.keyboard.press("4")
        if number == 5:
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
            shot(page, "label-390")
    expect(page.locator("#save-state")).to_have_text("Saved", timeout=PATIENCE_MS)
    page.get_by_text("Finish").click()
    expect(page.locator("#agreement")).to_be_visible(timeout=PATIENCE_MS)
    expect(page.locator("#agreement-facts")).to_contain_text(f"{min(total, 12)} labels")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    shot(page, "agreement-390")
    job = page.url.partition("#job/")[2]
    rows = manifest_of(page, f"{address}/v1/jobs/{job}", video, tmp_path)
    assert {row["subject"] for row in rows} == {"Ann", "Bob"}
    assert clips_of(tmp_path / "mine.csv") > 0


def manifest_of(page: Page, job: str, video: Path, folder: Path) -> list[dict[str, str]]:
    """Download the result and the labels, and make a manifest as the documentation says; returns its rows."""
    result, labels = folder / "film.json", folder / "eda.json"
    result.write_bytes(page.request.get(f"{job}/result").body())
    labels.write_bytes(page.request.get(f"{job}/labels/eda").body())
    assert json.loads(labels.read_text())
    manifest = folder / "mine.csv"
    assert duygu(["agree", str(result), str(labels), "--manifest", str(manifest), "--video", str(video)]) == 0
    with manifest.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def clips_of(manifest: Path) -> int:
    """Cut the clips of a manifest; returns their number."""
    from duygu.training.data.recordings import read_recordings
    from duygu.training.prepare import make_clips
    from duygu.training.run.settings import load_recipe

    settings = Settings(threads=1)
    detector = Mtcnn(settings.mtcnn, min_face=settings.min_face, max_faces=settings.max_faces)
    prepared = make_clips(read_recordings(manifest), detector, load_recipe("talk48").clip, settings)
    assert prepared.summary.skipped == []
    assert prepared.summary.people == {"Ann", "Bob"}
    return len(prepared.clips)
