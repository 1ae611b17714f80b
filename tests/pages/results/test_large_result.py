"""The page of a job with an hour of twenty faces. `scripts/bench pages` measures how fast it reacts."""

import pytest
from playwright.sync_api import Page, expect

from tests.support.results.hour import ACTIONS, FACES, SPLIT, UNDO, open_hour, point, react

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]


def test_an_hour_of_twenty_faces_can_be_edited_and_played(page: Page) -> None:
    """Every action is carried out: a split adds a face, undo removes it, and playing moves the play head."""
    open_hour(page)
    expect(page.locator(".face")).to_have_count(FACES)
    for action in ACTIONS.values():
        react(page, action)
    react(page, ACTIONS["exclude"])
    point(page)
    react(page, SPLIT)
    expect(page.locator(".face")).to_have_count(FACES + 1)
    react(page, UNDO)
    expect(page.locator(".face")).to_have_count(FACES)
    react(page, "press('Home')")
    before = page.locator("#clock").inner_text()
    react(page, "press(' ')")
    expect(page.locator("#clock")).not_to_have_text(before)
