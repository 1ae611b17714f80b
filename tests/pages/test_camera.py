"""The live page in a real browser whose camera shows a smiling face."""

import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, WebSocketRoute, expect

from duygu.shared.schemas.model import ModelInfo
from duygu.shared.schemas.result import Window
from duygu.shared.workbench.edits.overall import overall
from tests.support.browser import ARGUMENTS, CHROMIUM
from tests.support.media.videos import Scene, VideoMaker

pytestmark = pytest.mark.browser

PATIENCE_MS = 45_000

FAKE = ["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"]


@pytest.fixture(scope="module")
def film(video_maker: VideoMaker) -> Path:
    """The video of the camera: Motion JPEG without a container, as Chromium's fake camera reads it."""
    return video_maker.make(
        Scene(
            duration_s=4.0,
            fps=10,
            width=640,
            height=480,
            container="mjpeg",
            codec="mjpeg",
            pixel_format="yuvj420p",
        )
    )


@pytest.fixture(scope="module")
def camera_browser(browser: Browser, film: Path) -> Iterator[Browser]:
    """A Chromium whose camera shows the video."""
    arguments = [*ARGUMENTS, *FAKE, f"--use-file-for-fake-video-capture={film}"]
    other = browser.browser_type.launch(executable_path=CHROMIUM, args=arguments)
    yield other
    other.close()


@pytest.fixture
def live(camera_browser: Browser, address: str) -> Iterator[Page]:
    """The live page on a phone. A script error or a request to another site fails the test."""
    context = camera_browser.new_context(
        base_url=address, locale="en-GB", viewport={"width": 390, "height": 844}, permissions=["camera"]
    )
    page = context.new_page()
    wrong: list[str] = []
    own = (address, f"blob:{address}")
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    page.on("request", lambda request: None if request.url.startswith(own) else wrong.append(request.url))
    page.goto("/camera")
    yield page
    context.close()
    assert wrong == []


@pytest.mark.parametrize(
    ("language", "words"), [("en", "prohibited in the European Union"), ("tr", "Avrupa Birliği'nde iş yerinde")]
)
def test_the_law_is_named_before_the_camera_starts(live: Page, language: str, words: str) -> None:
    """The page says beside the start of the camera where inferring emotions is prohibited, in both languages."""
    live.select_option("#language", language)
    expect(live.locator("#toggle")).to_be_visible()
    expect(live.get_by_text(words)).to_be_in_viewport()


def test_a_smile_is_seen(live: Page) -> None:
    """After the camera starts, the page shows happiness and the figures of the session, and fits a phone."""
    live.get_by_role("button", name="Start the camera").click()
    face = live.locator("#faces li[data-emotion=happiness]")
    expect(face).to_be_visible(timeout=PATIENCE_MS)
    expect(face).to_contain_text(re.compile(r"Face 1.*happiness \d+%", re.S))
    expect(live.locator("#rate")).to_have_text(re.compile(r"^\d+\.\d$"), timeout=PATIENCE_MS)
    expect(live.locator("#latency")).to_have_text(re.compile(r"^[\d,]+ ms$"))
    expect(live.locator("#dropped")).to_have_text(re.compile(r"^\d+$"))
    assert live.evaluate("document.documentElement.scrollWidth <= innerWidth")
    drawn = "[...document.getElementById(ID).getContext('2d').getImageData(0, 0, 300, 300).data].some((v) => v)"
    for canvas in ("overlay", "recent"):
        assert live.evaluate(drawn.replace("ID", f"'{canvas}'"))
    live.get_by_role("button", name="Stop").click()
    expect(live.locator("#note")).to_have_text("The camera is off.")


