"""Layout of tables, lists and bars on screens from a phone to a wide desktop."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.support.results.synthetic import face, result, visit

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

BOX = (100, 100, 120, 160)

CUT = """(selector) => [...document.querySelectorAll(selector)].filter((cell) => {
  const box = cell.closest(".table-scroll, .measured").getBoundingClientRect();
  const { left, right } = cell.getBoundingClientRect();
  return left < box.left - 1 || right > box.right + 1 || cell.scrollWidth > cell.clientWidth + 1;
}).map((cell) => cell.textContent)"""
"""The texts of the cells that are not entirely visible."""


@pytest.mark.parametrize("language", ["en", "tr"])
def test_no_column_is_cut_on_a_desktop(page: Page, language: str) -> None:
    """No column of the table of windows is cut off on a desktop, with flags, in either language."""
    shown = result(face(1, BOX, ["happiness"] * 4, uncertain=[True] * 4))
    for window in shown["faces"][0]["windows"]:
        window["flags"] = ["small", "profile", "blurred"]
    page.set_viewport_size({"width": 1440, "height": 900})
    visit(page, shown)
    page.select_option("#language", language)
    page.locator("#table summary").click()
    expect(page.locator("#table tbody tr")).to_have_count(4)
    assert page.evaluate(CUT, "#table th, #table td") == []


@pytest.mark.parametrize("language", ["en", "tr"])
def test_on_a_phone_measured_figures_fit_and_the_table_says_that_there_is_more(page: Page, language: str) -> None:
    """On a phone, the measured figures fit, and the edge of the table fades while there are more columns."""
    page.set_viewport_size({"width": 390, "height": 844})
    visit(page, result(face(1, BOX, ["happiness"] * 4)))
    page.select_option("#language", language)
    page.locator("#table summary").click()
    page.locator(".measured td").first.wait_for()
    assert page.evaluate(CUT, ".measured th, .measured td") == []
    box = page.locator(".table-scroll")
    expect(box).to_have_attribute("data-more", "right")
    assert box.evaluate("(box) => getComputedStyle(box).maskImage !== 'none'")
    box.evaluate("(box) => box.scrollTo(box.scrollWidth, 0)")
    expect(box).to_have_attribute("data-more", "")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_long_tables_come_in_parts(page: Page) -> None:
    """A long table shows 200 rows at a time."""
    visit(page, result(face(1, BOX, ["happiness"] * 250)))
    expect(page.locator("#table tr")).to_have_count(0)
    page.locator("#table summary").click()
    expect(page.locator("#table tbody tr")).to_have_count(200)
    page.get_by_role("button", name="200 of 250 windows").click()
    expect(page.locator("#table tbody tr")).to_have_count(250)
    expect(page.locator(".table-more")).to_be_hidden()


def test_the_list_of_faces_shows_that_there_are_more(page: Page) -> None:
    """The list of faces counts the faces below the visible ones until its end is reached."""
    page.set_viewport_size({"width": 1440, "height": 900})
    visit(page, result(*(face(i + 1, BOX, ["fear"] * 3) for i in range(9))))
    more = page.locator("#face-more")
    expect(more).to_have_text(re.compile(r"^\d more faces below$"))
    expect(page.locator("#face-list")).to_have_attribute("data-more", "bottom")
    more.click()
    expect(page.locator(".face").nth(5)).to_be_in_viewport()
    page.locator("#face-list").evaluate("(list) => list.scrollTo(0, list.scrollHeight)")
    expect(more).to_be_hidden()
    page.set_viewport_size({"width": 390, "height": 844})
    expect(more).to_be_hidden()


def test_a_wide_screen_is_used(page: Page) -> None:
    """At 2560 pixels the timeline uses more than four fifths of the width."""
    page.set_viewport_size({"width": 2560, "height": 1440})
    visit(page, result(face(1, BOX, ["fear"] * 3)))
    timeline = page.locator(".timeline").bounding_box()
    assert timeline is not None
    assert timeline["width"] > 0.8 * 2560


@pytest.mark.parametrize("language", ["en", "tr"])
def test_a_phone_has_what_a_desktop_has(page: Page, language: str) -> None:
    """A phone has the API link, the speed menu and the button for keys, and the page does not scroll sideways."""
    page.set_viewport_size({"width": 390, "height": 844})
    visit(page, result(face(1, BOX, ["fear"] * 3)))
    page.select_option("#language", language)
    page.evaluate("document.getElementById('show-key').hidden = false")
    expect(page.get_by_role("link", name="API")).to_be_visible()
    expect(page.locator("#speed")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
