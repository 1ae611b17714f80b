"""The web application in a real browser, against a whole service with the shipped model."""

import base64
import csv
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.support.media.videos import Scene, VideoMaker

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

PATIENCE_MS = 60_000


def analyse(page: Page, video: Path) -> None:
    """Choose a file and wait for its result."""
    page.goto("/upload")
    page.set_input_files("#file", video)
    page.wait_for_selector("#workspace:not([hidden])", timeout=PATIENCE_MS)


def test_a_smile_is_read_as_happiness_at_the_right_time(page: Page, smile: Path) -> None:
    """A smile is reported as happiness at its time by the card, the slider and the tooltip."""
    analyse(page, smile)
    expect(page.locator(".face")).to_have_count(1)
    page.locator("#lane-view").click(position={"x": 400, "y": 60})
    expect(page.locator(".face-now b")).to_have_text("happiness")
    expect(page.locator("#lane-view")).to_have_attribute("aria-valuetext", re.compile("face 1 happiness"))
    page.locator("#lane-view").hover(position={"x": 400, "y": 60})
    expect(page.locator("#tooltip .meter")).to_have_count(7)
    expect(page.locator("#tooltip .meter.best")).to_contain_text("happiness")


def drop(page: Page, video: Path, target: str) -> None:
    """Drop a file on an element, as from the desktop."""
    data = base64.b64encode(video.read_bytes()).decode()
    carried = page.evaluate_handle(
        """([data, name]) => {
          const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
          const carried = new DataTransfer();
          carried.items.add(new File([bytes], name, { type: "video/webm" }));
          return carried;
        }""",
        [data, video.name],
    )
    for event in ("dragenter", "dragover", "drop"):
        page.dispatch_event(target, event, {"dataTransfer": carried, "bubbles": True, "cancelable": True})


def test_a_video_may_fall_anywhere(page: Page, smile: Path) -> None:
    """A dropped video is analysed; on the empty stage of an earlier result it becomes the picture of that result."""
    page.goto("/")
    drop(page, smile, "footer")
    page.wait_for_selector("#workspace:not([hidden])", timeout=PATIENCE_MS)
    result = page.url
    page.reload()
    expect(page.locator("#stage-note p")).to_contain_text("stored on your device only")
    drop(page, smile, "#stage")
    expect(page.locator("#stage-note")).to_be_hidden()
    expect(page.locator(".thumb canvas")).to_have_count(2)
    assert page.url == result
    page.locator(".back").click()
    expect(page.locator("#drop")).not_to_have_class(re.compile("over"))


def test_boxes_lie_over_the_face(page: Page, smile: Path) -> None:
    """A box is drawn over the picture while the face is visible, and none once the face is switched off."""
    drawn = """() => {
      const { width, height } = document.getElementById("overlay");
      const pixels = document.getElementById("overlay").getContext("2d").getImageData(0, 0, width, height).data;
      return pixels.some((value, i) => i % 4 === 3 && value > 0);
    }"""
    analyse(page, smile)
    page.keyboard.press("ArrowRight")
    page.wait_for_function(drawn)
    page.locator(".face .switch input").uncheck(force=True)
    page.wait_for_function(f"() => !({drawn})()")


def test_the_keyboard_moves_by_frame_and_by_window(page: Page, smile: Path) -> None:
    """The arrow keys step frames, and windows with Shift; Home and End seek to the ends; the space bar plays."""
    clock = "() => parseFloat(document.getElementById('lane-view').getAttribute('aria-valuenow'))"
    analyse(page, smile)
    page.keyboard.press("End")
    page.wait_for_function(f"() => ({clock})() > 2.5")
    page.keyboard.press("Home")
    page.wait_for_function(f"() => ({clock})() === 0")
    page.keyboard.press("ArrowRight")
    page.wait_for_function(f"() => ({clock})() > 0 && ({clock})() < 0.2")
    page.keyboard.press("Shift+ArrowRight")
    page.wait_for_function(f"() => ({clock})() > 0.4")
    page.keyboard.press("Space")
    expect(page.locator("#play")).to_have_attribute("aria-label", "Pause")


