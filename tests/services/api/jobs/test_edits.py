"""Edits of results over HTTP."""

import csv
import io
import re
import socket
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from redis import Redis

from duygu.shared.broker import keys
from duygu.shared.config.settings import Settings
from duygu.shared.schemas.result import Result
from duygu.shared.workbench.edits.operations import MAX_EDITS
from tests.services.conftest import StartWorker, serving
from tests.support.results.known import two_faces
from tests.support.results.layer import with_layer
from tests.support.results.stored_jobs import store_result
from tests.support.workers.scripted_worker import Script

ANN = {"op": "rename", "face_id": 1, "name": "Ann"}


@pytest.fixture
def job(redis: Redis, service_settings: Settings) -> str:
    """Return the path of a job with two faces that are both visible at 0.5 s."""
    return f"/v1/jobs/{store_result(redis, service_settings, faces_together())}"


def faces_together() -> Result:
    """Return a result whose faces have a position at the same time."""
    result = two_faces()
    one, two = result.faces
    both = one.model_copy(update={"positions": sorted([*one.positions, two.positions[0]], key=lambda at: at.time_s)})
    return result.model_copy(update={"faces": [both, two]})


def problem(response: httpx.Response) -> tuple[int, str]:
    """Return the status and the code of an error."""
    return response.status_code, response.json()["code"]


def test_a_result_without_edits(api: httpx.Client, job: str) -> None:
    """The list of edits is empty and has version 0."""
    response = api.get(f"{job}/edits")
    assert response.json() == {"version": 0, "sha256": None, "edits": []}
    assert response.headers["ETag"] == '"0"'


def test_an_edit_changes_the_result_and_its_exports(api: httpx.Client, job: str) -> None:
    """Every text format contains the name; `edited=false` gives the computed result."""
    response = api.post(f"{job}/edits", json=ANN)
    assert response.json() == {"version": 1, "sha256": None, "edits": [ANN]}
    assert response.headers["ETag"] == '"1"'
    assert api.get(f"{job}/result").json()["faces"][0]["name"] == "Ann"
    rows = list(csv.DictReader(io.StringIO(api.get(f"{job}/result?format=csv").text)))
    assert {row["name"] for row in rows} == {"Ann", ""}
    for form in ("ndjson", "vtt", "srt", "html", "svg", "eaf", "textgrid", "boris", "edl", "otio"):
        assert re.search(r"\bAnn\b", api.get(f"{job}/result?format={form}").text)
        assert not re.search(r"\bAnn\b", api.get(f"{job}/result?format={form}&edited=false").text)
    assert api.get(f"{job}/result?edited=false").json()["faces"][0]["name"] is None


@pytest.mark.parametrize(
    ("form", "extension"), [("textgrid", "TextGrid"), ("bids", "bids.zip"), ("parquet", "parquet")]
)
def test_a_file_has_the_extension_that_its_program_expects(
    form: str, extension: str, api: httpx.Client, job: str
) -> None:
    """The name of the download ends with it, and `Accept` selects the format by its media type."""
    response = api.get(f"{job}/result?format={form}")
    assert response.headers["Content-Disposition"].endswith(f'.{extension}"')
    accepted = api.get(f"{job}/result", headers={"Accept": response.headers["Content-Type"].partition(";")[0]})
    assert accepted.content == response.content


def test_a_resting_face_is_chosen_after_the_analysis(
    api: httpx.Client, redis: Redis, service_settings: Settings
) -> None:
    """A baseline adds relative predictions to JSON and tables, undo removes them; one without the face is refused."""
    job = f"/v1/jobs/{store_result(redis, service_settings, with_layer(faces_together()))}"
    chosen = {"op": "baseline", "face_id": 1, "start_s": 0.0, "end_s": 1.5}
    assert api.post(f"{job}/edits", json=chosen).json()["edits"] == [{**chosen, "recording": None}]
    one, other = api.get(f"{job}/result").json()["faces"]
    assert one["baseline"] == {"source": "span", "spans": [[0.0, 1.4]], "windows": 2, "recording": None}
    assert {window["relative"] is None for window in one["windows"]} == {False}
    assert {window["relative"] for window in other["windows"]} == {None}
    assert "relative_emotion" in api.get(f"{job}/result?format=csv").text
    assert problem(api.post(f"{job}/edits", json={**chosen, "start_s": 2.0, "end_s": 3.0})) == (422, "baseline_no_face")
    assert problem(api.post(f"{job}/edits", json={**chosen, "end_s": 0.5})) == (422, "baseline_too_short")
    assert api.delete(f"{job}/edits/last").json()["edits"] == []
    assert "relative_emotion" not in api.get(f"{job}/result?format=csv").text


