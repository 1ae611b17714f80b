"""Studies that the service keeps, and their ZIPs, over HTTP with a real worker."""

import csv
import io
import os
import time
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from redis import Redis

from duygu.services.worker.context import WorkerContext
from duygu.services.worker.main import no_analysis
from duygu.services.worker.sweeper import UPLOAD_IDLE_S, sweep
from duygu.shared.broker import keys
from duygu.shared.config.api_keys import KeyLimits, Scope, add_key
from duygu.shared.config.settings import Settings
from duygu.shared.jobs.edits import EditStore
from duygu.shared.jobs.queues import QueueName, export_task, holds, open_queue, withdraw
from duygu.shared.jobs.store import JobStore
from duygu.shared.schemas.study import MAX_FREE, StudyChoices
from duygu.shared.storage.opening import open_storage
from duygu.shared.workbench.sheets.exports import MAX_ATTEMPTS, ExportStore
from duygu.shared.workbench.studies.settings import BOUNDS, StudySettings
from tests.services.conftest import StartWorker, serving, wait_until
from tests.support.results.stored_jobs import store_result
from tests.support.results.study import face, planted, result, window

BOTH = frozenset({Scope.SUBMIT, Scope.READ})

Store = Callable[..., str]


@pytest.fixture
def store(redis: Redis, service_settings: Settings) -> Store:
    """Store a result as a job with a title; the id of the job."""

    def stored(content: Any = None, *, title: str = "", owner: str = "") -> str:
        job_id = store_result(redis, service_settings, content or planted(20, (5, 8)), owner=owner)
        redis.hset(keys.job(job_id), "title", title)
        return job_id

    return stored


def problem(response: httpx.Response) -> tuple[int, str]:
    """Return the status and the code of an error."""
    return response.status_code, response.json()["code"]


def codes(study: dict[str, Any]) -> list[tuple[int | None, str, str]]:
    """Return row, column and code of each fault."""
    return [(one["row"], one["column"], one["code"]) for one in study["faults"]]


def zipped(response: httpx.Response) -> zipfile.ZipFile:
    """Return the ZIP of a response."""
    assert response.status_code == 200, response.text
    assert response.headers["Content-Type"] == "application/zip"
    return zipfile.ZipFile(io.BytesIO(response.content))


def table(archive: zipfile.ZipFile, name: str) -> list[dict[str, str]]:
    """Return the rows of a table."""
    return list(csv.DictReader(io.StringIO(archive.read(name).decode())))


def exported(api: httpx.Client, path: str, **more: Any) -> httpx.Response:
    """Request an export until it is no longer being computed."""
    for _ in range(6):
        response = api.get(path, **more)
        if response.status_code != 202:
            break
    return response


def test_an_incomplete_study_is_kept_with_its_faults(api: httpx.Client, store: Store) -> None:
    """Cells are text, so that any table can be stored; each fault names row, column and code."""
    one, two = store(title="a.mp4"), store(title="b.mp4")
    rows = [
        {"job_id": one, "participant": "P1", "group": "A", "offset_s": "soon", "start_s": 5, "end_s": "5"},
        {"job_id": two, "group": "B", "baseline": "4-2", "face": "0"},
        {"job_id": two, "participant": "P1", "group": "B", "baseline": "rest.mp4", "free": {"happiness_mean": 1}},
        {"job_id": "0" * 32, "participant": "P3", "baseline": "1" * 32},
    ]
    markers = [{"name": "cut", "time_s": "1", "participant": "P9"}, {"name": "", "time_s": "x", "stimulus": ""}]
    created = api.post("/v1/studies", json={"title": "Pilot", "rows": rows, "markers": markers})
    assert created.status_code == 201, created.text
    study = created.json()
    assert created.headers["Location"] == study["links"]["self"] == f"/v1/studies/{study['study_id']}"
    assert study["rows"][0]["start_s"] == "5"
    assert [(one["job_id"], one["path"], one["status"]) for one in study["jobs"]] == [
        (one_id, name, "succeeded") for one_id, name in ((one, "a.mp4"), (two, "b.mp4"))
    ]
    assert codes(study) == [
        (4, "job_id", "job_not_found"),
        (4, "baseline", "job_not_found"),
        (None, "happiness_mean", "reserved_column"),
        (1, "end_s", "end_not_after_start"),
        (1, "offset_s", "not_a_number"),
        (2, "participant", "required"),
        (2, "baseline", "end_not_after_start"),
        (2, "face", "below_minimum"),
        (3, "baseline", "unknown_baseline"),
        (3, "group", "two_groups"),
        (1, "participant", "not_in_study"),
        (2, "participant", "required"),
        (2, "name", "required"),
        (2, "time_s", "not_a_number"),
    ]
    assert [one["table"] for one in study["faults"]].count("markers") == 4
    refused = api.get(study["links"]["export"])
    assert problem(refused) == (422, "invalid_study")
    assert refused.json()["errors"] == study["faults"]
    assert "row 1, column offset_s: `soon` is not a number" in refused.json()["detail"]
    assert api.get(study["links"]["self"]).json() == study