def test_a_session_is_saved_as_a_result(live: Page, address: str) -> None:
    """After the end, a session becomes a job with its faces, whose page plays the recording, also after a reload."""
    live.get_by_role("button", name="Start the camera").click()
    expect(live.locator("#faces li[data-emotion=happiness]")).to_be_visible(timeout=PATIENCE_MS)
    live.wait_for_timeout(2500)
    live.get_by_role("button", name="Stop").click()
    expect(live.locator("#session")).to_be_visible(timeout=PATIENCE_MS)
    expect(live.locator("#session-facts")).to_contain_text("1 face")
    assert live.evaluate("document.documentElement.scrollWidth <= innerWidth")
    with live.expect_download() as download:
        live.get_by_role("button", name="Download the recording").click()
    recording = download.value.path().read_bytes()
    live.get_by_label("Name").fill("Talk with Ann")
    live.get_by_role("button", name="Save as a result").click()
    live.wait_for_selector("#workspace:not([hidden])", timeout=PATIENCE_MS)
    expect(live.locator("#video-name")).to_have_text("Talk with Ann")
    job = live.url.partition("#job/")[2]
    result = httpx.get(f"{address}/v1/jobs/{job}/result").json()
    assert result["video"]["sha256"] == hashlib.sha256(recording).hexdigest()
    (face,) = result["faces"]
    assert face["emotion"] == "happiness"
    assert len(face["windows"]) >= 3
    assert face["start_s"] < face["end_s"] <= result["video"]["duration_s"]
    model = ModelInfo.model_validate(result["model"])
    windows = [Window.model_validate(window) for window in face["windows"]]
    assert face["probabilities"] == pytest.approx(overall(windows, model), abs=2e-4)
    for _ in range(2):
        expect(live.locator("#stage-note")).to_be_hidden(timeout=PATIENCE_MS)
        live.wait_for_function("() => document.getElementById('video').videoWidth === 640", timeout=PATIENCE_MS)
        expect(live.locator(".face").first).to_contain_text("happiness")
        live.reload()
    live.goto("/")
    expect(live.locator(".job-name")).to_contain_text(["Talk with Ann"])
    live.once("dialog", lambda dialog: dialog.accept())
    live.get_by_role("button", name="Erase Talk with Ann").click()
    expect(live.locator(".job")).to_have_count(0)
    assert httpx.get(f"{address}/v1/jobs/{job}").status_code == 404


def test_without_a_recording_the_result_is_saved_alone(live: Page) -> None:
    """A session whose picture is not recorded can be saved, has no download, and its page asks for a video."""
    live.get_by_text("Record the picture").click()
    live.get_by_role("button", name="Start the camera").click()
    expect(live.locator("#faces li[data-emotion=happiness]")).to_be_visible(timeout=PATIENCE_MS)
    live.get_by_role("button", name="Stop").click()
    expect(live.locator("#session")).to_be_visible(timeout=PATIENCE_MS)
    expect(live.locator("#session-download")).to_be_hidden()
    live.get_by_role("button", name="Save as a result").click()
    live.wait_for_selector("#workspace:not([hidden])", timeout=PATIENCE_MS)
    expect(live.locator("#stage-note")).to_be_visible()


def test_the_camera_is_chosen_and_remembered(browser: Browser, address: str) -> None:
    """With several cameras, one is chosen by the keyboard after permission, used at once, and again after a reload."""
    arguments = [*ARGUMENTS, "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream=device-count=3"]
    other = browser.browser_type.launch(executable_path=CHROMIUM, args=arguments)
    page = other.new_page(base_url=address, locale="en-GB", permissions=["camera"])
    page.goto("/camera")
    used = "document.getElementById('picture').srcObject?.getVideoTracks()[0].label"
    page.get_by_role("button", name="Start the camera").click()
    choice = page.locator("#camera-select")
    expect(choice).to_be_visible(timeout=PATIENCE_MS)
    names = choice.locator("option").all_inner_texts()
    assert len(names) == 3
    shown = "document.getElementById('camera-select').selectedOptions[0].text"
    page.wait_for_function(f"() => {shown} === {used}", timeout=PATIENCE_MS)  # not yet while the camera starts
    first = page.evaluate(used)
    assert first in names
    place = names.index(first)
    key, chosen = ("ArrowUp", names[place - 1]) if place else ("ArrowDown", names[1])
    choice.focus()
    page.keyboard.press(key)
    page.wait_for_function(f"() => {used} === {json.dumps(chosen)}", timeout=PATIENCE_MS)
    page.reload()
    page.get_by_role("button", name="Start the camera").click()
    page.wait_for_function(f"() => {used} === {json.dumps(chosen)}", timeout=PATIENCE_MS)
    assert choice.evaluate("(select) => select.selectedOptions[0].text") == chosen
    other.close()


HELD_PLAY = """
  const play = HTMLMediaElement.prototype.play;
  const held = new Promise((resolve) => { window.letPlay = resolve; });
  HTMLMediaElement.prototype.play = function () { return held.then(() => play.call(this)); };
"""


