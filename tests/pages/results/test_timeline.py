"""Lanes of the timeline: shares of time when zoomed out, windows when zoomed in, and the labels of faces."""

from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from tests.support.results.synthetic import face, result, visit, window

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

BOX = (100, 100, 120, 160)

COLOURS = """() => {
  const canvas = document.getElementById("lane-canvas");
  const { data, width } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  const style = getComputedStyle(document.documentElement);
  const probe = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgb = (name) => {
    probe.fillStyle = style.getPropertyValue(`--${name}`);
    probe.fillRect(0, 0, 1, 1);
    return [...probe.getImageData(0, 0, 1, 1).data].slice(0, 3).join();
  };
  const names = new Map(["happiness", "neutral", "fear"].map((name) => [rgb(name), name]));
  const found = {};
  for (let i = 0; i < data.length; i += 4) {
    const name = data[i + 3] === 255 && names.get(`${data[i]},${data[i + 1]},${data[i + 2]}`);
    if (name) found[name] = (found[name] ?? 0) + 1;
  }
  return found;
}"""
"""Counts the pixels of the lanes that have the colour of each of three emotions."""


def talk(minutes: float, seed: int = 3) -> list[str]:
    """Return the windows of a talk: 22 % neutral, 4 % fear, the rest happiness."""
    rng = np.random.default_rng(seed)
    return list(map(str, rng.choice(["neutral", "fear", "happiness"], round(minutes * 120), p=[0.22, 0.04, 0.74])))


def test_twenty_minutes_show_their_proportions(page: Page) -> None:
    """Where a pixel covers several windows, colours have their shares of time; zooming in shows windows."""
    emotions = talk(20)
    visit(page, result(face(1, BOX, emotions)))
    found = page.evaluate(COLOURS)
    share = found["neutral"] / sum(found.values())
    assert share == pytest.approx(emotions.count("neutral") / len(emotions), abs=0.03)
    expect(page.locator("#timeline-note")).to_be_visible()
    page.locator("#lane-view").hover(position={"x": 300, "y": 60})
    expect(page.locator("#tooltip")).to_contain_text("Share of this time")
    for _ in range(6):
        page.locator("#zoom-in").click()
    expect(page.locator("#timeline-note")).to_be_hidden()
    page.locator("#lane-view").hover(position={"x": 300, "y": 72})
    expect(page.locator("#tooltip .meter")).to_have_count(7)


def test_windows_are_drawn_one_by_one_where_there_is_room(page: Page) -> None:
    """The windows of a minute are drawn one by one on a desktop."""
    visit(page, result(face(1, BOX, talk(1))))
    expect(page.locator("#timeline-note")).to_be_hidden()


@pytest.mark.parametrize("width", [1280, 390])
def test_lanes_are_distinguishable_without_the_video(page: Page, width: int) -> None:
    """Without the video, lanes and cards show the number of the face in place of its picture, on a phone as well."""
    page.set_viewport_size({"width": width, "height": 844})
    visit(page, result(*(face(i, BOX, ["fear"] * 3) for i in (1, 2, 12))))
    heads = page.locator(".lane-head .thumb")
    expect(heads).to_have_text(["1", "2", "12"])
    expect(page.locator(".face .thumb")).to_have_text(["1", "2", "12"])
    names = page.locator(".lane-head .long")
    if width > 640:
        expect(names.last).to_have_text("Face 12")
        expect(names.last).to_be_visible()
    else:
        expect(heads.last).to_be_visible()


def test_a_picture_on_a_phone_keeps_its_number(page: Page, smile_result: None) -> None:
    """On a phone, the number of the face stands below its picture in the lane."""
    expect(page.locator(".lane-head .short")).to_be_visible()
    expect(page.locator(".lane-head .short")).to_have_text("1")


@pytest.fixture
def smile_result(page: Page, smile: object) -> None:
    """A phone that shows the result of its own file."""
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto("/")
    page.set_input_files("#file", str(smile))
    page.wait_for_selector(".lane-head .thumb canvas", timeout=60_000)


def expect_part(page: Page, start: float, end: float) -> None:
    """Wait until the overview marks a part, given as shares of its width."""
    distances = f"part.left - whole.left - {start} * whole.width, part.right - whole.left - {end} * whole.width"
    page.wait_for_function(f"""() => {{
        const boxOf = (id) => document.getElementById(id).getBoundingClientRect();
        const [part, whole] = [boxOf("overview-part"), boxOf("overview")];
        return [{distances}].every((distance) => Math.abs(distance) < 0.02 * whole.width);
    }}""")