def test_a_study_is_replaced_listed_and_deleted(api: httpx.Client, store: Store) -> None:
    """`If-Match` refuses a lost update with 412; a deleted study does not exist."""
    first = api.post("/v1/studies", json={"title": "first"}).json()
    rows = [{"job_id": store(), "participant": "P1"}]
    second = api.post("/v1/studies", json={"title": "second"})
    path = second.headers["Location"]
    changed = api.put(path, json={"title": "second", "rows": rows}, headers={"If-Match": second.headers["ETag"]})
    assert (changed.json()["version"], changed.headers["ETag"], changed.json()["faults"]) == (2, '"2"', [])
    assert problem(api.put(path, json={}, headers={"If-Match": '"1"'})) == (412, "study_conflict")
    assert problem(api.put(path, json={}, headers={"If-Match": "none"})) == (412, "study_conflict")
    assert api.put(path, json={"title": "third", "rows": rows}).json()["version"] == 3
    page = api.get("/v1/studies?limit=1").json()
    assert [(one["title"], one["rows"]) for one in page["studies"]] == [("third", 1)]
    rest = api.get(f"/v1/studies?limit=1&cursor={page['next_cursor']}").json()
    assert ([one["title"] for one in rest["studies"]], rest["next_cursor"]) == (["first"], None)
    assert api.delete(path).status_code == 204
    assert problem(api.get(path)) == problem(api.put(path, json={})) == problem(api.delete(path))
    assert problem(api.get(f"{path}/export")) == (404, "study_not_found")
    assert [one["study_id"] for one in api.get("/v1/studies").json()["studies"]] == [first["study_id"]]


@pytest.mark.parametrize(
    "body",
    [
        {"rows": [{"job_id": "../../etc"}]},
        {"rows": [{"job_id": "0" * 32, "participant": "p" * 201}]},
        {"rows": [{"job_id": "0" * 32, "participant": True}]},
        {"rows": [{"job_id": "0" * 32, "offset_s": None}]},
        {"rows": [{"job_id": "0" * 32}] * 501},
        {"rows": [{"job_id": "0" * 32, "free": {str(number): "" for number in range(MAX_FREE + 1)}}]},
        {"rows": [{"job_id": "0" * 32, "free": {f"{row}": "1", "": "x"}} for row in range(3)]},
        {"rows": [{"job_id": "0" * 32, "free": {str(row): "1"}} for row in range(MAX_FREE + 1)]},
        {"settings": {"up": 1.5}},
        {"settings": {"resamples": 10}},
        {"unknown": 1},
    ],
)
def test_a_body_beyond_the_limits_is_refused(api: httpx.Client, body: dict[str, Any]) -> None:
    """Sizes and types have bounds; nothing is stored."""
    assert problem(api.post("/v1/studies", json=body)) == (422, "invalid_request")
    assert api.get("/v1/studies").json()["studies"] == []


def test_the_settings_have_the_bounds_of_the_command() -> None:
    """A client sets what `duygu study` sets, within the same bounds, without the numbers of resamples."""
    bounds = {}
    for name, field in StudyChoices.model_fields.items():
        low, high = field.metadata
        bounds[name] = (low.ge, high.le)
    assert bounds == {name: (low, high) for name, low, high in BOUNDS if name in bounds}
    assert set(StudySettings().values()) - set(bounds) == {"resamples", "permutations", "seed"}


