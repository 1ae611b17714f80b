"""Labels of raters over HTTP."""

from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from redis import Redis

from duygu.shared.broker import keys
from duygu.shared.config.settings import Settings
from duygu.shared.errors import OutOfMemoryError
from duygu.shared.jobs.labels import MAX_RATERS
from duygu.shared.schemas.emotions import EMOTIONS
from duygu.shared.workbench.labels.label import MAX_LABELS
from tests.services.api.jobs.test_edits import problem
from tests.services.api.test_contract import add_job
from tests.support.results.known import two_faces
from tests.support.results.label_files import AGGREGATED, CSV, FORMATS, labelled_result
from tests.support.results.stored_jobs import store_result

HAPPY = {"face_id": 1, "start_s": 0.5, "end_s": 1.9, "emotion": "happiness"}
SAD = {"face_id": 1, "start_s": 4.0, "end_s": 4.9, "emotion": "sadness"}
UNCLEAR = {"face_id": 2, "start_s": 0.5, "end_s": 1.4, "emotion": "cannot_tell"}


@pytest.fixture
def job(redis: Redis, service_settings: Settings) -> str:
    """Return the path of a job with two faces."""
    return f"/v1/jobs/{store_result(redis, service_settings, two_faces())}"


def put(api: httpx.Client, job: str, labels: object, rater: str = "ann", **headers: str) -> httpx.Response:
    """Replace the labels of a rater."""
    return api.put(
        f"{job}/labels/{rater}", json=labels, headers={key.replace("_", "-"): headers[key] for key in headers}
    )


def test_a_rater_without_labels(api: httpx.Client, job: str) -> None:
    """The list is empty and has version 0, and the rater is not listed."""
    response = api.get(f"{job}/labels/ann")
    assert (response.json(), response.headers["ETag"]) == ([], '"0"')
    assert api.get(f"{job}/labels").json() == {"raters": []}


def test_labels_are_stored_by_face_and_time(api: httpx.Client, job: str) -> None:
    """PUT and GET give the labels in order with their version; the raters are listed with their counts."""
    response = put(api, job, [SAD, UNCLEAR, HAPPY])
    assert response.json() == [HAPPY, SAD, UNCLEAR]
    read = api.get(f"{job}/labels/ann")
    assert (read.json(), read.headers["ETag"]) == (response.json(), response.headers["ETag"])
    put(api, job, [HAPPY], rater="bob-2").raise_for_status()
    assert api.get(f"{job}/labels").json()["raters"] == [
        {"rater": "ann", "version": 1, "labels": 3, "cannot_tell": 1, "labelled_s": 3.2},
        {"rater": "bob-2", "version": 2, "labels": 1, "cannot_tell": 0, "labelled_s": 1.4},
    ]


def test_an_empty_list_removes_a_rater(api: httpx.Client, job: str) -> None:
    """The rater is no longer listed, and none of the earlier versions returns."""
    first = put(api, job, [HAPPY]).headers["ETag"]
    assert put(api, job, [], If_Match=first).json() == []
    assert api.get(f"{job}/labels").json() == {"raters": []}
    assert put(api, job, [SAD]).headers["ETag"] == '"2"'
    assert problem(put(api, job, [HAPPY], If_Match=first)) == (412, "edit_conflict")


def test_a_lost_update_is_refused(api: httpx.Client, job: str) -> None:
    """With `If-Match`, labels that are based on an earlier version are rejected and nothing is changed."""
    first = put(api, job, [HAPPY], If_Match='"0"')
    assert first.status_code == 200
    for outdated in ('"0"', '"9"', '"x"'):
        assert problem(put(api, job, [SAD], If_Match=outdated)) == (412, "edit_conflict")
    assert api.get(f"{job}/labels/ann").json() == [HAPPY]
    assert put(api, job, [SAD], If_Match=first.headers["ETag"]).json() == [SAD]
    assert put(api, job, [HAPPY], If_Match="*").json() == [HAPPY]


def test_simultaneous_raters_lose_nothing(api: httpx.Client, job: str) -> None:
    """Raters who save at the same time do not affect each other."""
    raters = [f"rater-{number}" for number in range(8)]
    with ThreadPoolExecutor(4) as clients:
        assert {
            response.status_code for response in clients.map(lambda rater: put(api, job, [HAPPY], rater), raters)
        } == {200}
    listed = api.get(f"{job}/labels").json()["raters"]
    assert [one["rater"] for one in listed] == raters
    assert {one["version"] for one in listed} == set(range(1, 9))


