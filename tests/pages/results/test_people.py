"""People by hand: naming, joining, splitting and leaving out faces on the page of a result, against a real service."""

import math
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.support.media.videos import Actor, Scene, VideoMaker
from tests.support.results.synthetic import face, result, visit

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

SCENE = Scene(
    actors=(
        Actor(start=(0.24, 0.5), size=0.78, seen=((0.0, 2.2), (4.2, math.inf))),
        Actor(start=(0.76, 0.5), size=0.6, mirrored=True),
    ),
    duration_s=6.0,
    fps=15.0,
    width=640,
    height=360,
    container="webm",
    codec="libvpx",
)
"""Face 1 on the right throughout; on the left face 2 until 2.2 s, and the same person as face 3 from 4.2 s on."""

PATIENCE_S = 120.0


class Service:
    """One analysed video, as programs see it."""

    def __init__(self, client: httpx.Client, video: Path, job_id: str) -> None:
        self.job_id = job_id
        self.video = video
        self._client = client
        self._path = f"/v1/jobs/{job_id}"

    def edits(self) -> list[dict[str, Any]]:
        """Return the saved edits."""
        edits: list[dict[str, Any]] = self._client.get(f"{self._path}/edits").raise_for_status().json()["edits"]
        return edits

    def add(self, **edit: Any) -> None:
        """Add an edit, as another window does."""
        self._client.post(f"{self._path}/edits", json=edit).raise_for_status()

    def import_result(self, title: str, *, faces: int) -> None:
        """Store the computed result with its first faces as another job."""
        result = self._client.get(f"{self._path}/result", params={"edited": False}).raise_for_status().json()
        result["faces"] = result["faces"][:faces]
        self._client.post("/v1/jobs", params={"title": title}, json=result).raise_for_status()

    def reset(self) -> None:
        """Undo every edit."""
        while self.edits():
            self._client.delete(f"{self._path}/edits/last").raise_for_status()

    def export(self, name: str) -> str:
        """Return a result in a format."""
        return self._client.get(f"{self._path}/result", params={"format": name}).raise_for_status().text