def test_the_zip_has_the_tables_of_the_study(
    api: httpx.Client, store: Store, start_scripted_worker: StartWorker
) -> None:
    """Groups, offsets, baselines, edits, markers and settings are in the tables; an erased job takes the ZIP along."""
    start_scripted_worker()
    rest = store(planted(10), title="rest.mp4")
    named = store(
        result(face([window(0.0, {"sadness": 0.9})], 1), face([window(0.0, {"fear": 0.9})], 2), duration_s=2),
        title="two people.mp4",
    )
    api.post(f"/v1/jobs/{named}/edits", json={"op": "rename", "face_id": 2, "name": "Ann"}).raise_for_status()
    first = store(planted(20, (5, 8)), title="same.mp4")
    other = store(planted(20, (7, 10)), title="same.mp4")
    rows = [
        {"job_id": first, "participant": "P1", "group": "A", "stimulus": "film", "baseline": rest, "free": {"age": 31}},
        {"job_id": other, "participant": "P2", "group": "B", "stimulus": "film", "offset_s": 2, "baseline": "0-4"},
        {"job_id": named, "participant": "Ann", "stimulus": "talk", "face": "Ann"},
    ]
    markers = [{"name": "joke", "time_s": 5, "duration_s": 3, "stimulus": "film"}]
    body = {"title": "t", "rows": rows, "markers": markers, "settings": {"around_s": 1}}
    study = api.post("/v1/studies", json=body).json()
    assert study["faults"] == []
    archive = zipped(exported(api, study["links"]["export"]))
    names = archive.namelist()
    assert {"study.csv", "markers.csv", "report.html", "codebook.md", "study.json", "tables/windows.csv"} <= set(names)
    assert any(name.startswith("figures/") and name.endswith(".png") for name in names)
    found = {row["participant"]: row for row in table(archive, "tables/videos.csv")}
    assert found["P1"]["path"] == f"same.mp4 ({first})"
    assert (found["P1"]["row"], found["P1"]["job_id"], found["P1"]["age"], found["P2"]["age"]) == ("2", first, "31", "")
    assert (found["Ann"]["path"], found["Ann"]["face"], found["Ann"]["error"]) == ("two people.mp4", "2", "")
    episodes = [row for row in table(archive, "tables/episodes.csv") if row["emotion"] == "happiness"]
    starts = {row["participant"]: float(row["stimulus_start_s"]) for row in episodes}
    assert starts == pytest.approx({"P1": 5, "P2": 5}, abs=0.5)
    differences = table(archive, "tables/summary_relative.csv")
    relative = {row["participant"]: float(row["happiness_mean"]) for row in differences if row["happiness_mean"]}
    assert set(relative) == {"P1", "P2"}
    assert all(value > 0.05 for value in relative.values())
    marks = [row for row in table(archive, "tables/markers.csv") if row["emotion"] == "happiness"]
    assert all(float(row["during"]) > 0.6 > 0.3 > float(row["before"]) for row in marks)
    again = api.get(study["links"]["export"])
    assert again.headers["ETag"]
    assert api.get(study["links"]["export"], headers={"If-None-Match": again.headers["ETag"]}).status_code == 304
    assert api.delete(f"/v1/jobs/{named}").status_code == 204
    assert problem(api.get(study["links"]["export"])) == (422, "invalid_study")
    assert codes(api.get(study["links"]["self"]).json()) == [(3, "job_id", "job_not_found")]


def test_jobs_are_exported_without_a_study(
    api: httpx.Client, store: Store, redis: Redis, service_settings: Settings, start_scripted_worker: StartWorker
) -> None:
    """`jobs=…` returns the ZIP itself; its files are erased with one of its jobs."""
    jobs = [store(title="a.mp4"), store(title="")]
    link = f"/v1/studies/export?jobs={','.join(jobs)}"
    waiting = api.get(link, headers={"Prefer": "wait=0"})
    assert (waiting.status_code, waiting.json()) == (202, {"status": "queued", "progress": 0.0})
    assert waiting.headers["Retry-After"] == "2"
    start_scripted_worker()
    archive = zipped(exported(api, link, headers={"Prefer": "wait=30"}))
    assert [row["participant"] for row in table(archive, "tables/summary.csv")] == ["a.mp4", jobs[1]]
    (export_id,) = ExportStore(redis).live()
    storage = open_storage(service_settings)
    assert storage.stat(export_id, "study.zip").size > 1000
    api.delete(f"/v1/jobs/{jobs[0]}").raise_for_status()
    with pytest.raises(FileNotFoundError):
        storage.stat(export_id, "study.zip")
    assert ExportStore(redis).live() == set()
    assert problem(api.get(link)) == (404, "job_not_found")