@pytest.mark.parametrize(
    ("labels", "code"),
    [
        ([{**HAPPY, "face_id": 9}], "unknown_face"),
        ([{**HAPPY, "start_s": 50, "end_s": 51}], "invalid_label"),
        ([HAPPY, {**HAPPY, "start_s": 1.8, "end_s": 3.0}], "labels_overlap"),
        ([{**HAPPY, "start_s": 2}], "invalid_request"),
        ([{**HAPPY, "emotion": "joy"}], "invalid_request"),
        ([{**HAPPY, "start_s": -1}], "invalid_request"),
        ([{**HAPPY, "note": "x"}], "invalid_request"),
        ([HAPPY] * (MAX_LABELS + 1), "invalid_request"),
        ({}, "invalid_request"),
    ],
)
def test_bad_labels_change_nothing(api: httpx.Client, job: str, labels: object, code: str) -> None:
    """Labels that are malformed or do not apply are refused with their code, and the stored ones stay."""
    stored = put(api, job, [SAD]).headers["ETag"]
    assert problem(put(api, job, labels)) == (422, code)
    read = api.get(f"{job}/labels/ann")
    assert (read.json(), read.headers["ETag"]) == ([SAD], stored)


def test_names_of_raters(api: httpx.Client, job: str) -> None:
    """A name is of lower-case letters, digits and hyphens."""
    for name in ("Ann", "a b", "a:b", "ä", "x" * 41):
        assert problem(put(api, job, [HAPPY], rater=name)) == (422, "invalid_request")


def test_the_number_of_raters_is_limited(api: httpx.Client, job: str) -> None:
    """Above the maximum a new rater is refused; the others can still save, and removing one makes room."""
    for number in range(MAX_RATERS):
        put(api, job, [HAPPY], rater=f"rater-{number}").raise_for_status()
    assert problem(put(api, job, [HAPPY])) == (409, "too_many_labels")
    put(api, job, [SAD], rater="rater-0").raise_for_status()
    put(api, job, [], rater="rater-0").raise_for_status()
    put(api, job, [HAPPY]).raise_for_status()


def test_labels_are_erased_and_expire_with_the_job(api: httpx.Client, job: str, redis: Redis) -> None:
    """The labels have the time to live of the job, and erasing the job erases them."""
    job_id = job.rpartition("/")[2]
    put(api, job, [HAPPY]).raise_for_status()
    assert abs(redis.ttl(keys.labels(job_id)) - redis.ttl(keys.job(job_id))) <= 1
    assert api.delete(job).status_code == 204
    assert not redis.exists(keys.labels(job_id))
    assert problem(put(api, job, [HAPPY])) == (404, "job_not_found")


def test_labels_follow_edits_and_their_undo(api: httpx.Client, job: str) -> None:
    """Labels of a split or merged face belong to the face that has the labelled part, and return after undoing."""
    put(api, job, [HAPPY, SAD, UNCLEAR]).raise_for_status()
    api.post(f"{job}/edits", json={"op": "split", "face_id": 1, "at_s": 3.0}).raise_for_status()
    assert api.get(f"{job}/labels/ann").json() == [HAPPY, UNCLEAR, {**SAD, "face_id": 3}]
    api.post(f"{job}/edits", json={"op": "merge", "face_id": 3, "into": 2}).raise_for_status()
    merged = api.get(f"{job}/labels/ann").json()
    assert merged == [HAPPY, UNCLEAR, {**SAD, "face_id": 2}]
    assert put(api, job, merged).json() == merged
    assert problem(put(api, job, [{**SAD, "face_id": 3}])) == (422, "unknown_face")
    for _ in range(2):
        api.delete(f"{job}/edits/last").raise_for_status()
    assert api.get(f"{job}/labels/ann").json() == [HAPPY, SAD, UNCLEAR]


def test_a_task_contains_nothing_of_the_model(api: httpx.Client, job: str) -> None:
    """The moments are those of the windows, and no key or value is an emotion, a probability or a flag."""
    response = api.get(f"{job}/labels/ann/task?minutes=5&seed=3")
    task = response.json()
    assert set(task) == {"video", "faces", "moments", "estimated_s"}
    assert all(set(moment) == {"face_id", "start_s", "end_s"} for moment in task["moments"])
    assert [set(face) for face in task["faces"]] == [{"face_id", "name", "start_s", "end_s", "positions"}] * 2
    assert all(set(position) == {"time_s", "box"} for face in task["faces"] for position in face["positions"])
    words = (*EMOTIONS, "confidence", "probabilit", "uncertain", "emotion", "flag", "score")
    assert not [word for word in words if word in response.text]
    assert task["estimated_s"] == 6 * len(task["moments"])


