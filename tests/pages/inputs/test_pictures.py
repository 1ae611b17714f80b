"""Pictures on the page of the videos."""

import pytest
from playwright.sync_api import Browser, FilePayload, Page, Route, expect

from tests.pages.test_accessibility import faults
from tests.support.media.pictures import animated, astronaut

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

UNSURE = {
    "box": [10, 10, 60, 80],
    "score": 1,
    "emotion": "fear",
    "confidence": 0.4,
    "probabilities": {"fear": 0.4, "neutral": 0.6},
    "uncertain": True,
    "flags": ["blurred"],
}


def choose(page: Page, *files: FilePayload) -> None:
    """Choose files on the first page."""
    page.goto("/")
    page.set_input_files("#file", list(files))


def picture(name: str, content: bytes, kind: str = "image/png") -> FilePayload:
    """A picture file."""
    return {"name": name, "mimeType": kind, "buffer": content}


def respond(route: Route) -> None:
    """Respond with one uncertain face."""
    route.fulfill(json={"model": {}, "picture": {"width": 512, "height": 512}, "faces": [UNSURE], "warnings": []})


def test_the_result_of_a_picture_is_shown_on_the_page(page: Page) -> None:
    """The card has the box over the face, the expression in words, and an announcement; no video is uploaded."""
    uploads: list[str] = []
    page.on("request", lambda request: uploads.append(request.url) if "/v1/videos" in request.url else None)
    choose(page, picture("a.png", astronaut()))
    expect(page.locator(".picture-state")).to_have_text("1 face")
    expect(page.locator(".picture-faces li")).to_contain_text("happiness")
    expect(page.locator(".picture img")).to_have_attribute("alt", "a.png: 1 face")
    expect(page.locator("#announce")).to_have_text("a.png: 1 face")
    shown, box = page.locator(".picture img").bounding_box(), page.locator(".picture-face rect").bounding_box()
    assert shown
    assert box
    scale = shown["width"] / 512
    assert (box["x"] - shown["x"]) / scale == pytest.approx(182, abs=8)
    assert (box["y"] - shown["y"]) / scale == pytest.approx(62, abs=8)
    assert uploads == []


def test_an_uncertain_face_is_shown_as_such(page: Page) -> None:
    """Neither the words nor the colour of an uncertain face claim an expression."""
    page.route("**/v1/pictures", respond)
    choose(page, picture("a.png", astronaut()))
    expect(page.locator(".picture-faces li")).to_contain_text("uncertain (fear 40%)")
    expect(page.locator(".picture-faces li")).to_contain_text("blurred")
    assert page.locator(".picture .fear").count() == 0
    assert page.locator(".picture-face.uncertain").count() == 1


def test_an_unsuitable_picture_has_its_error_and_can_be_removed_by_keyboard(page: Page) -> None:
    """The error has its code and remedy in the language of the page; removing moves the focus to the next card."""
    choose(page, picture("cut.png", astronaut()[:-4000]), picture("good.png", astronaut()))
    expect(page.locator(".picture code")).to_have_text("undecodable_picture")
    expect(page.locator(".picture-faces")).to_have_count(1)
    page.select_option("#language", "tr")
    expect(page.locator(".picture-state").first).to_contain_text("Resim çözülemedi")
    page.locator(".picture button").first.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".picture-name")).to_have_text("good.png")
    expect(page.locator(".picture button")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#pictures")).to_be_hidden()


def test_an_animated_png_is_uploaded_as_a_video(page: Page) -> None:
    """A picture that the service reports as animated becomes a video, as before."""
    choose(page, picture("moving.png", animated("PNG")))
    expect(page.locator(".job-name")).to_have_text("moving.png")
    expect(page.locator("#pictures")).to_be_hidden()


@pytest.mark.parametrize("width", [1280, 390])
def test_pictures_are_accessible_and_fit(browser: Browser, address: str, width: int) -> None:
    """axe finds no violation, and nothing is wider than the window, on desktop and phone."""
    context = browser.new_context(
        base_url=address, locale="en-GB", viewport={"width": width, "height": 900}, bypass_csp=True
    )
    page = context.new_page()
    choose(page, picture("a.png", astronaut()), picture("none.png", astronaut()[:-4000]))
    expect(page.locator(".picture-faces")).to_have_count(1)
    expect(page.locator(".picture code")).to_have_count(1)
    found, wide = faults(page), page.evaluate("document.documentElement.scrollWidth")
    context.close()
    assert found == []
    assert wide <= width
