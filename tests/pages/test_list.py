"""The list of videos: persistence across reloads, the text of rows, and distinct names."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any
from zipfile import ZipFile

import pytest
from playwright.sync_api import Dialog, FilePayload, Page, Route, expect

from tests.support.servers.scripted_server import job_document, remember, result

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

NOW = datetime.now(UTC)


def video(name: str, content: bytes = b"not looked at") -> FilePayload:
    """Return a file for the file input."""
    return {"name": name, "mimeType": "video/mp4", "buffer": content}


def job_id_of(route: Route) -> str:
    """Return the job id in the path of a request."""
    return route.request.url.partition("/v1/jobs/")[2].partition("/")[0].partition("?")[0]


def lines(*windows: dict[str, Any], duration_s: float = 10.0) -> str:
    """Return a result as NDJSON."""
    head = {"type": "video", "video": {"duration_s": duration_s}}
    return "".join(json.dumps(line) + "\n" for line in (head, *({"type": "window", **window} for window in windows)))


def window(face_id: int, start_s: float, emotion: str) -> dict[str, Any]:
    """Return one window of a second."""
    return {"face_id": face_id, "start_s": start_s, "end_s": start_s + 1, "emotion": emotion, "confidence": 0.9}


def accept(page: Page, describe: Callable[[str], dict[str, Any]]) -> None:
    """Turn every upload into a job `job1`, `job2`, …, which the server describes with `describe`."""
    sent: list[str] = []

    def take(route: Route) -> None:
        sent.append(f"job{len(sent) + 1}")
        route.fulfill(status=202, json=job_document(sent[-1], status="queued", progress=0.0))

    page.route("**/v1/jobs/*/events", lambda route: route.abort())
    page.route(
        "**/v1/jobs/*", lambda route: route.fulfill(json=job_document(job_id_of(route), **describe(job_id_of(route))))
    )
    page.route("**/v1/jobs/*/result*", lambda route: route.fulfill(body=lines(window(1, 0, "fear"))))
    page.route("**/v1/videos*", take)


def test_a_hundred_files_are_in_the_list_after_a_reload(page: Page) -> None:
    """After a reload, the list has all 100 files, the refused ones with their error until they are removed."""
    page.goto("/")
    accept(page, lambda _: {"status": "succeeded"})
    refuse = {"code": "not_a_video", "title": "The file is not a video", "status": 415, "detail": "No"}
    page.route(
        "**/v1/videos*",
        lambda route: (
            route.fulfill(status=415, json=refuse)
            if b"text" in (route.request.post_data_buffer or b"")
            else route.fallback()
        ),
    )
    files = [video(f"{number}.mp4", b"text" if number < 10 else b"film") for number in range(100)]
    page.set_input_files("#file", files)
    succeeded, failed = page.locator(".job[data-state=succeeded]"), page.locator(".job[data-state=failed]")
    expect(succeeded).to_have_count(90, timeout=60_000)
    expect(failed).to_have_count(10)
    page.reload()
    expect(succeeded).to_have_count(90)
    expect(failed).to_have_count(10)
    expect(failed.first.locator("code")).to_have_text("not_a_video")
    page.get_by_role("button", name="Erase 3.mp4", exact=True).click()
    expect(failed).to_have_count(9)
    page.reload()
    expect(failed).to_have_count(9)


def test_every_result_has_its_preview_also_after_a_reload(page: Page) -> None:
    """Every result has a preview, also after a reload, and the browser fetches the result for it only once."""
    fetched: list[str] = []
    page.goto("/")
    accept(page, lambda _: {"status": "succeeded"})
    page.on("request", lambda request: fetched.append(request.url) if "ndjson" in request.url else None)
    page.set_input_files("#file", [video(f"{number}.mp4") for number in range(6)])
    expect(page.locator(".job .preview rect.fear")).to_have_count(6)
    page.reload()
    expect(page.locator(".job .preview rect.fear")).to_have_count(6)
    assert len(fetched) == 6


def test_a_preview_counts_the_faces_that_it_leaves_out(page: Page) -> None:
    """A preview has six lanes; the row counts the remaining faces in the chosen language."""
    remember(page, "crowd")
    accept(page, lambda _: {"status": "succeeded", "faces": 8})
    crowd = lines(*(window(face, 0, "fear") for face in range(1, 9)))
    page.route("**/v1/jobs/*/result*", lambda route: route.fulfill(body=crowd))
    page.reload()
    expect(page.locator(".job .preview rect")).to_have_count(6)
    expect(page.locator(".preview-more")).to_have_text("+ 2 more faces")
    page.select_option("#language", "tr")
    expect(page.locator(".preview-more")).to_have_text("+ 2 yüz daha")


def test_a_preview_goes_with_its_result(page: Page) -> None:
    """The preview of a result is deleted from the browser once the server has erased the result."""
    remember(page, "film")
    accept(page, lambda _: {"status": "succeeded"})
    page.reload()
    expect(page.locator(".job .preview")).to_have_count(1)
    assert page.evaluate("localStorage.getItem('duygu.sketch.film')")
    gone = {"code": "job_not_found", "title": "The job does not exist", "status": 404}
    page.route("**/v1/jobs/film", lambda route: route.fulfill(status=404, json=gone))
    page.reload()
    expect(page.locator(".job[data-state=gone]")).to_have_count(1)
    expect(page.locator(".job .preview")).to_have_count(0)
    assert page.evaluate("localStorage.getItem('duygu.sketch.film')") is None


def test_a_row_shows_faces_length_and_expiry(page: Page) -> None:
    """The row has the number of faces, the duration and the expiry, from the job or else from the result."""
    expires = NOW + timedelta(hours=20)
    facts: dict[str, dict[str, Any]] = {
        "new": {"faces": 3, "duration_s": 83.2, "expires_at": expires.isoformat()},
        "old": {"ended_at": NOW.isoformat()},
    }
    remember(page, "new", "old")
    accept(page, lambda job_id: {"status": "succeeded", **facts[job_id]})
    page.route("**/v1/jobs/old/result*", lambda route: route.fulfill(body=lines(window(1, 0, "fear"))))
    page.reload()
    row = page.locator(".job", has_text="new.mp4").locator(".job-state")
    shown = page.evaluate(
        "(ms) => new Intl.DateTimeFormat('en', { dateStyle: 'medium', timeStyle: 'short' }).format(ms)",
        expires.timestamp() * 1000,
    )
    expect(row).to_contain_text(f"3 faces · 1:23 · erased on {shown}")
    other = page.locator(".job", has_text="old.mp4").locator(".job-state")
    expect(other).to_contain_text("1 face · 0:10 · erased on")
    page.select_option("#language", "tr")
    expect(row).to_contain_text("3 yüz · 1:23 · silinme:")


def test_the_page_shows_limits_and_retention(page: Page) -> None:
    """The page shows the server's limits and the retention before an upload."""
    page.route(
        "**/v1/limits",
        lambda route: route.fulfill(
            json={
                "max_upload_bytes": 250_000_000,
                "max_duration_s": 5400,
                "max_pixels": 9_000_000,
                "result_ttl_s": 86400,
            }
        ),
    )
    page.goto("/")
    expect(page.locator("#limits")).to_have_text(
        "Up to 250 MB and 1.5 hours per video. Results are erased after 24 hours."
    )
    page.select_option("#language", "tr")
    expect(page.locator("#limits")).to_contain_text("250 MB ve 1,5 saat")


