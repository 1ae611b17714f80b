"""The pages on every screen: they use a wide one, and nothing is cut off on a narrow one."""

import re

import pytest
from playwright.sync_api import Page, expect

from docs.tools.documents import DOCUMENTS
from duygu.shared.errors import by_code
from tests.pages.test_list import accept
from tests.support.servers.scripted_server import job_document, remember

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

LONG = "a film with a name that is far too long for any row of any list, taken on the last day of the holidays"


@pytest.mark.parametrize("language", ["en", "tr"])
@pytest.mark.parametrize("width", [390, 1280, 1440, 2560])
def test_the_list_fits_every_screen(page: Page, width: int, language: str) -> None:
    """No row of the list exceeds the window, nothing protrudes from a row, and wide screens are used."""
    states = ["succeeded", "failed", "running", "queued", "cancelled"]
    error = {"code": "too_large", "title": "The upload is too large", "detail": ""}
    remember(page, *states, LONG)
    accept(page, lambda job_id: {"status": job_id if job_id in states else "succeeded", "faces": 2})
    page.route(
        "**/v1/jobs/failed",
        lambda route: route.fulfill(json=job_document("failed", status="failed", progress=None, error=error)),
    )
    page.set_viewport_size({"width": width, "height": 900})
    page.reload()
    page.select_option("#language", language)
    expect(page.locator(".job .preview")).to_have_count(2)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(STICKING_OUT) == []
    used = page.evaluate(
        """() => {
          const boxes = [...document.querySelectorAll(".job")].map((row) => row.getBoundingClientRect());
          return Math.max(...boxes.map((box) => box.right)) - Math.min(...boxes.map((box) => box.left));
        }"""
    )
    assert used > 0.85 * width
    expect(page.get_by_role("link", name="API")).to_be_visible()
    expect(page.get_by_role("link", name="Canlı" if language == "tr" else "Live")).to_be_visible()


STICKING_OUT = """() => [...document.querySelectorAll(".job")].flatMap((row) => {
  const { left, right } = row.getBoundingClientRect();
  return [...row.querySelectorAll("*")].filter((part) => {
    const box = part.getBoundingClientRect();
    return box.width && !part.closest(".job-name, svg") && (box.left < left - 1 || box.right > right + 1);
  }).map((part) => part.outerHTML);
})"""


@pytest.mark.parametrize("width", [390, 1280, 1440, 2560])
def test_the_calls_of_the_api_fit_every_screen(page: Page, width: int) -> None:
    """No table of parameters is cut off, and wide screens are used."""
    page.set_viewport_size({"width": width, "height": 900})
    page.goto("/api")
    page.locator(".api-call").first.wait_for()
    page.evaluate("document.querySelectorAll('.api-call').forEach((call) => { call.open = true; })")
    cut = page.evaluate(
        """() => [...document.querySelectorAll(".api-call .table-scroll")]
          .filter((part) => part.scrollWidth > part.clientWidth || part.scrollHeight > part.clientHeight)
          .map((part) => part.textContent)"""
    )
    assert cut == []
    rights = page.evaluate(
        "[...document.querySelectorAll('.api-call')].map((call) => call.getBoundingClientRect().right)"
    )
    assert max(rights) > 0.85 * width


@pytest.mark.parametrize("width", [390, 1440])
def test_an_unknown_address_has_an_error_page(page: Page, width: int) -> None:
    """An unknown address has a page with status 404 in both languages; API clients still receive a problem."""
    page.set_viewport_size({"width": width, "height": 900})
    response = page.goto("/nope")
    assert response is not None
    assert response.status == 404
    expect(page.get_by_role("heading", level=1)).to_have_text("There is nothing at this address")
    expect(page.locator("#address")).to_have_text("/nope")
    page.select_option("#language", "tr")
    expect(page.get_by_role("heading", level=1)).to_have_text("Bu adreste bir şey yok")
    expect(page).to_have_title("Bu adreste bir şey yok – Duygu")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.get_by_role("link", name="Tüm videolar").click()
    expect(page.locator("#drop")).to_be_visible()
    assert page.request.get("/nope", headers={"Accept": "*/*"}).json()["code"] == "not_found"
    assert page.request.get("/v1/nope", headers={"Accept": "text/html"}).json()["code"] == "not_found"


def test_every_error_has_a_turkish_title(page: Page) -> None:
    """Every error code has a Turkish title."""
    page.goto("/")
    known = page.evaluate("async () => Object.keys((await import('/static/js/locales/tr.js')).default.errors)")
    assert set(by_code()) <= set(known)


def test_samples_are_shown_in_the_chosen_language(page: Page) -> None:
    """The page of the API shows every call in one language, with the address of the service, and remembers it."""
    page.goto("/api")
    page.locator(".api-call").first.wait_for()
    expect(page.locator("#first-call pre:visible")).to_have_text(f"curl -F video=@clip.mp4 {page.url[:-4]}/v1/videos")
    page.select_option("#samples", "TypeScript")
    page.reload()
    page.locator(".api-call summary").first.click()
    expect(page.locator(".api-call[open] pre:visible")).to_have_count(1)
    expect(page.locator(".api-call[open] pre:visible")).to_contain_text("new Duygu")
    expect(page.locator("#samples")).to_have_value("TypeScript")


@pytest.mark.parametrize("language", ["en", "tr"])
@pytest.mark.parametrize(
    "path",
    ["/", "/camera", "/api", "/label", "/agreement", "/study", "/nope", *(f"/docs/{name}" for name in DOCUMENTS)],
)
def test_no_page_scrolls_sideways_on_a_small_phone(page: Page, path: str, language: str) -> None:
    """At 320 pixels every page fits, in either language."""
    page.set_viewport_size({"width": 320, "height": 700})
    page.goto(path)
    page.select_option("#language", language)
    page.locator("h1:visible, .notice:visible").first.wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


def test_a_page_of_the_documentation_is_read_in_the_service(page: Page) -> None:
    """The page on the result has headings, tables that stay in their column, and links to its own parts."""
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto("/docs/reading-the-result")
    expect(page.get_by_role("heading", level=1)).to_have_text("Reading the result")
    assert page.locator("table").count() > 5
    page.get_by_role("link", name="below", exact=True).first.click()
    expect(page.locator("#when-not-to-trust-it")).to_be_in_viewport()
    page.get_by_role("link", name="editing-the-result").or_(page.get_by_role("link", name="edits")).first.click()
    page.wait_for_url(re.compile("/api$|/docs/editing-the-result$"))