def test_an_overview_shows_the_part_in_view(page: Page) -> None:
    """A long video has an overview: dragging across it shows a part, and dragging the part or a key moves it."""
    visit(page, result(face(1, BOX, talk(20)), face(2, BOX, talk(20, seed=4))))
    overview = page.locator("#overview")
    expect(overview).to_be_visible()
    expect_part(page, 0, 1)
    drawn = "(canvas) => [...canvas.getContext('2d').getImageData(0, 0, 300, 20).data].some((value) => value)"
    assert page.locator("#overview-canvas").evaluate(drawn)
    overview.scroll_into_view_if_needed()
    box = overview.bounding_box()
    assert box

    def drag(start: float, end: float) -> None:
        page.mouse.move(box["x"] + start * box["width"], box["y"] + 15)
        page.mouse.down()
        page.mouse.move(box["x"] + end * box["width"], box["y"] + 15, steps=4)
        page.mouse.up()

    drag(0.4, 0.5)
    expect_part(page, 0.4, 0.5)
    drag(0.45, 0.65)
    expect_part(page, 0.6, 0.7)
    expect(overview).to_be_focused()
    for key, start in (("PageUp", 0.5), ("ArrowRight", 0.51), ("End", 0.9), ("Home", 0)):
        page.keyboard.press(key)
        expect_part(page, start, start + 0.1)
    expect(overview).to_have_attribute("aria-valuetext", "0:00 to 2:00 of 20:00")
    assert page.locator("#lane-view").get_attribute("aria-valuenow") == "0.00"  # the play position stays


def test_a_short_video_needs_no_overview(page: Page) -> None:
    """A video of a few seconds has an overview only while a part of it is in view."""
    visit(page, result(face(1, BOX, talk(0.2))))
    expect(page.locator("#overview")).to_be_hidden()
    page.locator("#zoom-in").click()
    expect(page.locator("#overview")).to_be_visible()


def resting(face_id: int, emotions: list[str], relative: str) -> dict[str, Any]:
    """Return a face with a baseline of two seconds, whose windows all have one relative prediction."""
    made = face(face_id, BOX, emotions)
    prediction = {name: window(0.0, relative)[name] for name in ("emotion", "confidence", "probabilities", "uncertain")}
    windows = [{**one, "relative": prediction} for one in made["windows"]]
    return {**made, "baseline": {"source": "auto", "spans": [[0.0, 2.4]], "windows": 4}, "windows": windows}


def test_the_predictions_relative_to_a_baseline_are_shown_on_demand(page: Page) -> None:
    """The switch shows relative predictions in lanes, cards and the table; a face without a baseline stays as it is."""
    other = {**face(2, (400, 100, 120, 160), ["fear"] * 20), "baseline": None}
    visit(page, result(resting(1, ["happiness"] * 20, "neutral"), other))
    expect(page.locator("#relative-note")).to_have_text(
        "Face 1: resting face 0:00.0–0:02.4 · Face 2: no resting face, shown as it is"
    )
    assert set(page.evaluate(COLOURS)) == {"happiness", "fear"}
    expect(page.locator("#face-list .shares").first).to_contain_text("happiness 100%")
    page.get_by_label("Relative to each person’s resting face").check()
    assert set(page.evaluate(COLOURS)) == {"neutral", "fear"}
    expect(page.locator("#face-list .shares").first).to_contain_text("neutral 100%")
    page.get_by_label("Relative to each person’s resting face").uncheck()
    assert set(page.evaluate(COLOURS)) == {"happiness", "fear"}


def test_figures_are_split_by_talking_where_it_was_measured(page: Page) -> None:
    """Cards, table and legend tell talking from silent windows; without the measure they say nothing of it."""
    made = face(1, BOX, ["happiness"] * 10 + ["neutral"] * 10)
    windows = [{**one, "speaking": 0.9 if i < 10 else 0.1} for i, one in enumerate(made["windows"])]
    visit(page, result({**made, "windows": windows}, face(2, (400, 100, 120, 160), ["fear"] * 20)))
    lines = page.locator("#face-list .talking-shares")
    expect(lines).to_have_count(2)
    expect(lines.nth(0)).to_have_text("Talking 50%: happiness 100%")
    expect(lines.nth(1)).to_have_text("Silent 50%: neutral 100%")
    expect(page.locator("#legend")).to_contain_text("line below: talking")
    page.locator("#table summary").click()
    expect(page.locator("#table thead")).to_contain_text("Speaking")
    expect(page.locator("#table tbody tr").first).to_contain_text("90%")
    expect(page.locator("#table tbody tr").last).to_contain_text("–")


def test_without_the_measure_nothing_is_said_of_talking(page: Page) -> None:
    """The page of a result without movements has no figures of talking."""
    visit(page, result(face(1, BOX, ["happiness"] * 20)))
    expect(page.locator("#face-list .shares")).to_have_count(1)
    expect(page.locator("#legend")).not_to_contain_text("talking")
    page.locator("#table summary").click()
    expect(page.locator("#table thead")).not_to_contain_text("Speaking")


def test_a_result_without_a_baseline_has_no_switch(page: Page) -> None:
    """The page of a result without a baseline is as before."""
    visit(page, result(face(1, BOX, ["happiness"] * 20)))
    expect(page.locator("#relative-line")).to_be_hidden()