def test_what_cannot_be_exported(api: httpx.Client, store: Store, redis: Redis) -> None:
    """Unknown, unfinished and repeated jobs have their codes; an empty list is invalid."""
    job_id = store()
    unfinished = store()
    redis.hset(keys.job(unfinished), "status", "running")
    export = "/v1/studies/export?jobs="
    assert problem(api.get(f"{export}{job_id},{'0' * 32}")) == (404, "job_not_found")
    assert problem(api.get(f"{export}../secret")) == (404, "job_not_found")
    assert problem(api.get(f"{export}{unfinished}")) == (409, "result_not_ready")
    repeated = api.get(f"{export}{job_id},{job_id}")
    assert problem(repeated) == (422, "invalid_study")
    assert [one["code"] for one in repeated.json()["errors"]] == ["repeated_row"]
    assert problem(api.get(export)) == (422, "invalid_request")
    study = api.post("/v1/studies", json={"rows": [{"job_id": unfinished, "participant": "P1"}]}).json()
    assert codes(study) == [(1, "job_id", "result_not_ready")]
    empty = api.post("/v1/studies", json={}).json()
    assert problem(api.get(empty["links"]["export"])) == (422, "invalid_study")


def test_a_failed_job_is_a_row_with_its_error(
    api: httpx.Client, store: Store, redis: Redis, start_scripted_worker: StartWorker
) -> None:
    """As in `duygu study`, one bad video is not the end of the study."""
    start_scripted_worker()
    failed = store()
    redis.hset(keys.job(failed), mapping={"status": "failed", "error": "no_video_stream", "detail": "no video stream"})
    archive = zipped(exported(api, f"/v1/studies/export?jobs={failed},{store()}"))
    rows = table(archive, "tables/videos.csv")
    assert [(row["status"], row["error"]) for row in rows] == [("failed", "no_video_stream"), ("succeeded", "")]


@pytest.fixture
def guarded(service_settings: Settings) -> Iterator[tuple[httpx.Client, dict[str, dict[str, str]]]]:
    """A service with the keys of ann, bob and an administrator, and their headers."""
    service_settings.data_dir.mkdir(exist_ok=True)
    file = service_settings.data_dir / "keys.json"
    scopes = {"ann": BOTH, "bob": BOTH, "reader": frozenset({Scope.READ}), "root": frozenset(Scope)}
    limits = {"bob": KeyLimits(studies=1)}
    headers = {
        name: {"Authorization": f"Bearer {add_key(file, name, of, limits.get(name, KeyLimits()))}"}
        for name, of in scopes.items()
    }
    with serving(service_settings.model_copy(update={"keys_file": file})) as api:
        yield api, headers


def test_keys_separate_studies(guarded: tuple[httpx.Client, dict[str, dict[str, str]]], store: Store) -> None:
    """What belongs to another key is unknown: a job in a study, and the study itself."""
    api, of = guarded
    mine, foreign = store(owner="ann"), store(owner="bob")
    assert problem(api.get(f"/v1/studies/export?jobs={foreign}", headers=of["ann"])) == (404, "job_not_found")
    rows = [{"job_id": mine, "participant": "P1"}, {"job_id": foreign, "participant": "P2"}]
    study = api.post("/v1/studies", json={"rows": rows}, headers=of["ann"]).json()
    assert codes(study) == [(2, "job_id", "job_not_found")]
    path = study["links"]["self"]
    for call in (api.get(path, headers=of["bob"]), api.put(path, json={}, headers=of["bob"])):
        assert problem(call) == (404, "study_not_found")
    assert problem(api.delete(path, headers=of["bob"])) == (404, "study_not_found")
    assert problem(api.get(f"{path}/export", headers=of["bob"])) == (404, "study_not_found")
    assert api.get("/v1/studies", headers=of["bob"]).json()["studies"] == []
    assert len(api.get("/v1/studies", headers=of["root"]).json()["studies"]) == 1
    changed = api.put(path, json={"rows": rows}, headers=of["root"]).json()
    assert codes(changed) == [(2, "job_id", "job_not_found")]  # an administrator lends no job of others
    assert problem(api.post("/v1/studies", json={}, headers=of["reader"])) == (403, "forbidden")
    assert problem(api.get("/v1/studies")) == (401, "unauthorized")