def test_keys_work_after_a_face_was_switched(page: Page, smile: Path) -> None:
    """The digit keys keep the focus; on the switch of a face, only the space bar operates the switch."""
    analyse(page, smile)
    switch = page.locator(".face .switch input")
    page.keyboard.press("1")
    expect(switch).not_to_be_checked()
    expect(page.locator("#video-name")).to_be_focused()
    switch.focus()
    page.keyboard.press("Space")
    expect(switch).to_be_checked()
    expect(page.locator("#play")).to_have_attribute("aria-label", "Play")
    page.keyboard.press("1")
    expect(switch).not_to_be_checked()
    expect(switch).to_be_focused()
    page.keyboard.press("End")
    page.wait_for_function("() => document.getElementById('lane-view').getAttribute('aria-valuenow') > 2.5")


def test_recent_videos_survive_a_reload(page: Page, smile: Path) -> None:
    """After a reload, the list still links to the result although the page no longer has the file."""
    analyse(page, smile)
    page.goto("/")
    page.locator("#job-list a").first.click()
    expect(page.locator("#video-name")).to_have_text(smile.name)
    expect(page.locator("#stage-note p")).to_contain_text("stored on your device only")


def test_the_result_can_be_downloaded(page: Page, smile: Path) -> None:
    """The CSV download contains every window of the table and has the name of the video."""
    analyse(page, smile)
    with page.expect_download() as download:
        page.locator(".download", has_text="CSV").click()
    assert download.value.suggested_filename == f"{smile.stem}.csv"
    with Path(download.value.path()).open(newline="") as file:
        rows = list(csv.DictReader(file))
    page.locator("#table summary").click()
    assert rows
    expect(page.locator("#table tbody tr")).to_have_count(len(rows))
    assert {row["emotion"] for row in rows} == {"happiness"}


def test_windows_appear_as_they_are_found(page: Page, smile: Path) -> None:
    """The page follows a job by its events, requests the job only twice, and draws the windows in the list."""
    requested: list[str] = []
    page.on(
        "request",
        lambda request: requested.append(request.url.rpartition("/v1/jobs/")[2]) if request.method == "GET" else None,
    )
    analyse(page, smile)
    job_id = page.url.rpartition("/")[2]
    assert requested.count(f"{job_id}/events") == 1
    assert requested.count(job_id) == 2
    page.locator(".back").click()
    expect(page.locator(".job .preview rect.happiness").first).to_be_attached()


def test_jobs_without_events_are_polled(page: Page, smile: Path) -> None:
    """Without events, the page still shows the result."""
    page.route("**/events", lambda route: route.abort())
    analyse(page, smile)
    expect(page.locator(".face")).to_have_count(1)


def test_an_annotated_video_can_be_requested(page: Page, smile: Path) -> None:
    """The option on the first page yields an annotated video that this browser plays."""
    page.goto("/")
    page.locator("#annotate").check()
    page.set_input_files("#file", smile)
    page.wait_for_selector("#workspace:not([hidden])", timeout=PATIENCE_MS)
    link = page.locator(".download", has_text="MP4")
    assert (link.get_attribute("download") or "").endswith(".mp4")
    plays = """async (address) => {
      const video = document.createElement("video");
      video.src = address;
      await new Promise((resolve, reject) => { video.oncanplay = resolve; video.onerror = () => reject(video.error); });
      return [video.videoWidth, video.duration];
    }"""
    width, duration_s = page.evaluate(plays, link.get_attribute("href"))
    assert width == 640
    assert abs(duration_s - 3.0) < 0.2


def test_an_annotated_video_can_be_requested_afterwards(page: Page, smile: Path) -> None:
    """An annotated video for an existing result is a job of its own; the result stays and links to it."""
    analyse(page, smile)
    first = page.url
    expect(page.get_by_role("button", name="MP4")).to_contain_text("has erased your upload")
    page.get_by_role("button", name="MP4").click()
    film = page.locator("a.download[download$='.mp4']")
    film.wait_for(timeout=PATIENCE_MS)
    assert page.url == first
    page.reload()
    film.wait_for()
    assert first.rpartition("/")[2] not in (film.get_attribute("href") or "")
    page.locator(".back").click()
    expect(page.locator(".job[data-state=succeeded]")).to_have_count(2)
    assert page.locator(".job-name").all_inner_texts() == [f"{smile.name} (2)", smile.name]
    expect(page.locator(".job-mark")).to_have_text(["with boxes"])