def test_a_file_that_is_too_large_is_not_sent_and_has_a_remedy(page: Page) -> None:
    """A file above the limit is not sent; its row states the limit and a remedy, in both languages."""
    sent: list[str] = []
    limits = {"max_upload_bytes": 1000, "max_duration_s": 60, "max_pixels": 9_000_000, "result_ttl_s": 86400}
    page.route("**/v1/limits", lambda route: route.fulfill(json=limits))
    page.goto("/")
    expect(page.locator("#limits")).to_be_visible()
    error = {"code": "too_long", "title": "The video is too long", "detail": "It lasts 61 s"}
    accept(page, lambda _: {"status": "failed", "error": error})
    page.on("request", lambda request: sent.append(request.url) if "/v1/videos" in request.url else None)
    page.set_input_files("#file", video("large.mp4", b"x" * 2000))
    row = page.locator(".job", has_text="large.mp4")
    expect(row.locator("code")).to_have_text("too_large")
    expect(row.locator(".job-remedy")).to_contain_text("has 2 kB; the limit is 1 kB. Cut it, or export it")
    assert sent == []
    page.set_input_files("#file", video("long.mp4"))
    expect(page.locator(".job", has_text="long.mp4").locator(".job-remedy")).to_contain_text("The limit is 1 minute")
    page.select_option("#language", "tr")
    expect(row.locator(".job-remedy")).to_contain_text("sınır 1 kB")