def test_a_task_of_no_minutes_has_whole_faces(api: httpx.Client, job: str) -> None:
    """Without moments, the task has all positions of the faces."""
    task = api.get(f"{job}/labels/ann/task?minutes=0").json()
    assert task["moments"] == []
    assert [len(face["positions"]) for face in task["faces"]] == [2, 2]


def test_labels_of_a_job_without_a_result(api: httpx.Client, redis: Redis, service_settings: Settings) -> None:
    """A failed job has no labels and accepts none."""
    job = f"/v1/jobs/{add_job(redis, service_settings, OutOfMemoryError())}"
    assert api.get(f"{job}/labels/ann").json() == []
    assert problem(put(api, job, [HAPPY])) == (409, "result_not_ready")
    assert problem(api.get(f"{job}/labels/ann/task")) == (409, "result_not_ready")


@pytest.mark.parametrize("form", FORMATS)
def test_files_of_labels_are_imported(api: httpx.Client, redis: Redis, service_settings: Settings, form: str) -> None:
    """The labels of a file of any format replace those of the rater; what is skipped is listed."""
    job = f"/v1/jobs/{store_result(redis, service_settings, labelled_result())}"
    first = put(api, job, [SAD]).headers["ETag"]
    address, content = f"{job}/labels/ann/import", FORMATS[form].encode()
    response = api.post(address, content=content, headers={"If-Match": first, "Content-Type": "application/json"})
    assert response.json()["labels"] == [HAPPY, SAD, UNCLEAR]
    assert response.json()["skipped"] == {"eaf": ["speech"], "boris": ["blink"]}.get(form.split()[0], [])
    assert api.get(f"{job}/labels/ann").headers["ETag"] == response.headers["ETag"]
    assert problem(api.post(address, content=content, headers={"If-Match": first})) == (412, "edit_conflict")


def test_a_title_is_compared_with_the_video_that_a_file_names(
    api: httpx.Client, redis: Redis, service_settings: Settings
) -> None:
    """Where the result has no name, the title is compared if it is the name of a file; nothing is stored otherwise."""
    result = labelled_result()
    unnamed = result.model_copy(update={"video": result.video.model_copy(update={"name": None, "sha256": None})})
    job = f"/v1/jobs/{store_result(redis, service_settings, unnamed)}"
    address = f"{job}/labels/ann/import"
    api.patch(job, json={"title": "Another.MP4"}).raise_for_status()
    table = "video,face_id,start_s,end_s,emotion\nmy film.mp4,1,0.5,1.9,happy\n"
    for content in (AGGREGATED, table):
        assert problem(api.post(address, content=content.encode())) == (422, "other_video")
        assert api.get(f"{job}/labels/ann").json() == []
    for title in ("my film.mp4", "Interview 3", "v2.1"):
        api.patch(job, json={"title": title}).raise_for_status()
        api.post(address, content=AGGREGATED.encode()).raise_for_status()
    assert len(api.get(f"{job}/labels/ann").json()) == 3


def test_bad_files_change_nothing(api: httpx.Client, redis: Redis, service_settings: Settings) -> None:
    """A file of another video, with unknown faces or labels, or of several other raters is refused with its code."""
    job = f"/v1/jobs/{store_result(redis, service_settings, labelled_result())}"
    put(api, job, [SAD]).raise_for_status()
    two_raters = "face_id,start_s,end_s,emotion,rater\n1,0,1,fear,bob\n1,0,1,fear,cem\n"
    for content, code in (
        (AGGREGATED.replace("my film", "another"), "other_video"),
        (CSV.replace("Bob", "Cem"), "unknown_face"),
        (CSV.replace("happy", "hapy"), "invalid_label"),
        (CSV.replace("4,4.9", "1.8,4.9"), "labels_overlap"),
        (two_raters, "invalid_label"),
        ("", "invalid_label"),
    ):
        assert problem(api.post(f"{job}/labels/ann/import", content=content.encode())) == (422, code)
    assert api.get(f"{job}/labels/ann").json() == [SAD]
    assert api.post(f"{job}/labels/cem/import", content=two_raters.encode()).status_code == 200