def test_boxes_keep_to_the_picture_where_sound_begins_before_it(page: Page, video_maker: VideoMaker) -> None:
    """Where sound begins before the first picture, boxes and clock still follow the pictures."""
    late = Scene(duration_s=3.0, width=320, height=240, container="webm", codec="libvpx", sound=True, late=1.0)
    analyse(page, video_maker.make(late))
    times = "() => [document.getElementById('video').currentTime, document.getElementById('clock').textContent]"
    page.wait_for_function("() => Math.abs(document.getElementById('video').currentTime - 1) < 0.02")
    assert page.evaluate(times)[1].startswith("0:00.0")
    page.keyboard.press("End")
    page.wait_for_function("() => document.getElementById('video').currentTime > 3.8")


def test_several_videos_wait_for_each_other(page: Page, smile: Path, tmp_path: Path) -> None:
    """A waiting video can be cancelled; the others are analysed, and the page stays on the list."""
    copies = [tmp_path / f"{name}.webm" for name in ("one", "two", "three")]
    for copy in copies:
        copy.write_bytes(smile.read_bytes())
    page.goto("/")
    page.set_input_files("#file", copies)
    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="three.webm").click()
    expect(page.locator(".job")).to_have_count(2)
    expect(page.locator(".job[data-state=succeeded]")).to_have_count(2, timeout=PATIENCE_MS)
    expect(page.locator("#home")).to_be_visible()


def test_what_the_browser_cannot_play_is_shown_without(page: Page, video_maker: VideoMaker) -> None:
    """For a video that Chromium cannot show, the boxes and the timeline still move."""
    hevc = Scene(duration_s=2.0, codec="libx265", container="mp4", sound=True)
    analyse(page, video_maker.make(hevc))
    expect(page.locator("#stage-note p")).to_contain_text("cannot play")
    page.keyboard.press("Space")
    page.wait_for_function("() => document.getElementById('lane-view').getAttribute('aria-valuenow') > 0.2")


def test_a_file_without_video_has_an_error(page: Page, tmp_path: Path) -> None:
    """A text file is refused with its error code and can be removed from the list."""
    text = tmp_path / "notes.mp4"
    text.write_text("not a film at all\n" * 50)
    page.goto("/")
    page.set_input_files("#file", text)
    expect(page.locator(".job[data-state=failed] code")).to_have_text("not_a_video", timeout=PATIENCE_MS)
    page.locator(".job[data-state=failed] .icon").click()
    expect(page.locator(".job[data-state=failed]")).to_have_count(0)


def test_both_languages_have_the_same_texts(page: Page) -> None:
    """The English and the Turkish catalogue have the same texts, except for errors, which the server has in English."""
    page.goto("/")
    page.select_option("#language", "tr")
    expect(page.locator("html")).to_have_attribute("lang", "tr")
    keys = """async () => {
      const flat = (node, path) => Object.entries(node).flatMap(([key, value]) =>
        typeof value === "object" && !("other" in value) ? flat(value, `${path}${key}.`) : [`${path}${key}`]);
      const load = async (name) => {
        const { errors, ...texts } = (await import(`/static/js/locales/${name}.js`)).default;
        return flat(texts, "").sort().join();
      };
      return (await load("en")) === (await load("tr"));
    }"""
    assert page.evaluate(keys)


def test_every_call_is_shown(page: Page, address: str) -> None:
    """The page at /api lists each operation of the OpenAPI description; the curl command has the service's address."""
    page.goto("/")
    page.get_by_role("link", name="API").click()
    calls = page.locator(".api-call summary")
    expect(calls).to_have_count(page.evaluate(CALLS))
    calls.first.click()
    first = page.locator(".api-call").first
    expect(first.locator(".call:visible")).to_have_text(f"curl -F video=@clip.mp4 {address}/v1/videos")
    expect(first).to_contain_text("The upload is too large (too_large)")
    page.select_option("#language", "tr")
    expect(first.locator("caption")).to_have_text("Parametreler")


CALLS = """async () => {
  const { paths } = await (await fetch("/openapi.json")).json();
  return Object.values(paths).flatMap((operations) => Object.keys(operations)).length;
}"""


def test_nothing_is_wider_than_a_phone(page: Page, smile: Path) -> None:
    """At 390 pixels no page scrolls sideways, not even in Turkish, whose words are longer."""
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto("/")
    page.select_option("#language", "tr")
    analyse(page, smile)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    for address, whole in (("/", "#drop"), ("/api", ".api-call")):
        page.goto(address)
        page.locator(whole).first.wait_for()
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