def test_time_left_is_the_servers_in_every_tab_and_after_a_reload(page: Page) -> None:
    """The time left follows the server's clock and the start of the job, in every tab and after a reload."""
    started = NOW - timedelta(seconds=100)
    job = job_document("slow", progress=0.25, started_at=started.isoformat())
    page.context.route("**/v1/jobs/*/events", lambda route: route.abort())
    page.context.route(
        "**/v1/jobs/slow", lambda route: route.fulfill(json=job, headers={"Date": format_datetime(NOW, usegmt=True)})
    )
    remember(page, "slow")
    page.reload()
    state = page.locator(".job-state")
    expect(state).to_contain_text("25% done, about 5 min left")
    page.reload()
    expect(state).to_contain_text("25% done, about 5 min left")
    other = page.context.new_page()
    other.clock.install(time=NOW - timedelta(hours=1))
    other.goto("/")
    expect(other.locator(".job-state")).to_contain_text("25% done, about 5 min left")


def test_repeated_progress_does_not_go_back(page: Page) -> None:
    """Replayed events do not move the progress back; the time left is that of the last event."""
    events = "".join(
        f'event: progress\ndata: {{"progress": {share}, "duration_s": 60, "time_left_s": {left}}}\n\n'
        for share, left in ((0.1, 90), (0.3, 70), (0.5, 33))
    )
    remember(page, "slow")
    page.route("**/v1/jobs/slow", lambda route: route.fulfill(json=job_document("slow", progress=0.4)))
    page.route(
        "**/v1/jobs/slow/events",
        lambda route: route.fulfill(body=f"event: started\ndata: {{}}\n\n{events}", content_type="text/event-stream"),
    )
    seen = """() => {
      window.seen = [];
      new MutationObserver(() => {
        const bar = document.querySelector("progress[value]");
        if (bar) window.seen.push(Number(bar.getAttribute("value")));
      }).observe(document, { subtree: true, childList: true, attributes: true });
    }"""
    page.add_init_script(f"({seen})()")
    page.reload()
    expect(page.locator(".job-state")).to_contain_text("50% done, about 33 sec left")
    shares = page.evaluate("window.seen")
    assert shares
    assert min(shares) >= 0.4


def test_cancelling_requires_a_confirmation(page: Page) -> None:
    """Cancelling needs confirmation, as erasing does."""
    erased: list[str] = []

    def respond(route: Route) -> None:
        if route.request.method == "DELETE":
            erased.append(route.request.url)
            return route.fulfill(status=204)
        return route.fulfill(json=job_document("slow"))

    remember(page, "slow")
    page.route("**/v1/jobs/slow", respond)
    page.reload()
    questions: list[str] = []

    def refuse(dialog: Dialog) -> None:
        questions.append(dialog.message)
        dialog.dismiss()

    page.once("dialog", refuse)
    page.get_by_role("button", name="Cancel slow.mp4").click()
    expect(page.locator(".job[data-state=running]")).to_have_count(1)
    assert "Cancel slow.mp4?" in questions[0]
    assert erased == []
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Cancel slow.mp4").click()
    expect(page.locator(".job")).to_have_count(0)
    assert len(erased) == 1