def test_the_number_of_studies_is_limited(
    guarded: tuple[httpx.Client, dict[str, dict[str, str]]], service_settings: Settings
) -> None:
    """`studies` of a key replaces the limit of the service; a deleted study makes room."""
    api, of = guarded
    path = api.post("/v1/studies", json={}, headers=of["bob"]).headers["Location"]
    assert problem(api.post("/v1/studies", json={}, headers=of["bob"])) == (409, "too_many_studies")
    api.delete(path, headers=of["bob"]).raise_for_status()
    assert api.post("/v1/studies", json={}, headers=of["bob"]).status_code == 201
    with serving(service_settings.model_copy(update={"max_studies": 0})) as other:
        assert problem(other.post("/v1/studies", json={})) == (409, "too_many_studies")


def test_waiting_exports_are_limited_and_can_be_cancelled(
    api: httpx.Client, store: Store, redis: Redis, service_settings: Settings
) -> None:
    """A caller has three exports being computed; deleting one withdraws its task and makes room."""
    queue = open_queue(redis, QueueName.VIDEOS)
    now = {"Prefer": "wait=0"}
    paths = []
    for number in range(4):
        rows = [{"job_id": store(), "participant": f"P{number}"}]
        paths.append(api.post("/v1/studies", json={"rows": rows}).json()["links"]["export"])
    assert [api.get(path, headers=now).status_code for path in paths] == [202, 202, 202, 429]
    assert len(queue) == 3
    assert api.delete(paths[0]).status_code == 204
    assert len(queue) == 2
    assert api.get(paths[3], headers=now).status_code == 202
    study = paths[3].removesuffix("/export")
    api.put(study, json={}).raise_for_status()  # its ZIP is obsolete
    assert len(queue) == 2
    assert len(ExportStore(redis).live()) == 2


def test_a_lost_task_is_queued_again_but_not_for_ever(
    api: httpx.Client, store: Store, redis: Redis, start_scripted_worker: StartWorker
) -> None:
    """A worker that was killed leaves its export running; the next request queues it, until it counts as crashing."""
    link, now = f"/v1/studies/export?jobs={store()}", {"Prefer": "wait=0"}
    assert api.get(link, headers=now).status_code == 202
    (export_id,) = ExportStore(redis).live()
    queue = open_queue(redis, QueueName.VIDEOS)
    withdraw(queue, export_task(export_id))
    redis.hset(keys.study_export(export_id), mapping={"status": "running", "attempts": MAX_ATTEMPTS})
    assert api.get(link, headers=now).json()["status"] == "running"
    assert holds(queue, export_task(export_id))
    start_scripted_worker()
    assert problem(exported(api, link)) == (409, "crashed")
    redis.hset(keys.study_export(export_id), mapping={"status": "running", "attempts": MAX_ATTEMPTS - 1})
    redis.hdel(keys.study_export(export_id), "error", "detail")
    assert exported(api, link).status_code == 200


def test_the_zip_expires_with_its_jobs(
    api: httpx.Client, store: Store, redis: Redis, service_settings: Settings, start_scripted_worker: StartWorker
) -> None:
    """Its record has the time to live of the job that expires first, and the sweeper erases the file after it."""
    start_scripted_worker()
    job_id = store()
    zipped(exported(api, f"/v1/studies/export?jobs={job_id}"))
    (export_id,) = ExportStore(redis).live()
    assert ExportStore(redis, 100).succeed(export_id, None)  # a kept job may be released and then expires
    assert redis.ttl(keys.study_export(export_id)) <= 100
    left = redis.ttl(keys.study_export(export_id))
    assert 0 < left <= redis.ttl(keys.job(job_id)) + 1
    storage, exports = open_storage(service_settings), ExportStore(redis)
    context = WorkerContext(JobStore(redis, 60), storage, EditStore(redis), no_analysis, exports=exports)
    folder = service_settings.data_dir / "jobs" / export_id
    wait_until(folder.is_dir)
    old = time.time() - 2 * UPLOAD_IDLE_S
    os.utime(folder / "study.zip", (old, old))
    redis.delete(keys.INDEXED)
    sweep(context, open_queue(redis, QueueName.VIDEOS))
    assert folder.is_dir()
    redis.zadd(keys.STUDY_EXPORTS, {export_id: time.time() - 1})
    sweep(context, open_queue(redis, QueueName.VIDEOS))
    assert not folder.exists()
    assert exports.read(export_id) is None
