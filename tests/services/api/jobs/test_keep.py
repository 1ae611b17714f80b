"""Keeping jobs and uploads."""

import time
from datetime import datetime

import httpx
import pytest
from redis import Redis

from duygu.shared.broker import keys
from duygu.shared.config.api_keys import KeyLimits, Scope, add_key
from duygu.shared.config.settings import Settings
from duygu.shared.errors import CrashedError
from duygu.shared.jobs.store import JobStore
from duygu.shared.storage.base import UPLOAD
from duygu.shared.storage.opening import open_storage
from tests.services.conftest import StartWorker, serving, submit, wait_until, worker
from tests.support.results.known import two_faces
from tests.support.results.stored_jobs import store_result
from tests.support.workers.scripted_worker import Script

ANN = {"op": "rename", "face_id": 1, "name": "Ann"}


@pytest.fixture
def job_id(redis: Redis, service_settings: Settings) -> str:
    """Return the id of a job with a result."""
    return store_result(redis, service_settings, two_faces())


def test_a_kept_job_does_not_expire(api: httpx.Client, redis: Redis, job_id: str) -> None:
    """The record, its edits and the owner's list have no time to live, and the job is due for no sweep."""
    path = f"/v1/jobs/{job_id}"
    api.post(f"{path}/edits", json=ANN).raise_for_status()
    kept = api.patch(path, json={"kept": True}).json()
    assert (kept["kept"], kept["expires_at"]) == (True, None)
    assert api.get(path).json() == kept
    for key in (keys.job(job_id), keys.edits(job_id), keys.jobs_of("")):
        assert redis.ttl(key) == -1
    assert redis.zrange(keys.SWEEP_DUE, 0, -1) == []
    redis.delete(keys.INDEXED)
    assert JobStore(redis, 60).refresh_index()
    assert redis.zrange(keys.SWEEP_DUE, 0, -1) == []
    assert api.post(f"{path}/edits", json=ANN).status_code == 200
    assert redis.ttl(keys.edits(job_id)) == -1


def test_a_released_job_expires_from_then_on(api: httpx.Client, redis: Redis, job_id: str) -> None:
    """Releasing sets a new time of expiry for the record and its edits; repeating either change has no effect."""
    path = f"/v1/jobs/{job_id}"
    api.post(f"{path}/edits", json=ANN).raise_for_status()
    for kept in (True, True, False, False):
        job = api.patch(path, json={"kept": kept}).json()
        assert job["kept"] is kept
    left_s = (datetime.fromisoformat(job["expires_at"]) - datetime.fromisoformat(job["ended_at"])).total_seconds()
    assert left_s == pytest.approx(24 * 3600, abs=60)
    for key in (keys.job(job_id), keys.edits(job_id)):
        assert redis.ttl(key) == pytest.approx(24 * 3600, abs=60)
    assert redis.zrange(keys.SWEEP_DUE, 0, -1) == [f"{job_id} ".encode()]
    assert not redis.scard(keys.kept(""))


def test_a_title_is_set_and_removed(api: httpx.Client, job_id: str) -> None:
    """A title has at most 200 characters; a change without it leaves it, null removes it."""
    path = f"/v1/jobs/{job_id}"
    assert api.patch(path, json={"title": " Interview 3 "}).json()["title"] == "Interview 3"
    assert api.patch(path, json={"kept": True}).json()["title"] == "Interview 3"
    assert api.patch(path, json={"title": None}).json()["title"] is None
    assert api.patch(path, json={"title": "x" * 201}).status_code == 422
    assert api.patch(path, json={"name": "x"}).status_code == 422
    assert api.patch(f"/v1/jobs/{'0' * 32}", json={"kept": True}).status_code == 404


def test_a_job_is_kept_before_its_end(api: httpx.Client, redis: Redis, start_scripted_worker: StartWorker) -> None:
    """A job that is kept while it waits does not expire once it has succeeded."""
    job = submit(api, Script().upload())
    api.patch(job["links"]["self"], json={"kept": True}).raise_for_status()
    start_scripted_worker()
    wait_until(lambda: api.get(job["links"]["self"]).json()["status"] == "succeeded")
    ended = api.get(job["links"]["self"]).json()
    assert (ended["kept"], ended["expires_at"]) == (True, None)
    assert redis.ttl(keys.job(job["job_id"])) == -1
    assert redis.ttl(keys.jobs_of("")) == -1


def test_a_job_without_result_is_not_kept(api: httpx.Client, redis: Redis, job_id: str) -> None:
    """A failed job expires even if it was kept before its end, and cannot be kept afterwards."""
    job = submit(api, Script().upload())
    api.patch(job["links"]["self"], json={"kept": True}).raise_for_status()
    JobStore(redis, 60).fail(job["job_id"], CrashedError())
    failed = api.get(job["links"]["self"]).json()
    assert (failed["kept"], redis.ttl(keys.job(job["job_id"]))) == (False, 60)
    assert not redis.sismember(keys.kept(""), job["job_id"])
    refused = api.patch(job["links"]["self"], json={"kept": True})
    assert (refused.status_code, refused.json()["code"]) == (409, "cannot_keep")