@pytest.mark.parametrize("way", ["history", "link"])
def test_going_back_finds_the_list_where_it_was_left(page: Page, way: str) -> None:
    """Going back restores the scroll position of the list and focuses the link, also after a reload of the result."""
    names = [f"n{number}" for number in range(80)]
    remember(page, *names)
    accept(page, lambda _: {"status": "succeeded"})
    page.route("**/v1/jobs/*/result?edited=false", lambda route: route.fulfill(json=result()))
    page.reload()
    expect(page.locator(".job[data-state=succeeded]")).to_have_count(80, timeout=30_000)
    link = page.get_by_role("link", name="n70.mp4")
    link.scroll_into_view_if_needed()
    page.wait_for_function(SKETCHED)
    link.scroll_into_view_if_needed()
    place = page.evaluate(PLACE)
    link.click()
    expect(page.locator("#video-name")).to_have_text("n70.mp4")
    page.reload()
    expect(page.locator("#video-name")).to_have_text("n70.mp4")
    if way == "history":
        page.go_back()
    else:
        page.locator(".back").click()
    expect(link).to_be_in_viewport()
    expect(link).to_be_focused()
    assert abs(page.evaluate(PLACE) - place) < 3


SKETCHED = """() => scrollY > 500 && [...document.querySelectorAll(".job")].every((row) => {
  const { top, bottom } = row.getBoundingClientRect();
  return bottom < 0 || top > innerHeight || row.querySelector(".preview");
})"""
"""The page is scrolled, and every visible row has its preview."""

PLACE = "document.querySelector('a[href=\"#job/n70\"]').getBoundingClientRect().top"
"""Distance in pixels from the top of the window to the link."""


def test_one_job_is_one_row(page: Page) -> None:
    """Two uploads with the same job share one row; two jobs of one file have distinct names."""
    page.goto("/")
    page.route("**/v1/jobs/*/events", lambda route: route.abort())
    page.route("**/v1/jobs/*", lambda route: route.fulfill(json=job_document("same")))
    page.route("**/v1/videos*", lambda route: route.fulfill(status=202, json=job_document("same")))
    page.set_input_files("#file", video("a.mp4"))
    expect(page.locator(".job[data-state=running]")).to_have_count(1)
    with page.expect_response("**/v1/videos*"):
        page.set_input_files("#file", video("a.mp4"))
    expect(page.locator(".job")).to_have_count(1)
    page.route("**/v1/videos*", lambda route: route.fulfill(status=202, json=job_document("other")))
    page.set_input_files("#file", video("a.mp4"))
    expect(page.locator(".job-name")).to_have_text(["a.mp4 (2)", "a.mp4"])
    page.reload()
    expect(page.locator(".job-name")).to_have_text(["a.mp4 (2)", "a.mp4"])


def test_each_view_has_its_title(page: Page) -> None:
    """The title has the file name on a result and the error where there is one, in the chosen language."""
    remember(page, "film")
    accept(page, lambda _: {"status": "succeeded"})
    page.route("**/v1/jobs/film/result?edited=false", lambda route: route.fulfill(json=result()))
    page.reload()
    expect(page).to_have_title("Duygu")
    page.get_by_role("link", name="film.mp4").click()
    expect(page).to_have_title("film.mp4 · ready – Duygu")
    page.locator(".back").click()
    expect(page).to_have_title("Duygu")
    page.route(
        "**/v1/jobs/*/result?edited=false",
        lambda route: route.fulfill(status=404, json={"code": "job_not_found", "title": "The job does not exist"}),
    )
    page.evaluate("location.hash = '#job/mistyped'")
    expect(page).to_have_title("The job does not exist – Duygu")
    page.select_option("#language", "tr")
    expect(page).to_have_title("Böyle bir iş yok – Duygu")
    page.goto("/api")
    expect(page).to_have_title("API – Duygu")
    page.goto("/camera")
    expect(page).to_have_title("Canlı – Duygu")


def test_a_problem_is_shown_in_the_selected_language_only(page: Page) -> None:
    """A Turkish page shows an error and its remedy in Turkish, without the server's English text."""
    expired = {
        "code": "result_expired",
        "title": "The result has been deleted",
        "status": 410,
        "detail": "Erased at noon",
    }
    remember(page, "film")
    accept(page, lambda _: {"status": "succeeded"})
    page.route("**/v1/jobs/film/result?edited=false", lambda route: route.fulfill(status=410, json=expired))
    page.select_option("#language", "tr")
    page.goto("/#job/film")
    page.reload()
    expect(page.locator("#trouble-title")).to_have_text("Sonuç silindi")
    expect(page.locator("#trouble-detail")).to_contain_text("sınırlı bir süre saklanır")
    expect(page.locator("#trouble-detail")).not_to_contain_text("Erased")