def test_a_resting_face_comes_from_another_recording(
    api: httpx.Client, redis: Redis, service_settings: Settings
) -> None:
    """`GET …/baseline` gives the resting face of a recording of one person, which an edit of another result takes."""
    video, recording = (f"/v1/jobs/{store_result(redis, service_settings, one)}" for one in videos())
    response = api.get(f"{recording}/baseline")
    assert response.status_code == 200
    chosen = {"op": "baseline", "face_id": 2, "recording": response.json()}
    assert api.post(f"{video}/edits", json=chosen).status_code == 200
    _, edited = api.get(f"{video}/result").json()["faces"]
    assert (edited["baseline"]["source"], edited["baseline"]["spans"]) == ("recording", [])
    assert all(window["relative"] for window in edited["windows"])
    assert problem(api.get(f"{video}/baseline")) == (422, "baseline_several_faces")
    assert api.get(f"{video}/baseline?face_id=1").json()["logits"] == response.json()["logits"]
    assert problem(api.get(f"{video}/baseline?face_id=7")) == (422, "unknown_face")
    other = {**chosen, "recording": {**response.json(), "model_sha256": "1" * 64}}
    assert problem(api.post(f"{video}/edits", json=other)) == (422, "baseline_unsupported")
    both = {**chosen, "start_s": 0.0, "end_s": 1.0}
    assert api.post(f"{video}/edits", json=both).status_code == 422


def videos() -> tuple[Result, Result]:
    """Return the result of a video of two people, and that of a recording of the first one."""
    video = with_layer(faces_together())
    return video, video.model_copy(update={"faces": video.faces[:1]})


@pytest.mark.parametrize("form", ["multipart", "json"])
def test_an_analysis_refuses_a_recording_that_is_no_baseline(
    api: httpx.Client, redis: Redis, service_settings: Settings, form: str
) -> None:
    """A job that does not exist, is not finished, shows several people or is of another model has a code each."""
    video, recording = (store_result(redis, service_settings, one) for one in videos())
    queued = submit(api, form, None).json()["job_id"]
    for job_id, code in {
        "0" * 32: "invalid_baseline",
        queued: "invalid_baseline",
        video: "baseline_several_faces",
        recording: "baseline_unsupported",
    }.items():
        assert problem(submit(api, form, job_id)) == (422, code)


def submit(api: httpx.Client, form: str, baseline: str | None) -> httpx.Response:
    """Submit a video or a link with a baseline."""
    options = {"baseline": baseline} if baseline else {}
    if form == "json":
        return api.post("/v1/videos", json={"url": "https://93.184.216.34/video.mp4", **options})
    return api.post("/v1/videos", data=options, files={"video": ("a.mp4", Script().upload())})


def test_subtitles_mark_speech_on_request(api: httpx.Client, redis: Redis, service_settings: Settings) -> None:
    """`speaking=true` marks where a person speaks; the default response is as before."""
    result = faces_together()
    windows = [window.model_copy(update={"speaking": 0.9}) for window in result.faces[0].windows]
    face = result.faces[0].model_copy(update={"windows": windows})
    job = store_result(redis, service_settings, result.model_copy(update={"faces": [face, result.faces[1]]}))
    for form in ("vtt", "srt"):
        plain, marked = (api.get(f"/v1/jobs/{job}/result?format={form}{more}").text for more in ("", "&speaking=true"))
        assert "(talking)" not in plain
        assert marked.replace(" (talking)", "") == plain
        assert marked.count("(talking)") == 3


def test_a_result_of_an_earlier_version_has_no_resting_face(api: httpx.Client, job: str) -> None:
    """A result without the outputs of the layer refuses a baseline with a code that says so."""
    chosen = {"op": "baseline", "face_id": 1, "start_s": 0.0, "end_s": 1.5}
    assert problem(api.post(f"{job}/edits", json=chosen)) == (422, "baseline_unsupported")
    assert api.get(f"{job}/edits").json()["edits"] == []