@pytest.fixture(scope="module")
def analysed(address: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service that has analysed the scene."""
    video = VideoMaker(tmp_path_factory.mktemp("people")).make(SCENE)
    with httpx.Client(base_url=address, timeout=60.0) as client:
        with video.open("rb") as file:
            job_id = client.post("/v1/videos", files={"video": file}).raise_for_status().json()["job_id"]
        wait_for(lambda: client.get(f"/v1/jobs/{job_id}").json()["status"] == "succeeded")
        yield Service(client, video, job_id)


@pytest.fixture
def service(analysed: Service) -> Service:
    """The same without any edit."""
    analysed.reset()
    return analysed


@pytest.fixture
def opened(page: Page, service: Service) -> Page:
    """The page of the result, with the video."""
    page.goto(f"/#job/{service.job_id}")
    expect(page.locator(".face")).to_have_count(3)
    page.set_input_files("#own-file", service.video)
    expect(page.locator(".lane-head canvas")).to_have_count(3)
    return page


def card(page: Page, face_id: int) -> Locator:
    """Return the card of a face."""
    return page.locator(f"#face-list [data-face='{face_id}']")


def seek(page: Page, share: float) -> None:
    """Move the play position to a share of the video, without a change of the selected face."""
    lanes = page.locator("#lane-view")
    lanes.click(position={"x": lanes.evaluate("(lanes) => lanes.clientWidth") * share, "y": 10})


def drag(page: Page, start: Locator, end: Locator, *, drop: bool = True) -> None:
    """Drag one element to another."""
    page.locator(".lanes").scroll_into_view_if_needed()
    one, other = start.bounding_box(), end.bounding_box()
    assert one is not None
    assert other is not None
    page.mouse.move(one["x"] + 20, one["y"] + 20)
    page.mouse.down()
    page.mouse.move(other["x"] + 30, other["y"] + 24, steps=5)
    if drop:
        page.mouse.up()


def wait_for(check: Callable[[], bool]) -> None:
    """Wait until something is true on the server."""
    deadline = time.monotonic() + PATIENCE_S
    while not check():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_name_is_given_in_place_and_stands_everywhere(opened: Page, service: Service) -> None:
    """Enter saves a name, which cards, lanes, slider, tooltip, table and exports show; Escape leaves it as it was."""
    card(opened, 1).locator(".face-title").click()
    opened.keyboard.type("Ann")
    opened.keyboard.press("Enter")
    expect(card(opened, 1).locator(".face-title")).to_have_text("Ann")
    expect(card(opened, 1).locator(".face-title")).to_be_focused()
    expect(opened.locator("#edit-state")).to_have_text("Saved")
    opened.keyboard.press("Enter")
    opened.keyboard.type("Nobody")
    opened.keyboard.press("Escape")
    expect(card(opened, 1).locator(".face-title")).to_have_text("Ann")
    expect(opened.locator(".lane-head .long").first).to_have_text("Ann")
    expect(opened.locator("#edit-face option").first).to_have_text("Ann")
    seek(opened, 0.5)
    expect(opened.locator("#lane-view")).to_have_attribute("aria-valuetext", re.compile("Ann "))
    opened.locator("#lane-view").hover(position={"x": 300, "y": 70})
    expect(opened.locator("#tooltip .head")).to_contain_text("Ann")
    opened.locator("#table summary").click()
    expect(opened.locator("#table tbody td").first).to_have_text("Ann")
    assert service.edits() == [{"op": "rename", "face_id": 1, "name": "Ann"}]
    assert "Ann" in service.export("csv")
    opened.reload()
    expect(card(opened, 1).locator(".face-title")).to_have_text("Ann")


def test_the_video_with_boxes_has_the_edits(opened: Page, service: Service) -> None:
    """The page makes the video of the edits as they are, and offers another one after the next edit."""
    service.add(op="rename", face_id=1, name="Ann")
    opened.reload()
    expect(card(opened, 1).locator(".face-title")).to_have_text("Ann")
    opened.set_input_files("#own-file", service.video)
    film = opened.locator("#downloads > :first-child > *")
    with opened.expect_request(re.compile(f"/v1/videos.*edits_of={service.job_id}")):
        film.click()
    expect(film).to_have_attribute("href", re.compile("format=mp4"), timeout=PATIENCE_S * 1000)
    with opened.expect_download() as saved:
        film.click()
    assert saved.value.path().stat().st_size
    opened.keyboard.press("ControlOrMeta+z")
    expect(card(opened, 1).locator(".face-title")).not_to_have_text("Ann")
    expect(film).to_have_js_property("tagName", "BUTTON")
    expect(film).to_be_enabled()


def test_one_face_is_dragged_on_another(opened: Page, service: Service) -> None:
    """Dropping a lane on another one joins the faces; the drag says so beforehand, and why it is refused."""
    heads = opened.locator(".lane-head")
    drag(opened, heads.nth(2), heads.nth(0), drop=False)
    expect(opened.locator(".drag-label")).to_contain_text("are both visible at")
    opened.keyboard.press("Escape")
    opened.mouse.up()
    expect(opened.locator(".face")).to_have_count(3)
    drag(opened, heads.nth(2), heads.nth(0))
    expect(opened.locator("#edit-note")).to_contain_text("are both visible at")
    expect(opened.locator(".face")).to_have_count(3)
    drag(opened, heads.nth(2), heads.nth(1), drop=False)
    expect(opened.locator(".drag-label")).to_have_text("Join face 3 to face 2")
    opened.mouse.up()
    expect(opened.locator(".face")).to_have_count(2)
    expect(opened.locator("#video-facts")).to_contain_text("2 faces")
    expect(opened.locator("#edit-state")).to_have_text("Saved")
    assert service.edits() == [{"op": "merge", "face_id": 3, "into": 2}]


def test_faces_are_joined_without_a_mouse(opened: Page, service: Service) -> None:
    """J opens the choice of faces; one that is visible at the same time cannot be chosen and says why."""
    opened.locator("#video-name").focus()
    for _ in range(2):
        opened.keyboard.press("f")
    opened.keyboard.press("j")
    dialog = opened.locator("#join")
    expect(dialog.get_by_role("radio", name="Face 1")).to_be_disabled()
    expect(dialog).to_contain_text("are both visible at")
    opened.keyboard.press("Space")
    expect(dialog.get_by_role("radio", name="Face 2")).to_be_checked()
    opened.keyboard.press("Enter")
    expect(opened.locator(".face")).to_have_count(2)
    wait_for(lambda: service.edits() == [{"op": "merge", "face_id": 3, "into": 2}])


def test_the_reason_of_the_server_is_shown(page: Page) -> None:
    """An edit that only the server refuses is taken back, and its reason and remedy are shown."""
    edits: dict[str, Any] = {"version": 0, "sha256": None, "edits": []}
    refusal = {"status": 409, "code": "too_many_edits", "title": "The result has too many edits"}

    def respond(route: Route) -> None:
        if route.request.method == "GET":
            route.fulfill(json=edits)
        else:
            route.fulfill(status=409, json=refusal)

    page.route("**/v1/jobs/clip/edits", respond)
    visit(page, result(face(1, (100, 100, 120, 160), ["fear"] * 4)))
    card(page, 1).locator(".face-title").click()
    page.keyboard.type("Ann")
    page.keyboard.press("Enter")
    expect(page.locator("#edit-note")).to_contain_text("too many edits. Undo edits that are not needed")
    expect(card(page, 1).locator(".face-title")).to_have_text("Face 1")


def test_a_face_is_split_at_the_play_position(opened: Page, service: Service) -> None:
    """S and the scissors split the selected face; the later part is selected, and has no name."""
    seek(opened, 0.5)
    opened.locator("#edit-split").click()
    expect(opened.locator(".face")).to_have_count(4)
    expect(card(opened, 4)).to_have_class(re.compile("selected"))
    expect(card(opened, 4).locator(".thumb canvas")).to_be_visible()
    seek(opened, 0.99)
    opened.keyboard.press("s")
    expect(opened.locator("#edit-note")).to_contain_text("cannot be split here")
    expect(opened.locator(".face")).to_have_count(4)
    edits = service.edits()
    assert [edit["op"] for edit in edits] == ["split"]
    assert edits[0]["at_s"] == pytest.approx(3.0, abs=0.05)


def test_a_face_and_a_stretch_are_left_out_and_included_again(opened: Page, service: Service) -> None:
    """X excludes the selected face, or a stretch chosen with I and O or with Shift and the mouse; cards include."""
    opened.select_option("#edit-face", "3")
    opened.keyboard.press("Escape")
    opened.locator("#edit-exclude").click()
    expect(card(opened, 3)).to_contain_text("left out")
    expect(opened.locator("#video-facts")).to_contain_text("2 faces")
    expect(opened.locator("#edit-exclude")).to_have_text("Include again")
    card(opened, 3).get_by_role("button", name="Include again").click()
    expect(opened.locator("#video-facts")).to_contain_text("3 faces")
    opened.select_option("#edit-face", "1")
    opened.locator("#video-name").focus()
    seek(opened, 0.25)
    opened.keyboard.press("i")
    seek(opened, 0.5)
    opened.keyboard.press("o")
    expect(opened.locator("#edit-exclude")).to_have_text(re.compile(r"Leave out 0:01\.5 – 0:03\.0"))
    opened.keyboard.press("x")
    expect(card(opened, 1)).to_contain_text(re.compile(r"left out 0:01\.5 – 0:03\.0"))
    card(opened, 1).get_by_role("button", name="Include").click()
    expect(card(opened, 1)).not_to_contain_text("left out")
    opened.locator(".lanes").scroll_into_view_if_needed()
    box = opened.locator("#lane-view").bounding_box()
    assert box is not None
    opened.keyboard.down("Shift")
    opened.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 60)
    opened.mouse.down()
    opened.mouse.move(box["x"] + box["width"] * 0.7, box["y"] + 60, steps=4)
    opened.mouse.up()
    opened.keyboard.up("Shift")
    expect(opened.locator("#edit-exclude")).to_have_text(re.compile(r"Leave out 0:03\.0 – 0:04\.2"))
    opened.locator("#edit-exclude").click()
    wait_for(lambda: len(service.edits()) == 5)
    assert [edit["op"] for edit in service.edits()] == ["exclude", "include", "exclude", "include", "exclude"]


def test_a_stretch_becomes_the_resting_face(opened: Page, service: Service) -> None:
    """A selected stretch becomes the resting face with R or the button; the page shows predictions relative to it."""
    expect(opened.locator("#relative-line")).to_be_hidden()
    opened.locator("#video-name").focus()
    seek(opened, 0.1)
    opened.keyboard.press("i")
    seek(opened, 0.5)
    opened.keyboard.press("o")
    expect(opened.locator("#edit-baseline")).to_have_text("Resting face 0:00.6 – 0:03.0")
    before = opened.locator("#face-list .shares").first.text_content() or ""
    opened.locator("#edit-baseline").click()
    expect(opened.get_by_label("Relative to each person’s resting face")).to_be_checked()
    expect(opened.locator("#relative-note")).to_contain_text("resting face 0:0")
    expect(opened.locator("#face-list .shares").first).not_to_have_text(before)
    expect(opened.locator("#warnings")).to_contain_text("shows an emotion in the chosen resting face")
    wait_for(lambda: [edit["op"] for edit in service.edits()] == ["baseline"])
    assert "relative_emotion" in service.export("csv").splitlines()[0]
    opened.keyboard.press("Escape")
    expect(opened.locator("#edit-baseline")).to_have_text("No resting face")
    opened.keyboard.press("r")
    expect(opened.locator("#relative-line")).to_be_hidden()
    wait_for(lambda: len(service.edits()) == 2)
    assert "relative_emotion" not in service.export("csv").splitlines()[0]


def test_another_recording_gives_the_resting_face(opened: Page, service: Service) -> None:
    """Without a stretch, the button asks for another recording; one of several people is refused with what to do."""
    expect(opened.locator("#edit-baseline")).to_have_text("Resting face…")
    opened.locator("#edit-baseline").click()
    dialog = opened.get_by_role("dialog", name="Resting face of")
    expect(dialog).to_contain_text("Analyse that recording first")
    dialog.get_by_role("button", name="Close").click()
    service.import_result("Everybody", faces=3)
    service.import_result("Ann at rest", faces=1)
    opened.goto("/")
    opened.locator("#server-jobs").click()
    opened.goto(f"/#job/{service.job_id}")
    opened.locator("#edit-baseline").click()
    dialog.get_by_label("Everybody").check()
    dialog.get_by_role("button", name="Take it").click()
    expect(dialog.get_by_role("alert")).to_contain_text("Several faces are visible in the baseline")
    dialog.get_by_label("Ann at rest").check()
    dialog.get_by_role("button", name="Take it").click()
    expect(dialog).to_be_hidden()
    expect(opened.get_by_label("Relative to each person’s resting face")).to_be_checked()
    expect(opened.locator("#relative-note")).to_contain_text("resting face in Ann at rest")
    wait_for(lambda: [edit["op"] for edit in service.edits()] == ["baseline"])
    assert "relative_emotion" in service.export("csv").splitlines()[0]


def test_undo_and_redo(opened: Page, service: Service) -> None:
    """Ctrl+Z and the button undo, Ctrl+Shift+Z and the button redo; undoing everything gives the computed result."""
    before = service.export("csv")
    drag(opened, opened.locator(".lane-head").nth(2), opened.locator(".lane-head").nth(1))
    expect(opened.locator(".face")).to_have_count(2)
    opened.keyboard.press("Control+z")
    expect(opened.locator(".face")).to_have_count(3)
    expect(opened.locator("#edit-undo")).to_be_disabled()
    opened.keyboard.press("Control+Shift+Z")
    expect(opened.locator(".face")).to_have_count(2)
    wait_for(lambda: len(service.edits()) == 1)
    opened.locator("#edit-undo").click()
    expect(opened.locator(".face")).to_have_count(3)
    wait_for(lambda: not service.edits())
    assert service.export("csv") == before
    opened.locator("#edit-redo").click()
    wait_for(lambda: len(service.edits()) == 1)


def test_two_windows_lose_nothing(opened: Page, service: Service) -> None:
    """An edit of a replaced version is not saved; the page shows what the other window did, and repeats its own."""
    service.add(op="rename", face_id=2, name="Cleo")
    card(opened, 1).locator(".face-title").click()
    opened.keyboard.type("Ann")
    opened.keyboard.press("Enter")
    note = opened.locator("#edit-note")
    expect(note).to_contain_text("Another window changed this result. Face 2 was named Cleo.")
    expect(note).to_contain_text("Not saved: Face 1 was named Ann.")
    expect(card(opened, 2).locator(".face-title")).to_have_text("Cleo")
    expect(card(opened, 1).locator(".face-title")).to_have_text("Face 1")
    note.get_by_role("button", name="Repeat my edit").click()
    expect(card(opened, 1).locator(".face-title")).to_have_text("Ann")
    expect(note).to_be_hidden()
    wait_for(lambda: [edit["name"] for edit in service.edits()] == ["Cleo", "Ann"])


def test_a_window_that_comes_to_the_front_shows_what_another_did(opened: Page, service: Service) -> None:
    """Edits of another window appear when this one gets the focus."""
    service.add(op="rename", face_id=2, name="Cleo")
    opened.evaluate("window.dispatchEvent(new Event('focus'))")
    expect(card(opened, 2).locator(".face-title")).to_have_text("Cleo")
    expect(opened.locator("#edit-note")).to_contain_text("Face 2 was named Cleo.")


def test_edits_without_a_connection_are_sent_later(opened: Page, service: Service) -> None:
    """While the server does not respond, edits apply on the page; they are saved later, also after a reload."""
    opened.route("**/edits", lambda route: route.abort() if route.request.method == "POST" else route.continue_())
    for face_id, name in ((1, "Ann"), (2, "Cleo")):
        card(opened, face_id).locator(".face-title").click()
        opened.keyboard.type(name)
        opened.keyboard.press("Enter")
    expect(opened.locator("#edit-state")).to_have_text("Not saved yet: the server does not respond")
    expect(card(opened, 2).locator(".face-title")).to_have_text("Cleo")
    assert service.edits() == []
    opened.once("dialog", lambda dialog: dialog.accept())
    opened.reload()
    expect(card(opened, 2).locator(".face-title")).to_have_text("Cleo")
    expect(opened.locator("#edit-retry")).to_be_visible()
    opened.unroute("**/edits")
    opened.locator("#edit-retry").click()
    expect(opened.locator("#edit-state")).to_have_text("Saved")
    assert [edit["name"] for edit in service.edits()] == ["Ann", "Cleo"]


def test_edits_are_sent_while_the_list_is_shown(opened: Page, service: Service) -> None:
    """An edit that could not be saved is sent after its result was left."""
    opened.route("**/edits", lambda route: route.abort() if route.request.method == "POST" else route.continue_())
    card(opened, 1).locator(".face-title").click()
    opened.keyboard.type("Ann")
    opened.keyboard.press("Enter")
    expect(opened.locator("#edit-retry")).to_be_visible()
    opened.locator(".back").click()
    opened.unroute("**/edits")
    wait_for(lambda: [edit["name"] for edit in service.edits()] == ["Ann"])


def test_a_suggestion_is_joined_or_dismissed(opened: Page, service: Service) -> None:
    """The person who returns to the same place is suggested; a dismissed suggestion does not return."""
    card_of = opened.locator("#suggestion")
    expect(card_of).to_contain_text("Face 3 may be the same person as face 2.")
    card_of.get_by_role("button", name="Join").click()
    expect(opened.locator(".face")).to_have_count(2)
    expect(card_of).to_be_hidden()
    opened.keyboard.press("Control+z")
    expect(card_of).to_contain_text("Face 3 may be the same person as face 2.")
    card_of.get_by_role("button", name="Different people").click()
    expect(card_of).to_be_hidden()
    wait_for(lambda: not service.edits())
    opened.reload()
    expect(opened.locator(".face")).to_have_count(3)
    opened.wait_for_timeout(500)
    expect(card_of).to_be_hidden()


def test_the_computed_result_can_be_shown(opened: Page, service: Service) -> None:
    """A link shows the result without edits, whose downloads have none either, and back."""
    service.add(op="rename", face_id=1, name="Ann")
    opened.reload()
    expect(card(opened, 1).locator(".face-title")).to_have_text("Ann")
    opened.get_by_role("link", name="Show the computed result").click()
    expect(card(opened, 1).locator(".face-title")).to_have_text("Face 1")
    expect(opened.locator("#edit-bar")).to_be_hidden()
    expect(opened.locator("#computed-note")).to_be_visible()
    expect(opened.locator(".download", has_text="CSV")).to_have_attribute("href", re.compile("edited=false"))
    opened.get_by_role("link", name="Show the edited result").click()
    expect(card(opened, 1).locator(".face-title")).to_have_text("Ann")
    with opened.expect_download() as download:
        opened.locator(".download", has_text="CSV").click()
    assert "Ann" in download.value.path().read_text("utf-8")


def test_the_edits_are_turkish_too(opened: Page) -> None:
    """Buttons, notes and refusals are in Turkish on a Turkish page."""
    opened.select_option("#language", "tr")
    expect(opened.locator("#edit-split")).to_have_text("Buradan böl")
    drag(opened, opened.locator(".lane-head").nth(2), opened.locator(".lane-head").nth(0))
    expect(opened.locator("#edit-note")).to_contain_text("anında birlikte görünüyor")
    opened.keyboard.press("Control+z")
    expect(opened.locator("#suggestion")).to_contain_text("Yüz 3 ile yüz 2 aynı kişi olabilir.")


def test_a_phone_names_joins_and_leaves_out(opened: Page, service: Service) -> None:
    """On a phone every edit has a control of a finger's size, and the page does not scroll sideways."""
    opened.set_viewport_size({"width": 390, "height": 844})
    card(opened, 2).locator(".face-title").click()
    opened.keyboard.type("Ann")
    opened.keyboard.press("Enter")
    opened.select_option("#edit-face", "3")
    opened.locator("#edit-join").click()
    opened.locator("#join").get_by_text("Ann").click()
    opened.locator("#join").get_by_role("button", name="Join").click()
    expect(opened.locator(".face")).to_have_count(2)
    opened.select_option("#edit-face", "1")
    opened.locator("#edit-exclude").click()
    wait_for(lambda: [edit["op"] for edit in service.edits()] == ["rename", "merge", "exclude"])
    assert opened.evaluate("document.documentElement.scrollWidth <= innerWidth")
    for button in opened.locator("#edit-bar button:visible:not(.text-button)").all():
        box = button.bounding_box()
        assert box is not None
        assert min(box["width"], box["height"]) >= 44