def test_a_result_is_kept_and_released(page: Page) -> None:
    """The button keeps a result and lets it expire again; the row states which, also after a reload."""
    remember(page, "film")
    job = {"kept": False}

    def respond(route: Route) -> None:
        if route.request.method == "PATCH":
            job["kept"] = bool((route.request.post_data_json or {})["kept"])
        expires = None if job["kept"] else "2030-01-01T00:00:00Z"
        route.fulfill(json={**job_document("film"), "status": "succeeded", **job, "expires_at": expires})

    page.route("**/v1/jobs/film", respond)
    page.reload()
    keep = page.get_by_role("button", name="Keep film.mp4")
    expect(page.locator(".job-state")).to_contain_text("erased on")
    expect(keep).to_have_attribute("aria-pressed", "false")
    expect(keep).to_have_text("Keep")
    keep.click()
    expect(page.locator(".job-state")).to_contain_text("kept until you delete it")
    expect(keep).to_have_attribute("aria-pressed", "true")
    expect(keep).to_have_text("Kept")
    page.reload()
    expect(page.locator(".job-state")).to_contain_text("kept until you delete it")
    keep.click()
    expect(page.locator(".job-state")).to_contain_text("erased on")


def test_a_refusal_to_keep_is_shown(page: Page) -> None:
    """When too many results are kept, the row shows the error and the result is not marked."""
    remember(page, "film")
    accept(page, lambda _: {"status": "succeeded"})
    page.reload()
    refused = {"code": "too_many_kept", "title": "Too many jobs are kept", "status": 409}
    page.route("**/v1/jobs/film", lambda route: route.fulfill(status=409, json=refused))
    keep = page.get_by_role("button", name="Keep film.mp4")
    keep.click()
    expect(page.locator(".job-state")).to_contain_text("Too many jobs are kept")
    expect(keep).to_have_attribute("aria-pressed", "false")


def listed(count: int, *, start: int = 0) -> list[dict[str, Any]]:
    """Return jobs of the server's list, with titles."""
    jobs = [job_document(f"listed{number}") for number in range(start, start + count)]
    about = {"status": "succeeded", "created_at": "2026-01-01T00:00:00Z", "size_bytes": 1000, "duration_s": 3.0}
    return [{**job, **about, "title": f"talk {index}.mp4"} for index, job in enumerate(jobs, start)]


def test_videos_of_the_service_are_shown_page_by_page(page: Page) -> None:
    """Videos that another browser sent are listed on request, and from then on at once, and not stored here."""
    page.goto("/")
    page.route("**/v1/jobs?limit=100", lambda route: route.fulfill(json={"jobs": listed(3), "next_cursor": "abc"}))
    page.route(
        "**/v1/jobs?limit=100&cursor=abc",
        lambda route: route.fulfill(json={"jobs": listed(1, start=3), "next_cursor": None}),
    )
    expect(page.locator(".job")).to_have_count(0)
    page.get_by_role("button", name="Show every video on this service").click()
    expect(page.locator(".job")).to_have_count(3)
    page.get_by_role("button", name="Show more").click()
    expect(page.locator(".job")).to_have_count(4)
    expect(page.locator("#server-note")).to_have_text("These are all videos.")
    page.fill("#job-search", "TALK 3")
    expect(page.locator(".job-name")).to_have_text(["talk 3.mp4"])
    page.fill("#job-search", "nothing")
    expect(page.locator("#no-match")).to_be_visible()
    assert "talk" not in (page.evaluate("localStorage.getItem('duygu.jobs')") or "")
    page.reload()
    expect(page.locator(".job")).to_have_count(3)