def test_undo_gives_the_same_bytes(api: httpx.Client, job: str) -> None:
    """After undoing every edit the result is byte-identical to the computed one; then there is nothing to undo."""
    computed = api.get(f"{job}/result").content
    for edit in (ANN, {"op": "exclude", "face_id": 2}, {"op": "split", "face_id": 1, "at_s": 0.6}):
        api.post(f"{job}/edits", json=edit).raise_for_status()
    assert [face["face_id"] for face in api.get(f"{job}/result").json()["faces"]] == [1, 2, 3]
    versions = [api.delete(f"{job}/edits/last").json()["version"] for _ in range(3)]
    assert versions == [4, 5, 6]
    assert api.get(f"{job}/result").content == computed
    assert problem(api.delete(f"{job}/edits/last")) == (409, "no_edit")


def test_a_lost_update_is_refused(api: httpx.Client, job: str) -> None:
    """With `If-Match`, a change that is based on an earlier version is rejected and nothing is changed."""
    first = api.post(f"{job}/edits", json=ANN, headers={"If-Match": '"0"'})
    assert first.status_code == 200
    assert problem(api.post(f"{job}/edits", json=ANN, headers={"If-Match": '"0"'})) == (412, "edit_conflict")
    assert problem(api.delete(f"{job}/edits/last", headers={"If-Match": '"0"'})) == (412, "edit_conflict")
    assert api.get(f"{job}/edits").json() == first.json()
    assert api.delete(f"{job}/edits/last", headers={"If-Match": first.headers["ETag"]}).status_code == 200


def test_simultaneous_edits_are_all_kept(api: httpx.Client, job: str) -> None:
    """Changes without `If-Match` at the same time are applied one after the other."""

    def rename(number: int) -> int:
        return api.post(f"{job}/edits", json={**ANN, "name": f"Ann {number}"}).status_code

    with ThreadPoolExecutor(4) as clients:
        assert set(clients.map(rename, range(12))) == {200}
    edits = api.get(f"{job}/edits").json()
    assert edits["version"] == 12
    assert {edit["name"] for edit in edits["edits"]} == {f"Ann {number}" for number in range(12)}


@pytest.mark.parametrize(
    ("edit", "status", "code"),
    [
        ({"op": "rename", "face_id": 9, "name": "Ann"}, 422, "unknown_face"),
        ({"op": "merge", "face_id": 2, "into": 1}, 409, "faces_overlap"),
        ({"op": "split", "face_id": 1, "at_s": 99.0}, 422, "invalid_edit"),
        ({"op": "merge", "face_id": 1, "into": 1}, 422, "invalid_request"),
        ({"op": "rename", "face_id": 1, "name": ""}, 422, "invalid_request"),
        ({"op": "rename", "face_id": 1, "name": "Ann", "more": 1}, 422, "invalid_request"),
        ({"op": "paint", "face_id": 1}, 422, "invalid_request"),
        ({}, 422, "invalid_request"),
        ([], 422, "invalid_request"),
    ],
)
def test_bad_edits_change_nothing(api: httpx.Client, job: str, edit: object, status: int, code: str) -> None:
    """An edit that is malformed or does not apply is refused with its code, and the version stays."""
    version = api.get(f"{job}/edits").json()["version"]
    assert problem(api.post(f"{job}/edits", json=edit)) == (status, code)
    assert api.get(f"{job}/edits").json()["version"] == version


def test_a_body_that_is_not_json_is_refused(api: httpx.Client, job: str) -> None:
    """Text and invalid UTF-8 are invalid requests."""
    for body in (b"nonsense", b"\xff\xfe{}\x80", b"\x80", b""):
        response = api.post(f"{job}/edits", content=body, headers={"Content-Type": "application/json"})
        assert problem(response) == (422, "invalid_request")


def test_large_and_endless_bodies_are_refused(api: httpx.Client, job: str) -> None:
    """A body above the limit is refused while it arrives, with and without a declared length."""
    assert problem(api.post(f"{job}/edits", content=b" " * 2_000_001)) == (413, "too_large")
    pieces = (b" " * 65_536 for _ in range(1000))
    assert problem(api.post(f"{job}/edits", content=pieces)) == (413, "too_large")