def test_a_camera_can_be_chosen_while_another_starts(browser: Browser, address: str) -> None:
    """A choice before the first picture replaces the camera, without an error, and the session is of the chosen one."""
    arguments = [*ARGUMENTS, "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream=device-count=3"]
    other = browser.browser_type.launch(executable_path=CHROMIUM, args=arguments)
    page = other.new_page(base_url=address, locale="en-GB", permissions=["camera"])
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.add_init_script(HELD_PLAY)
    page.goto("/camera")
    page.get_by_role("button", name="Start the camera").click()
    page.wait_for_function("() => document.getElementById('picture').srcObject", timeout=PATIENCE_MS)
    used = "document.getElementById('picture').srcObject?.getVideoTracks()[0].label"
    chosen = next(
        name for name in page.locator("#camera-select option").all_inner_texts() if name != page.evaluate(used)
    )
    page.locator("#camera-select").select_option(label=chosen)
    page.wait_for_function(f"() => {used} === {json.dumps(chosen)}", timeout=PATIENCE_MS)
    page.evaluate("() => window.letPlay()")
    expect(page.get_by_role("button", name="Stop")).to_be_enabled(timeout=PATIENCE_MS)
    page.wait_for_function("() => document.getElementById('picture').currentTime > 0", timeout=PATIENCE_MS)
    assert page.evaluate(used) == chosen
    assert errors == []
    other.close()


def test_a_resting_face_is_taken_and_kept(live: Page, address: str) -> None:
    """The button takes three seconds, the switch shows both predictions; a saved session keeps the resting face."""
    expect(live.locator("#resting-line")).to_be_hidden()
    live.get_by_role("button", name="Start the camera").click()
    face = live.locator("#faces li")
    expect(face).to_have_attribute("data-emotion", "happiness", timeout=PATIENCE_MS)
    note = live.locator("#resting-note")
    for _ in range(8):  # a busy machine drops frames, and the service refuses what is too short
        live.get_by_role("button", name="This is my resting face").click()
        expect(note).to_have_text(re.compile("Rest your face and do not speak|One moment"))
        expect(note).to_have_text(re.compile("is shown relative|Try again"), timeout=PATIENCE_MS)
        if "is shown relative" in (note.text_content() or ""):
            break
    expect(note).to_contain_text("Face 1 is shown relative to its resting face. The resting face shows an emotion")
    switch = live.get_by_label("Relative to my resting face")
    expect(switch).to_be_checked()
    expect(face).to_have_attribute("data-emotion", "neutral", timeout=PATIENCE_MS)
    switch.uncheck()
    expect(face).to_have_attribute("data-emotion", "happiness", timeout=PATIENCE_MS)
    assert live.evaluate("document.documentElement.scrollWidth <= innerWidth")
    live.wait_for_timeout(2000)
    live.get_by_role("button", name="Stop").click()
    expect(live.locator("#resting-line")).to_be_hidden()
    live.get_by_role("button", name="Save as a result").click()
    live.wait_for_selector("#workspace:not([hidden])", timeout=PATIENCE_MS)
    job = live.url.partition("#job/")[2]
    faces = httpx.get(f"{address}/v1/jobs/{job}/result").json()["faces"]
    (saved,) = [face for face in faces if face["baseline"]]
    ((start_s, end_s),) = saved["baseline"]["spans"]
    assert saved["start_s"] - 0.1 <= start_s < end_s <= saved["end_s"] + 0.1
    assert any(window["relative"] for window in saved["windows"])
    expect(live.get_by_label("Relative to each person’s resting face")).to_be_visible()