def test_a_service_that_keeps_results_lists_every_video_at_once(page: Page) -> None:
    """On the computer of one person, another browser has the list at once, and that of the studies.

    Nothing there expires, so a kept result has no button that would let it.
    """
    limits = {"max_upload_bytes": 1000, "max_duration_s": 60, "max_pixels": 9_000_000, "result_ttl_s": 86400}
    page.route("**/v1/limits", lambda route: route.fulfill(json={**limits, "keeps_results": True, "max_kept": 10}))
    kept = [job | {"kept": index == 0} for index, job in enumerate(listed(2))]
    page.route("**/v1/jobs?limit=100", lambda route: route.fulfill(json={"jobs": kept, "next_cursor": None}))
    study = {"study_id": "0" * 32, "title": "Interviews", "rows": 2, "changed_at": NOW.isoformat()}
    page.route("**/v1/studies*", lambda route: route.fulfill(json={"studies": [study], "next_cursor": None}))
    page.goto("/")
    expect(page.locator("#study-list a")).to_have_text(["Interviews"])
    expect(page.locator(".job-name")).to_have_text(["talk 0.mp4", "talk 1.mp4"])
    expect(page.locator("#server-jobs")).to_be_hidden()
    expect(page.locator(".keep")).to_have_text(["Keep"])
    expect(page.locator("#server-note")).to_have_text("These are all videos.")
    page.select_option("#language", "tr")
    expect(page.locator("#server-note")).to_have_text("Bütün videolar bunlar.")
    expect(page.locator("#job-search")).to_have_attribute("placeholder", "Ada göre ara")


def test_an_empty_list_is_not_called_complete(page: Page) -> None:
    """Without videos, a person who asks for all of them learns so, until one is added, and nobody else does."""
    page.route("**/v1/jobs?limit=100", lambda route: route.fulfill(json={"jobs": [], "next_cursor": None}))
    page.goto("/")
    page.get_by_role("button", name="Show every video on this service").click()
    expect(page.locator("#server-note")).to_have_text("This service has no video yet.")
    page.select_option("#language", "tr")
    expect(page.locator("#server-note")).to_have_text("Bu sunucuda henüz video yok.")
    page.reload()
    expect(page.locator("#server-jobs")).to_be_hidden()
    expect(page.locator("#server-note")).to_have_text("")


def test_a_row_names_the_owner_of_a_video_from_elsewhere(page: Page) -> None:
    """With an administrator's key, the list has the videos of every key, each with the name of its key."""
    jobs = [job | {"owner": owner} for job, owner in zip(listed(2), ("archive", None), strict=True)]
    page.route("**/v1/jobs?limit=100", lambda route: route.fulfill(json={"jobs": jobs, "next_cursor": None}))
    page.goto("/")
    page.get_by_role("button", name="Show every video on this service").click()
    expect(page.locator(".job-state", has_text="submitted by archive")).to_have_count(1)
    expect(page.locator(".job-state", has_text="submitted by")).to_have_count(1)


def test_selected_videos_are_saved_as_one_archive(page: Page) -> None:
    """The archive has a file of each selected video in the chosen format, under the names of the videos."""
    page.goto("/")
    jobs = [job | {"title": title} for job, title in zip(listed(3), ("a.mp4", "a.webm", "../b.mp4"), strict=True)]
    page.route("**/v1/jobs?limit=100", lambda route: route.fulfill(json={"jobs": jobs, "next_cursor": None}))
    page.route("**/v1/jobs/*/result?format=srt", lambda route: route.fulfill(body=f"subtitles of {job_id_of(route)}"))
    page.get_by_role("button", name="Show every video on this service").click()
    page.get_by_role("button", name="Select", exact=True).click()
    expect(page.get_by_role("button", name="Files as ZIP")).to_be_disabled()
    for box in page.locator(".job-pick").all():
        box.check()
    page.get_by_label("Format of the files").select_option("srt")
    with page.expect_download() as download:
        page.get_by_role("button", name="Files as ZIP").click()
    assert download.value.suggested_filename == "videos.zip"
    with ZipFile(download.value.path()) as archive:
        contents = {name: archive.read(name).decode() for name in archive.namelist()}
    assert sorted(contents) == ["_b.srt", "a (2).srt", "a.srt"]
    assert sorted(contents.values()) == [f"subtitles of {job['job_id']}" for job in jobs]
    expect(page.locator("#job-count")).to_have_text("3 selected")