def test_the_number_of_edits_is_limited(api: httpx.Client, job: str, redis: Redis) -> None:
    """Above the maximum an edit is refused; undoing one makes room."""
    job_id = job.rpartition("/")[2]
    some = f"[{','.join([str(ANN).replace(chr(39), chr(34))] * MAX_EDITS)}]"
    redis.hset(keys.edits(job_id), mapping={"version": 5, "edits": some})
    assert problem(api.post(f"{job}/edits", json=ANN)) == (409, "too_many_edits")
    api.delete(f"{job}/edits/last").raise_for_status()
    assert api.post(f"{job}/edits", json=ANN).json()["version"] == 7


def test_edits_are_erased_and_expire_with_the_job(api: httpx.Client, job: str, redis: Redis) -> None:
    """The edits have the time to live of the job, and erasing the job erases them."""
    job_id = job.rpartition("/")[2]
    api.post(f"{job}/edits", json=ANN).raise_for_status()
    assert abs(redis.ttl(keys.edits(job_id)) - redis.ttl(keys.job(job_id))) <= 1
    assert api.delete(job).status_code == 204
    assert not redis.exists(keys.edits(job_id))
    assert problem(api.post(f"{job}/edits", json=ANN)) == (404, "job_not_found")


def test_a_slow_body_is_refused(service_settings: Settings, redis: Redis) -> None:
    """A body that pauses does not hold the connection for ever."""
    job_id = store_result(redis, service_settings, two_faces())
    with serving(service_settings.model_copy(update={"body_timeout_s": 0.3})) as api, socket.socket() as connection:
        connection.connect((api.base_url.host, api.base_url.port))
        head = [f"POST /v1/jobs/{job_id}/edits HTTP/1.1", "Host: localhost", "Content-Length: 99", "Connection: close"]
        connection.sendall("\r\n".join([*head, "", "{"]).encode())
        assert b"too_slow" in connection.makefile("rb").read(2000)


def test_the_worker_renders_the_plot_with_edits(
    api: httpx.Client, job: str, start_worker: StartWorker, redis: Redis
) -> None:
    """The PNG is that of the computed result without edits, and a new one for each version of the edits."""
    start_worker()
    computed = api.get(f"{job}/result?format=png").content
    assert computed == b"the plot of the computed result"
    pictures = set()
    for name in ("Ann", "Bob"):
        api.post(f"{job}/edits", json={**ANN, "name": name}).raise_for_status()
        response = None
        for _ in range(6):
            response = api.get(f"{job}/result?format=png")
            if response.status_code == 200:
                break
            assert problem(response) == (409, "result_not_ready")
            time.sleep(1)
        assert response is not None
        assert response.content.startswith(b"\x89PNG")
        pictures.add(response.content)
    assert len(pictures) == 2
    assert api.get(f"{job}/result?format=png&edited=false").content == computed


def test_an_edited_video_needs_the_upload(api: httpx.Client, redis: Redis, service_settings: Settings) -> None:
    """The annotated video with edits is refused with its code where the upload has been deleted."""
    job = f"/v1/jobs/{store_result(redis, service_settings, two_faces(), annotate=True)}"
    api.post(f"{job}/edits", json=ANN).raise_for_status()
    assert problem(api.get(f"{job}/result?format=mp4")) == (409, "video_not_kept")


def test_a_threshold_applies_to_one_job_and_is_undone(api: httpx.Client, job: str) -> None:
    """The threshold marks the windows of the result and its exports; undo gives the computed bytes again."""
    computed = api.get(f"{job}/result").content
    edit = {"op": "threshold", "uncertain_below": 1.0}
    assert api.post(f"{job}/edits", json=edit).json()["edits"] == [edit]
    result = api.get(f"{job}/result").json()
    assert result["uncertain_below"] == 1.0
    assert all(window["uncertain"] for face in result["faces"] for window in face["windows"])
    rows = list(csv.DictReader(io.StringIO(api.get(f"{job}/result?format=csv").text)))
    assert {row["uncertain"] for row in rows} == {"true"}
    assert api.get(f"{job}/agreement").json()["model"]["threshold"]["now"]["share_kept"] == 0
    api.delete(f"{job}/edits/last").raise_for_status()
    assert api.get(f"{job}/result").content == computed
    assert problem(api.post(f"{job}/edits", json={"op": "threshold", "uncertain_below": 2})) == (422, "invalid_request")