@pytest.mark.parametrize(
    ("code", "text"), [("baseline_speaking", "You spoke."), ("baseline_several_faces", "Several faces were in view.")]
)
def test_a_refused_resting_face_says_why(live: Page, code: str, text: str) -> None:
    """A refusal of the service is shown in the page's language, and the button can be used again."""

    def serve(socket: WebSocketRoute) -> None:
        socket.send(json.dumps({"type": "session.created", "model": {"labels": ["neutral"], "relative": {}}}))
        socket.on_message(lambda message: respond(socket, message))

    def respond(socket: WebSocketRoute, message: str | bytes) -> None:
        if isinstance(message, bytes):
            number = int.from_bytes(message[8:12])
            result = {"type": "result", "frame": number, "captured_at": number / 10, "faces": [FACE], "warnings": []}
            socket.send(json.dumps({**result, "width": 640, "height": 480}))
        elif "baseline" in message:
            assert re.fullmatch(r"\d+\.\d{3}-\d+\.\d{3}", json.loads(message)["baseline"])
            socket.send(json.dumps({"type": "error", "seq": None, "code": code, "detail": "", "recoverable": True}))

    live.route_web_socket(re.compile("/v1/stream"), serve)
    live.reload()
    live.get_by_role("button", name="Start the camera").click()
    live.get_by_role("button", name="This is my resting face").click(timeout=PATIENCE_MS)
    expect(live.locator("#resting-note")).to_contain_text(text)
    expect(live.locator("#relative-line")).to_be_hidden()
    expect(live.get_by_role("button", name="This is my resting face")).to_be_enabled()
    live.get_by_label("Language").select_option("tr")
    expect(live.locator("#resting-note")).to_contain_text("yeniden deneyin")
    live.get_by_role("button", name="Durdur").click()


FACE = {
    "face_id": 1,
    "state": "warming_up",
    "emotion": None,
    "confidence": None,
    "uncertain": None,
    "relative": None,
    "baseline": None,
    "windows": [],
    "positions": [{"time_s": 0.1, "box": [100, 100, 200, 200], "score": 0.9}],
}
"""A face of a session without a window."""


def test_a_recording_is_sent_when_it_is_stopped(live: Page) -> None:
    """A recording from the first page's camera is uploaded when it is stopped, and its result plays the recording."""
    live.goto("/")
    live.get_by_role("button", name="Record").click()
    live.get_by_role("button", name="Start", exact=True).click()
    expect(live.locator("#recorder-note")).to_have_text(re.compile(r"0:0[3-9]"), timeout=PATIENCE_MS)
    live.get_by_role("button", name="Stop and use it").click()
    live.wait_for_selector("#workspace:not([hidden])", timeout=PATIENCE_MS)
    expect(live.locator("#video-name")).to_contain_text("Recording")
    expect(live.locator(".face").first).to_contain_text("happiness")


def test_a_recorder_that_is_closed_lets_go_of_the_camera(live: Page) -> None:
    """Closing the recorder releases the camera, also before permission is granted, and discards the recording."""
    live.add_init_script(SLOW_PERMISSION)
    live.goto("/")
    live.get_by_role("button", name="Record").click()
    live.get_by_role("button", name="Close").click()
    live.get_by_role("button", name="Record").click()
    live.evaluate("permissions.forEach((permit) => permit())")
    live.get_by_role("button", name="Start", exact=True).click()
    running = "() => streams.filter((stream) => stream.active).length"
    live.wait_for_function(f"() => streams.length === 2 && ({running})() === 1")
    expect(live.locator("#recorder-note")).to_have_text(re.compile("0:01"), timeout=PATIENCE_MS)
    live.get_by_role("button", name="Close").click()
    live.wait_for_function(f"() => ({running})() === 0")
    live.wait_for_timeout(200)
    expect(live.locator(".job")).to_have_count(0)


SLOW_PERMISSION = """
const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
window.permissions = [];
window.streams = [];
navigator.mediaDevices.getUserMedia = async (wish) => {
  await new Promise((permit) => permissions.push(permit));
  streams.push(await ask(wish));
  return streams.at(-1);
};
"""
"""Delays the permission for the camera until the test calls `permissions`; the cameras are in `streams`."""


def test_the_first_page_leads_here_and_back(live: Page) -> None:
    """On a phone, the bar links to the live page and back, in both languages."""
    for language, name, back in (("en", "Live", "Videos"), ("tr", "Canlı", "Videolar")):
        live.goto("/")
        live.locator("#language").select_option(language)
        live.get_by_role("link", name=name, exact=True).click()
        expect(live).to_have_url(re.compile("/camera$"))
        live.get_by_role("link", name=back, exact=True).click()
        expect(live).to_have_url(re.compile("/$"))


def test_without_permission_a_message_is_shown(browser: Browser, address: str) -> None:
    """A denied permission shows a message, and the camera can be started again."""
    context = browser.new_context(base_url=address, locale="en-GB")
    page = context.new_page()
    page.add_init_script(
        "navigator.mediaDevices.getUserMedia = async () => { throw new DOMException('', 'NotAllowedError'); };"
    )
    page.goto("/camera")
    page.get_by_role("button", name="Start the camera").click()
    expect(page.locator("#note")).to_contain_text("Camera access is blocked")
    expect(page.get_by_role("button", name="Start the camera")).to_be_enabled()
    context.close()


