"""Accessibility of the pages, checked with axe."""

from pathlib import Path
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from tests.pages.test_application import analyse

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


def faults(page: Page) -> list[str]:
    """Return each violated rule with the first element that violates it."""
    violations = Axe().run(page, options=RULES).response["violations"]
    return [f"{found['id']} ({found['impact']}): {found['nodes'][0]['html']}" for found in violations]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_keeps_anybody_out(
    browser: Browser, address: str, smile: Path, scheme: Literal["light", "dark"], width: int
) -> None:
    """axe finds no violation on any page, on desktop and phone, in light and dark."""
    # axe is injected as a script, which the page's own content security policy would block.
    context = browser.new_context(
        base_url=address,
        locale="en-GB",
        viewport={"width": width, "height": 900},
        color_scheme=scheme,
        bypass_csp=True,
        reduced_motion="reduce",
    )
    page = context.new_page()
    page.goto("/")
    found = {"first page": faults(page)}
    analyse(page, smile)
    page.locator("#table summary").click()
    found["result"] = faults(page)
    page.locator(".back").click()
    page.wait_for_selector(".job[data-state=succeeded]")
    found["list"] = faults(page)
    page.goto("/camera")
    found["live"] = faults(page)
    page.goto("/api")
    page.locator(".api-call summary").first.click()
    found["API"] = faults(page)
    page.goto("/docs/reading-the-result")
    found["documentation"] = faults(page)
    page.goto("/nope")
    found["nothing there"] = faults(page)
    context.close()
    assert found == {name: [] for name in found}