def test_the_number_of_kept_jobs_is_limited(service_settings: Settings, redis: Redis) -> None:
    """A service without keys has one limit, and erasing a kept job makes room."""
    jobs = [store_result(redis, service_settings, two_faces()) for _ in range(3)]
    with serving(service_settings.model_copy(update={"max_kept": 2})) as api:
        assert [api.patch(f"/v1/jobs/{job}", json={"kept": True}).status_code for job in jobs] == [200, 200, 409]
        assert api.delete(f"/v1/jobs/{jobs[0]}").status_code == 204
        assert api.patch(f"/v1/jobs/{jobs[2]}", json={"kept": True}).status_code == 200


def test_a_key_has_a_limit_of_its_own(service_settings: Settings, redis: Redis) -> None:
    """`jobs_kept` of a key replaces the limit of the service."""
    file = service_settings.data_dir / "keys.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    token = add_key(file, "ann", frozenset({Scope.SUBMIT, Scope.READ}), KeyLimits(jobs_kept=1))
    jobs = [store_result(redis, service_settings, two_faces(), owner="ann") for _ in range(2)]
    with serving(service_settings.model_copy(update={"keys_file": file})) as api:
        api.headers["Authorization"] = f"Bearer {token}"
        responses = [api.patch(f"/v1/jobs/{job}", json={"kept": True}) for job in jobs]
        assert [response.status_code for response in responses] == [200, 409]
        assert responses[1].json()["code"] == "too_many_kept"
        assert api.get("/v1/limits").json()["stored_bytes"] is None


def test_results_are_kept_by_default_without_keys_and_redis(settings: Settings) -> None:
    """`auto` keeps results only where there are neither API keys nor a Redis address."""
    alone = settings.model_copy(update={"redis_url": "", "keys_file": None, "keep": "auto"})
    assert alone.keeps_results
    assert not alone.model_copy(update={"redis_url": "redis://there"}).keeps_results
    assert not alone.model_copy(update={"keys_file": settings.data_dir}).keeps_results
    assert not alone.model_copy(update={"keep": "off"}).keeps_results
    assert alone.model_copy(update={"redis_url": "redis://there", "keep": "on"}).keeps_results


def test_a_service_that_keeps_results(
    service_settings: Settings, redis: Redis, start_scripted_worker: StartWorker
) -> None:
    """With `DUYGU_KEEP=on` each job is kept, beyond the limit too, and the size of the storage is reported."""
    start_scripted_worker()
    with serving(service_settings.model_copy(update={"keep": "on", "max_kept": 0})) as api:
        job = submit(api, Script().upload())
        wait_until(lambda: api.get(job["links"]["self"]).json()["status"] == "succeeded")
        assert api.get(job["links"]["self"]).json()["kept"]
        assert redis.ttl(keys.job(job["job_id"])) == -1
        limits = api.get("/v1/limits").json()
        assert limits["keeps_results"]
        assert limits["stored_bytes"] > 0


def test_a_kept_upload_is_served_in_ranges(service_settings: Settings, redis: Redis, job_id: str) -> None:
    """Where uploads are kept, the job links to its video, which supports `Range`; elsewhere it is refused."""
    with open_storage(service_settings).writer(job_id, UPLOAD) as file:
        file.write(b"0123456789")
    with serving(service_settings.model_copy(update={"keep_uploads": True})) as api:
        link = api.get(f"/v1/jobs/{job_id}").json()["links"]["upload"]
        assert link == f"/v1/jobs/{job_id}/video"
        assert api.get(link).content == b"0123456789"
        part = api.get(link, headers={"Range": "bytes=2-4"})
        assert (part.status_code, part.content) == (206, b"234")
        assert part.headers["X-Content-Type-Options"] == "nosniff"
        assert part.headers["Content-Disposition"].startswith("attachment")
    with serving(service_settings) as api:
        assert api.get(f"/v1/jobs/{job_id}").json()["links"]["upload"] is None
        refused = api.get(f"/v1/jobs/{job_id}/video")
        assert (refused.status_code, refused.json()["code"]) == (409, "video_not_kept")


def test_the_worker_keeps_uploads(service_settings: Settings, redis: Redis) -> None:
    """With `DUYGU_KEEP_UPLOADS=1` neither the worker nor its sweeper deletes the upload of a succeeded job."""
    settings = service_settings.model_copy(update={"keep_uploads": True})
    with serving(settings) as api, worker(settings, "tests.support.workers.scripted_worker", "videos"):
        job = submit(api, Script().upload())
        wait_until(lambda: api.get(job["links"]["self"]).json()["status"] == "succeeded")
        time.sleep(3)  # three sweeps of the scripted worker
        assert api.get(job["links"]["self"] + "/video").content == Script().upload()