def test_without_a_camera_a_message_is_shown(browser: Browser, address: str) -> None:
    """A browser without a camera shows a message."""
    context = browser.new_context(base_url=address, locale="en-GB", permissions=["camera"])
    page = context.new_page()
    page.goto("/camera")
    page.get_by_role("button", name="Start the camera").click()
    expect(page.locator("#note")).to_have_text("No camera was found.")
    context.close()


def test_without_a_worker_a_message_is_shown(live: Page) -> None:
    """An error from the socket is shown in the page's language."""

    def refuse(socket: WebSocketRoute) -> None:
        socket.send('{"type": "error", "code": "no_worker", "detail": "", "recoverable": false}')
        socket.close(code=1013, reason="no_worker")

    live.route_web_socket(re.compile("/v1/stream"), refuse)
    live.reload()
    live.get_by_role("button", name="Start the camera").click()
    expect(live.locator("#note")).to_contain_text("No worker is available for live sessions", timeout=PATIENCE_MS)
    live.get_by_label("Language").select_option("tr")
    expect(live.locator("#note")).to_contain_text("bir çalışan süreç yok")


def test_an_overloaded_service_gets_fewer_pictures_and_the_page_says_so(live: Page) -> None:
    """While replies have a rate for all sessions, the page names it and sends no more; afterwards it does neither."""
    times: list[float] = []
    rates: list[float | None] = [2.0]

    def serve(socket: WebSocketRoute) -> None:
        socket.send(json.dumps({"type": "session.created", "model": {"labels": ["neutral"]}}))
        socket.on_message(lambda message: respond(socket, message))

    def respond(socket: WebSocketRoute, message: str | bytes) -> None:
        if isinstance(message, bytes):
            times.append(int.from_bytes(message[12:20]) / 1e6)
            number = int.from_bytes(message[8:12])
            result = {"type": "result", "frame": number, "captured_at": number / 10, "faces": [], "warnings": []}
            socket.send(json.dumps({**result, "width": 640, "height": 480, "overload_rate_hz": rates[0]}))

    live.route_web_socket(re.compile("/v1/stream"), serve)
    live.reload()
    live.get_by_role("button", name="Start the camera").click()
    expect(live.locator("#note")).to_contain_text("every session gets at most 2 pictures", timeout=PATIENCE_MS)
    told_s = times[-1]

    def limited() -> list[float]:
        return [time for time in times if time > told_s + 1]  # those before were on their way

    while len(limited()) < 5:
        live.wait_for_timeout(100)
    assert len(limited()) - 1 <= 2 * (limited()[-1] - limited()[0]) + 1
    live.get_by_label("Language").select_option("tr")
    expect(live.locator("#note")).to_contain_text("saniyede en fazla 2 görüntü")
    rates[0] = None
    expect(live.locator("#note")).to_have_text("", timeout=PATIENCE_MS)


def test_messages_of_a_stopped_session_are_ignored(live: Page) -> None:
    """After a session is stopped, its results are not shown, and its end opens no other session."""
    sockets: list[WebSocketRoute] = []

    def hold(socket: WebSocketRoute) -> None:
        socket.on_message(lambda message: None)
        socket.send('{"type": "session.created"}')
        sockets.append(socket)

    face = {"face_id": 1, "positions": [{"box": [10, 10, 50, 50]}], "emotion": "happiness", "confidence": 0.9}
    result = {"type": "result", "frame": 1, "faces": [face], "width": 640, "height": 480, "captured_at": 1.0}
    live.route_web_socket(re.compile("/v1/stream"), hold)
    live.reload()
    live.get_by_role("button", name="Start the camera").click()
    expect(live.locator("#note")).to_have_text("")
    sockets[0].send(json.dumps(result))
    expect(live.locator(".live-face")).to_have_count(1)
    live.get_by_role("button", name="Stop").click()
    sockets[0].send(json.dumps(result))
    live.wait_for_timeout(200)
    expect(live.locator(".live-face")).to_have_count(0)
    live.get_by_role("button", name="Start the camera").click()
    expect(live.locator("#note")).to_have_text("")
    sockets[0].close()
    live.wait_for_timeout(200)
    expect(live.locator("#note")).to_have_text("")
    assert len(sockets) == 2