def test_the_list_is_filtered_by_state(page: Page) -> None:
    """The filter shows what is ready, kept, in progress or without a result; what it hides cannot be erased."""
    changes: list[dict[str, Any]] = [
        {"kept": True},
        {},
        {"status": "failed", "error": {"code": "corrupt", "title": "x", "detail": "x"}},
        {},
    ]
    jobs = [job | change for job, change in zip(listed(4), changes, strict=True)]
    page.goto("/")
    page.route("**/v1/jobs?limit=100", lambda route: route.fulfill(json={"jobs": jobs, "next_cursor": None}))
    page.route("**/v1/jobs/listed*", lambda route: route.fulfill(json=jobs[int(job_id_of(route)[-1])]))
    page.get_by_role("button", name="Show every video on this service").click()
    expect(page.locator(".job")).to_have_count(4)
    shown = {"Ready": ["0", "1", "3"], "Kept": ["0"], "Without a result": ["2"], "In progress": []}
    for choice, numbers in shown.items():
        page.get_by_label("Show", exact=True).select_option(choice)
        expect(page.locator(".job-name")).to_have_text([f"talk {number}.mp4" for number in numbers])
    expect(page.locator("#no-match")).to_have_text("No video matches.")
    page.get_by_label("Show", exact=True).select_option("Ready")
    page.get_by_role("button", name="Select", exact=True).click()
    page.get_by_label("Select talk 1.mp4").check()
    page.get_by_label("Show", exact=True).select_option("Kept")
    expect(page.get_by_role("button", name="Erase", exact=True)).to_be_disabled()


def test_selected_videos_are_erased_together(page: Page) -> None:
    """Selecting shows a box for each result; erasing asks once, and calls the server for each."""
    page.goto("/")
    erased: list[str] = []

    def respond(route: Route) -> None:
        if route.request.method == "DELETE":
            erased.append(job_id_of(route))
        route.fulfill(status=204)

    page.route("**/v1/jobs?limit=100", lambda route: route.fulfill(json={"jobs": listed(4), "next_cursor": None}))
    page.route("**/v1/jobs/listed*", respond)
    page.get_by_role("button", name="Show every video on this service").click()
    page.get_by_role("button", name="Select", exact=True).click()
    expect(page.get_by_role("button", name="Erase", exact=True)).to_be_disabled()
    page.get_by_label("Select talk 1.mp4").check()
    page.get_by_label("Select talk 2.mp4").check()
    expect(page.locator("#job-count")).to_have_text("2 selected")
    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Erase", exact=True).click()
    expect(page.locator(".job")).to_have_count(2)
    assert sorted(erased) == ["listed1", "listed2"]


def test_one_table_of_selected_videos(page: Page) -> None:
    """The table of several results has one head and the names of the videos."""
    page.goto("/")
    head = "face_id,start_s,end_s,emotion,confidence,uncertain,flags,video\r\n"
    page.route("**/v1/jobs?limit=100", lambda route: route.fulfill(json={"jobs": listed(3), "next_cursor": None}))
    page.route(
        "**/v1/jobs/*/result?format=csv",
        lambda route: route.fulfill(body=f"{head}1,0.0,0.9,neutral,0.9,false,,{job_id_of(route)}\r\n"),
    )
    page.get_by_role("button", name="Show every video on this service").click()
    page.get_by_role("button", name="Select", exact=True).click()
    page.get_by_label("Select talk 0.mp4").check()
    page.get_by_label("Select talk 2.mp4").check()
    with page.expect_download() as download:
        page.get_by_role("button", name="One table of all").click()
    table = download.value.path().read_text(encoding="utf-8").splitlines()
    assert table == [head.strip(), *(f"1,0.0,0.9,neutral,0.9,false,,talk {number}.mp4" for number in (0, 2))]


def test_the_service_gets_the_name_of_an_upload(page: Page) -> None:
    """The title of the job is the file's name, so that another browser can show it."""
    page.goto("/")
    page.route("**/v1/jobs/*/events", lambda route: route.abort())
    page.route("**/v1/jobs/*", lambda route: route.fulfill(json=job_document("named")))
    page.route("**/v1/videos*", lambda route: route.fulfill(status=202, json=job_document("named")))
    with page.expect_request(lambda request: request.method == "PATCH") as change:
        page.set_input_files("#file", video("holiday.mp4"))
    assert change.value.post_data_json == {"title": "holiday.mp4"}
