"""Choosing a local file for a result whose file the page no longer has."""

import hashlib
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import pytest
from playwright.sync_api import Page, expect

from tests.pages.results.test_tags import RECORDER
from tests.support.media.videos import Scene, VideoMaker
from tests.support.results.synthetic import face, result, visit

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

RIGHT = Scene(duration_s=2.0, fps=5, width=160, height=120, container="webm", codec="libvpx")

RESULT = result(face(1, (20, 20, 60, 60), ["happiness"] * 3), width=160, height=120, duration_s=2.0)


def job_of(path: Path) -> dict[str, Any]:
    """Return what the server stores about an upload."""
    content = path.read_bytes()
    return {"sha256": hashlib.sha256(content).hexdigest(), "size_bytes": len(content)}


def test_a_file_of_another_size_is_refused_before_it_is_shown(page: Page, video_maker: VideoMaker) -> None:
    """A file of another size is refused before it is shown, in both languages, and can be shown anyway."""
    right, wrong = video_maker.make(RIGHT), video_maker.make(replace(RIGHT, brightness=0.5))
    visit(page, RESULT, **job_of(right))
    page.set_input_files("#own-file", wrong)
    note = page.locator("#stage-note p")
    expect(note).to_contain_text(
        re.compile(r"This is a different video: the file has [\d,]+ bytes, the analysed one [\d,]+")
    )
    assert page.locator("#video").get_attribute("src") is None
    page.select_option("#language", "tr")
    expect(note).to_contain_text(re.compile(r"Bu farklı bir video: dosya [\d.]+ bayt"))
    page.get_by_role("button", name="Yine de bunu göster").click()
    expect(page.locator("#stage-note")).to_be_hidden()
    page.wait_for_function("() => document.getElementById('video').videoWidth === 160")
    expect(page.locator(".download", has_text="MP4")).to_be_disabled()


def test_a_file_of_the_same_size_is_recognised_by_its_content(
    page: Page, video_maker: VideoMaker, tmp_path: Path
) -> None:
    """A file with one changed byte is refused; the right file is accepted and names a result without a name."""
    right = video_maker.make(RIGHT)
    content = bytearray(right.read_bytes())
    content[-1] ^= 1
    wrong = tmp_path / "changed.webm"
    wrong.write_bytes(content)
    visit(page, RESULT, **job_of(right))
    page.evaluate("localStorage.clear()")
    page.reload()
    expect(page.locator("#video-name")).to_have_text("clip")
    page.set_input_files("#own-file", wrong)
    expect(page.locator("#stage-note p")).to_contain_text("its content differs")
    expect(page.get_by_role("button", name="Show it anyway")).to_be_visible()
    page.set_input_files("#own-file", right)
    expect(page.locator("#stage-note")).to_be_hidden()
    expect(page.locator("#video-name")).to_have_text(right.name)
    expect(page.locator(".download", has_text="CSV")).to_have_attribute("download", f"{right.stem}.csv")


def test_without_the_job_frame_size_and_length_decide(page: Page, video_maker: VideoMaker) -> None:
    """Without the job, picture size and duration are compared with the result."""
    visit(page, RESULT)
    page.route("**/v1/jobs/clip", lambda route: route.fulfill(status=503, json={"code": "unavailable", "title": ""}))
    page.set_input_files("#own-file", video_maker.make(replace(RIGHT, width=120, height=160)))
    expect(page.locator("#stage-note p")).to_contain_text(
        "its picture is 120 × 160, that of the analysed one 160 × 120"
    )
    page.set_input_files("#own-file", video_maker.make(replace(RIGHT, duration_s=4.0)))
    expect(page.locator("#stage-note p")).to_contain_text("it is 0:04.0 long")
    page.set_input_files("#own-file", video_maker.make(RIGHT))
    expect(page.locator("#stage-note")).to_be_hidden()
    expect(page.locator(".thumb canvas").first).to_be_attached()


def turned(first: Path, second: Path, path: Path) -> None:
    """Join two VP8 videos of one second into one stream whose picture size changes in between."""
    with av.open(path, "w", format="webm") as out:
        stream = None
        for start_s, part in enumerate((first, second)):
            with av.open(part) as source:
                stream = stream or out.add_stream_from_template(source.streams.video[0])
                for packet in source.demux(video=0):
                    if packet.pts is None:
                        continue
                    packet.pts += round(start_s / packet.time_base)
                    packet.dts = packet.pts
                    packet.stream = stream
                    out.mux(packet)


def test_boxes_fit_a_video_that_turns_in_the_middle(page: Page, video_maker: VideoMaker, tmp_path: Path) -> None:
    """In a video that turns from portrait to landscape, the boxes lie within the displayed picture."""
    portrait = Scene(duration_s=1.0, fps=10, width=240, height=320, container="webm", codec="libvpx")
    film = tmp_path / "turned.webm"
    turned(video_maker.make(portrait), video_maker.make(replace(portrait, width=320, height=240)), film)
    page.add_init_script(RECORDER)
    whole = face(1, (0, 0, 240, 320), ["happiness"] * 3)
    visit(page, result(whole, width=240, height=320, duration_s=2.0), **job_of(film))
    page.set_input_files("#own-file", film)
    page.wait_for_function("() => document.getElementById('video').videoWidth === 240")
    page.keyboard.press("End")
    page.wait_for_function("() => document.getElementById('video').videoWidth === 320")
    video, canvas = page.locator("#video").bounding_box(), page.locator("#overlay").bounding_box()
    assert video is not None
    assert canvas is not None
    page.keyboard.press("Home")
    page.wait_for_function("() => drawn.boxes.length === 1")
    left, top, width, height = page.evaluate("drawn.boxes[0]")
    assert canvas["width"] > canvas["height"]
    found = (video["x"] - canvas["x"], video["y"] - canvas["y"], video["width"], video["height"])
    assert found == pytest.approx((left, top, width, height), abs=1)
