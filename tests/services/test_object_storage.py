"""The API and a worker that share a bucket and no disk."""

import secrets
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from redis import Redis

from duygu.shared.config.settings import Settings
from duygu.shared.jobs.record import JobRecord, new_job_id
from duygu.shared.jobs.store import JobStore
from duygu.shared.schemas.job import JobStatus
from duygu.shared.storage.base import ANNOTATED_VIDEO, RESULT, UPLOAD, Storage
from duygu.shared.storage.opening import open_storage
from tests.services.conftest import ended, job, running, serving, submit, wait_until, worker
from tests.support.servers.metered_server import metered
from tests.support.workers.scripted_worker import Script


@pytest.fixture
def there(service_settings: Settings, bucket_url: str, tmp_path: Path) -> Settings:
    """Settings of a worker's machine."""
    return service_settings.model_copy(update={"storage_url": bucket_url, "data_dir": tmp_path / "there"})


@pytest.fixture
def here(there: Settings, tmp_path: Path) -> Settings:
    """Settings of the API's machine."""
    return there.model_copy(update={"data_dir": tmp_path / "here"})


@pytest.fixture
def bucket(bucket_url: str, tmp_path: Path) -> Storage:
    """What both of them see."""
    return open_storage(Settings(storage_url=bucket_url, data_dir=tmp_path / "look"))


def kept_on_disks(*machines: Settings) -> list[Path]:
    """Files that lie on the machines themselves, besides locks."""
    found = (path for machine in machines for path in machine.data_dir.rglob("*"))
    return [path for path in found if path.is_file() and path.suffix != ".lock"]


def test_a_job_goes_through_the_bucket(here: Settings, there: Settings, bucket: Storage) -> None:
    """From the upload to its erasure, while nothing stays on either machine."""
    assert bucket.stored() == []
    with serving(here) as api, worker(there, "tests.support.workers.scripted_worker", "videos"):
        job_id = submit(api, Script(duration_s=2.0).upload())["job_id"]
        running(api, job_id)
        assert [stored.files for stored in bucket.stored()] == [{UPLOAD}]
        done = ended(api, job_id)
        assert done["status"] == "succeeded"
        assert api.get(done["links"]["result"]).json()["job_id"] == job_id
        assert api.get(done["links"]["result"], params={"format": "csv"}).status_code == 200
        wait_until(lambda: [stored.files for stored in bucket.stored()] == [{RESULT}])
        assert kept_on_disks(here, there) == []
        assert api.delete(done["links"]["self"]).status_code == 204
        assert bucket.stored() == []


def test_expired_results_leave_the_bucket(here: Settings, there: Settings, bucket: Storage) -> None:
    """The sweeper finds them there."""
    short = there.model_copy(update={"result_ttl": 1})
    with serving(here) as api, worker(short, "tests.support.workers.scripted_worker", "videos"):
        assert ended(api, submit(api, Script().upload())["job_id"])["status"] == "succeeded"
        wait_until(lambda: bucket.stored() == [])


def test_a_refused_upload_leaves_nothing(here: Settings, bucket: Storage) -> None:
    """Neither in the bucket nor on the machine."""
    with serving(here) as api:
        assert api.post("/v1/videos", files={"video": ("a.mp4", b"words")}).status_code == 415
    assert bucket.stored() == []
    assert kept_on_disks(here) == []


def test_an_upload_that_is_missing_fails_its_job(here: Settings, there: Settings, bucket: Storage) -> None:
    """With a code that says so, and the next job runs."""
    with serving(here) as api:
        lost = submit(api, Script().upload())["job_id"]
        bucket.remove(lost, UPLOAD)
        with worker(there, "tests.support.workers.scripted_worker", "videos"):
            assert ended(api, lost)["error"]["code"] == "upload_missing"
            assert ended(api, submit(api, Script().upload())["job_id"])["status"] == "succeeded"
        response = api.get(f"/v1/jobs/{lost}/result")
        assert (response.status_code, response.json()["code"]) == (409, "upload_missing")


def succeeded(redis: Redis, settings: Settings) -> str:
    """A succeeded job with an annotated video."""
    job_id, jobs = new_job_id(), JobStore(redis, settings.result_ttl)
    with redis.pipeline() as pipeline:
        jobs.create(JobRecord(job_id, JobStatus.QUEUED, datetime.now(UTC), annotate=True), pipeline)
        pipeline.execute()
    jobs.begin(job_id)
    jobs.succeed(job_id, 3)
    return job_id


