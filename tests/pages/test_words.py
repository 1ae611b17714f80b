"""Texts on the page of a result: the meaning of each figure, and uncertainty."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from duygu.shared.schemas.emotions import EMOTIONS
from tests.pages.test_application import analyse
from tests.support.results.synthetic import face, result, visit
from tests.support.servers.scripted_server import job_document

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

BOX = (100, 100, 120, 160)


def test_a_card_says_which_figure_is_of_now_and_which_of_the_whole_video(page: Page) -> None:
    """A card separates the current emotion from the shares of the whole video and counts uncertain windows apart."""
    visit(page, result(face(1, BOX, ["neutral", *["happiness"] * 7], uncertain=[False] * 7 + [True])))
    expect(page.locator(".face-now")).to_have_text(re.compile(r"^Now\s*neutral\s*90%$"))
    expect(page.locator(".shares")).to_have_text(
        re.compile(r"^Whole video happiness 68% · neutral 16% · uncertain 16%$")
    )
    page.keyboard.press("End")
    expect(page.locator(".face-now")).to_have_text(re.compile(r"^Now\s*uncertain\s*happiness 90%$"))
    page.select_option("#language", "tr")
    expect(page.locator(".face-now")).to_contain_text("Şu an")
    expect(page.locator(".shares")).to_contain_text("Tüm video")


def test_what_is_wholly_uncertain_is_no_finding(page: Page) -> None:
    """A face with only uncertain windows is reported as uncertain by card, table, legend and slider."""
    visit(page, result(face(1, BOX, ["sadness"] * 4, uncertain=[True] * 4)))
    expect(page.locator(".shares")).to_have_text("Whole video uncertain throughout")
    expect(page.locator(".segments i")).to_have_count(1)
    expect(page.locator(".segments i.hatched")).to_have_count(1)
    expect(page.locator("#legend")).to_contain_text("Every window of this video is uncertain.")
    expect(page.locator("#lane-view")).to_have_attribute(
        "aria-valuetext", re.compile(r"face 1 uncertain \(sadness 90%\)")
    )
    page.locator("#table summary").click()
    expect(page.locator("#table tbody tr").first).to_contain_text("uncertain (sadness)")
    page.select_option("#language", "tr")
    expect(page.locator(".shares")).to_have_text("Tüm video baştan sona belirsiz")


def test_the_legend_has_the_labels_of_the_model(page: Page) -> None:
    """The legend has the labels of the model, without `neutral` where it is off, on the result and live pages."""
    six = [label for label in EMOTIONS if label != "neutral"]
    visit(page, result(face(1, BOX, ["fear"] * 3), labels=six))
    expect(page.locator("#legend .swatch")).to_have_count(7)
    expect(page.locator("#legend")).not_to_contain_text("neutral")
    page.route("**/v1/model", lambda route: route.fulfill(json={"labels": six}))
    page.goto("/camera")
    expect(page.locator("#legend .swatch")).to_have_count(7)
    expect(page.locator("#legend")).not_to_contain_text("neutral")


def test_downloads_are_labelled_as_all_faces(page: Page) -> None:
    """The page states that downloads contain all faces, also when a face is switched off."""
    visit(page, result(face(1, BOX, ["fear"] * 3)))
    page.keyboard.press("1")
    expect(page.locator(".card", has=page.locator("#downloads"))).to_contain_text("downloads contain all faces")


def test_the_title_of_the_tab_has_the_name_and_the_state(page: Page) -> None:
    """The title of the tab has the name and the state of the video, also on the first page while it runs."""
    visit(page, result(face(1, BOX, ["fear"] * 3)))
    expect(page).to_have_title("clip.mp4 · ready – Duygu")
    page.select_option("#language", "tr")
    expect(page).to_have_title("clip.mp4 · hazır – Duygu")
    page.select_option("#language", "en")
    page.route("**/v1/jobs/*", lambda route: route.fulfill(json=job_document("clip", progress=0.42)))
    page.goto("about:blank")
    page.goto("/")
    expect(page).to_have_title("42% · clip.mp4 – Duygu")


def test_the_title_follows_an_upload(page: Page, smile: Path) -> None:
    """The title follows an upload to its result and back to the list."""
    analyse(page, smile)
    expect(page).to_have_title(f"{smile.name} · ready – Duygu")
    page.locator(".back").click()
    expect(page).to_have_title(f"{smile.name} · ready – Duygu")


def test_the_section_on_trust_leads_to_the_meaning_of_each_figure(page: Page) -> None:
    """The section on trust links to the guide to the figures in both languages, and the service serves it."""
    visit(page, result(face(1, BOX, ["fear"] * 3)))
    link = page.get_by_role("link", name="Reading the result")
    expect(link).to_be_visible()
    response = page.request.get(str(link.get_attribute("href")))
    assert response.status == 200
    assert "<h1" in response.text()
    page.select_option("#language", "tr")
    expect(page.get_by_role("link", name="Sonucu okumak")).to_be_visible()