def test_players_fetch_parts_of_a_video(
    here: Settings, bucket: Storage, redis: Redis, object_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the requested range is read from the bucket, without a local copy."""
    job_id = succeeded(redis, here)
    content = secrets.token_bytes(5_000_000)
    with bucket.writer(job_id, ANNOTATED_VIDEO) as file:
        file.write(content)
    with metered(object_server) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
        with serving(here) as api:
            video = f"/v1/jobs/{job_id}/result?format=mp4"
            part = api.get(video, headers={"Range": "bytes=4000000-4099999"})
            assert (part.status_code, part.content) == (206, content[4_000_000:4_100_000])
            assert part.headers["Content-Range"] == "bytes 4000000-4099999/5000000"
            assert 100_000 <= server.sent_bytes < 110_000
            with api.stream("GET", video, headers={"Range": "bytes=0-"}) as whole:
                assert next(whole.iter_raw(1000)) == content[:1000]
            assert kept_on_disks(here) == []
            assert api.get(video).content == content


def test_a_cached_video_is_not_sent_again(here: Settings, bucket: Storage, redis: Redis) -> None:
    """And a part of another video than the client has is the whole new one."""
    job_id = succeeded(redis, here)
    with bucket.writer(job_id, ANNOTATED_VIDEO) as file:
        file.write(b"0123456789")
    with serving(here) as api:
        video = f"/v1/jobs/{job_id}/result?format=mp4"
        first = api.get(video)
        assert first.headers["Accept-Ranges"] == "bytes"
        assert api.get(video, headers={"If-None-Match": first.headers["ETag"]}).status_code == 304
        for known in (first.headers["ETag"], first.headers["Last-Modified"]):
            assert api.get(video, headers={"Range": "bytes=0-0", "If-Range": known}).content == b"0"
        other = api.get(video, headers={"Range": "bytes=0-0", "If-Range": '"another"'})
        assert (other.status_code, other.content) == (200, b"0123456789")
        behind = api.get(video, headers={"Range": "bytes=10-"})
        assert (behind.status_code, behind.json()["code"]) == (416, "range_not_satisfiable")
        assert behind.headers["Content-Range"] == "bytes */10"


def test_a_missing_result_has_expired(here: Settings, bucket: Storage, redis: Redis) -> None:
    """410 for its text and for its video."""
    job_id = succeeded(redis, here)
    with serving(here) as api:
        for name in ("json", "csv", "mp4", "png"):
            response = api.get(f"/v1/jobs/{job_id}/result", params={"format": name})
            assert (response.status_code, response.json()["code"]) == (410, "result_expired")


def test_an_unreachable_bucket_is_an_error(here: Settings, redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    """503 with Retry-After for everything that needs it, and in readiness; jobs can still be looked at."""
    job_id = succeeded(redis, here)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    with serving(here) as api:
        responses = [
            api.post("/v1/videos", files={"video": ("a.mp4", Script().upload())}),
            api.get(f"/v1/jobs/{job_id}/result"),
            api.get(f"/v1/jobs/{job_id}/result", params={"format": "mp4"}),
        ]
        assert {(response.status_code, response.json()["code"]) for response in responses} == {(503, "unavailable")}
        assert all(response.headers["Retry-After"] for response in responses)
        checks = {check["name"]: check["ok"] for check in api.get("/readyz").json()["checks"]}
        assert checks["storage"] is False
        assert job(api, job_id)["status"] == "succeeded"
        assert redis.llen("rq:queue:videos") == 0


def test_a_job_waits_for_a_bucket_that_is_away(
    here: Settings, there: Settings, monkeypatch: pytest.MonkeyPatch, api: httpx.Client, redis: Redis
) -> None:
    """It waits its turn again as if nothing had been, and succeeds once the bucket is back, at another worker even."""
    with serving(here) as storing:
        job_id = submit(storing, Script().upload())["job_id"]
    with monkeypatch.context() as away:
        away.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
        with worker(there, "tests.support.workers.scripted_worker", "videos"):
            wait_until(lambda: redis.zcard("rq:scheduled:videos") == 1)
    assert (job(api, job_id)["status"], job(api, job_id)["error"]) == ("queued", None)
    with worker(there, "tests.support.workers.scripted_worker", "videos"):
        assert ended(api, job_id)["status"] == "succeeded"


def test_a_job_that_waits_for_the_bucket_can_be_erased(
    here: Settings, there: Settings, monkeypatch: pytest.MonkeyPatch, redis: Redis
) -> None:
    """Nothing of it is left to come again."""
    with serving(here) as api:
        job_id = submit(api, Script().upload())["job_id"]
        with monkeypatch.context() as away:
            away.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
            with worker(there, "tests.support.workers.scripted_worker", "videos"):
                wait_until(lambda: redis.zcard("rq:scheduled:videos") == 1)
        assert api.delete(f"/v1/jobs/{job_id}").status_code == 204
    assert redis.zcard("rq:scheduled:videos") == 0
    assert redis.exists(f"rq:job:{job_id}") == 0


def test_a_bucket_that_stays_away_ends_the_job(
    here: Settings, there: Settings, monkeypatch: pytest.MonkeyPatch, api: httpx.Client, redis: Redis
) -> None:
    """With a code that says so once it was put off often enough, and the worker lives on."""
    with serving(here) as storing:
        job_id = submit(storing, Script().upload())["job_id"]
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    with worker(there, "tests.support.workers.scripted_worker", "videos") as process:
        assert ended(api, job_id)["error"]["code"] == "storage_away"
        wait_until(lambda: redis.exists(f"rq:job:{job_id}") == 0)
        assert process.poll() is None
    response = api.get(f"/v1/jobs/{job_id}/result")
    assert (response.status_code, response.json()["code"]) == (409, "storage_away")
