"""Repeated submissions: idempotency keys and `reuse`."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from redis import Redis
from redis.client import Pipeline
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from duygu.services.api.service import ServiceContext
from duygu.services.api.videos.submission import Submission, submit
from duygu.shared.broker import keys
from duygu.shared.config.settings import Settings
from duygu.shared.jobs.record import JobRecord
from duygu.shared.schemas.options import read_options
from tests.services.conftest import StartWorker, ended, serving
from tests.support.workers.scripted_worker import Script

VIDEO, OTHER = Script().upload(), Script(duration_s=0.2).upload()


def post(api: httpx.Client, content: bytes, key: str | None = None, *, reuse: bool = False) -> httpx.Response:
    """Submit a video with or without a key."""
    headers = {"Idempotency-Key": key} if key else {}
    query = {"reuse": "true"} if reuse else {}
    return api.post("/v1/videos", files={"video": ("a.mp4", content)}, headers=headers, params=query)


def folders(settings: Settings) -> list[Path]:
    """Jobs with files in the storage."""
    return list((settings.data_dir / "jobs").iterdir())


def test_a_key_makes_one_job(api: httpx.Client, service_settings: Settings, redis: Redis) -> None:
    """A repetition returns the same job and stores nothing; another key creates another job."""
    first = post(api, VIDEO, "one").json()
    again = post(api, VIDEO, "one")
    assert (again.status_code, again.json()) == (202, first)
    assert redis.llen("rq:queue:videos") == len(folders(service_settings)) == 1
    assert post(api, VIDEO, "two").json()["job_id"] != first["job_id"]


def test_a_key_with_another_video_is_refused(api: httpx.Client, service_settings: Settings) -> None:
    """A key with a different video gives 422, and the video is discarded."""
    post(api, VIDEO, "one")
    response = post(api, OTHER, "one")
    assert (response.status_code, response.json()["code"]) == (422, "idempotency_mismatch")
    assert len(folders(service_settings)) == 1


def test_a_key_with_other_options_is_refused(api: httpx.Client, service_settings: Settings) -> None:
    """A key with a different `annotate` gives 422."""
    for key, first in (("plain", False), ("annotated", True)):
        for annotate, status in ((first, 202), (first, 202), (not first, 422)):
            response = api.post(
                "/v1/videos",
                files={"video": ("a.mp4", VIDEO)},
                headers={"Idempotency-Key": key},
                params={"annotate": annotate},
            )
            assert response.status_code == status
    assert len(folders(service_settings)) == 2


OPTIONS = [
    {},
    {"max_faces": "2"},
    {"max_faces": "3"},
    {"labels": "fear,anger"},
    {"measures": "movements"},
    {"every_s": "1", "min_face": "0.1"},
    {"baseline": "3-13"},
    {"baseline": "auto"},
]


def test_the_options_of_the_analysis_belong_to_the_request(api: httpx.Client, service_settings: Settings) -> None:
    """The job has them; a key with other options gives 422, and `reuse` returns only a job with the same options."""

    def post_with(options: dict[str, str], key: str = "", *, reuse: bool = False) -> httpx.Response:
        headers = {"Idempotency-Key": key} if key else {}
        return api.post(
            "/v1/videos",
            data=options,
            files={"video": ("a.mp4", VIDEO)},
            headers=headers,
            params={"reuse": reuse},
        )

    jobs = [post_with(options, "key") if not options else post_with(options, reuse=True) for options in OPTIONS]
    assert [job.status_code for job in jobs] == [202] * len(OPTIONS)
    assert len({job.json()["job_id"] for job in jobs}) == len(OPTIONS)
    for options, job in zip(OPTIONS, jobs, strict=True):
        assert read_options(job.json()["options"]) == read_options(options)
        assert post_with(options, reuse=True).json()["job_id"] == job.json()["job_id"]
        assert post_with(options, "key").status_code == (422 if options else 202)
    assert post_with({"labels": "anger,fear"}, reuse=True).json()["job_id"] == jobs[3].json()["job_id"]
    assert len(folders(service_settings)) == len(OPTIONS)


@pytest.mark.parametrize(
    "field", [{"labels": "joy"}, {"every_s": "-1"}, {"baseline": "13-3"}, {"min_face": "7"}, {"max_faces": "x"}]
)
def test_an_invalid_option_is_refused(api: httpx.Client, service_settings: Settings, field: dict[str, str]) -> None:
    """Each option has its own code; nothing of the request is kept."""
    response = api.post("/v1/videos", data=field, files={"video": ("a.mp4", VIDEO)})
    (name,) = field
    assert (response.status_code, response.json()["code"]) == (422, f"invalid_{name}")
    assert folders(service_settings) == []


def test_calls_at_the_same_time_make_one_job(api: httpx.Client, redis: Redis) -> None:
    """Concurrent requests with one key create one job."""
    with ThreadPoolExecutor(8) as pool:
        responses = list(pool.map(lambda _: post(api, VIDEO, "one"), range(8)))
    assert {response.status_code for response in responses} == {202}
    assert len({response.json()["job_id"] for response in responses}) == 1
    assert redis.llen("rq:queue:videos") == 1


def test_an_erased_job_frees_its_key(api: httpx.Client, redis: Redis) -> None:
    """Erasing a job frees its key and leaves nothing in Redis."""
    first = post(api, VIDEO, "one").json()
    assert redis.keys("duygu:idempotency:*")
    api.delete(first["links"]["self"])
    assert redis.keys("duygu:idempotency:*") == redis.keys("duygu:twin:*") == []
    assert post(api, OTHER, "one").json()["job_id"] != first["job_id"]


def test_the_hash_of_the_upload_stands_in_the_job(api: httpx.Client) -> None:
    """A job reports the SHA-256 and the size of its upload."""
    job = post(api, VIDEO).json()
    assert (len(job["sha256"]), job["size_bytes"]) == (64, len(VIDEO))
    assert job["sha256"] == post(api, VIDEO).json()["sha256"] != post(api, OTHER).json()["sha256"]


def test_the_same_bytes_are_reused_on_request(api: httpx.Client, start_scripted_worker: StartWorker) -> None:
    """`reuse` returns a queued or succeeded job, the latter with its result."""
    first = post(api, VIDEO).json()["job_id"]
    assert post(api, VIDEO, reuse=True).json()["job_id"] == first
    assert post(api, OTHER, reuse=True).json()["job_id"] != first
    start_scripted_worker()
    ended(api, first)
    reused = post(api, VIDEO, reuse=True)
    assert reused.status_code == 200
    assert reused.json()["result"]["job_id"] == first
    assert post(api, VIDEO).json()["job_id"] != first


def test_a_key_stands_for_a_reused_job(api: httpx.Client, redis: Redis, start_scripted_worker: StartWorker) -> None:
    """A key lives as long as its job."""
    first = post(api, VIDEO).json()["job_id"]
    assert post(api, VIDEO, "waiting", reuse=True).json()["job_id"] == first
    start_scripted_worker()
    ended(api, first)
    assert post(api, VIDEO, "ended", reuse=True).json()["job_id"] == first
    for key in ("waiting", "ended"):
        assert post(api, VIDEO, key).json()["job_id"] == first
        assert post(api, OTHER, key, reuse=True).json()["code"] == "idempotency_mismatch"
    held = [redis.ttl(keys.idempotency("", key)) for key in ("waiting", "ended")]
    assert all(abs(left_s - redis.ttl(keys.job(first))) <= 2 for left_s in held)
    assert api.delete(f"/v1/jobs/{first}").status_code == 204
    assert redis.keys("duygu:idempotency:*") == []


def test_a_failed_job_is_not_reused(api: httpx.Client, start_scripted_worker: StartWorker) -> None:
    """`reuse` does not return a failed job."""
    start_scripted_worker()
    failing = Script(hungry=True).upload()
    first = post(api, failing).json()["job_id"]
    assert ended(api, first)["status"] == "failed"
    assert post(api, failing, reuse=True).json()["job_id"] != first


def test_a_job_with_other_settings_is_not_reused(api: httpx.Client, service_settings: Settings) -> None:
    """`reuse` does not return a job that was analysed with other settings."""
    first = post(api, VIDEO).json()["job_id"]
    with serving(service_settings.model_copy(update={"neutral": "off"})) as other:
        assert post(other, VIDEO, reuse=True).json()["job_id"] != first


@pytest.mark.parametrize("key", ["", "x" * 256])
def test_strange_keys_are_refused(api: httpx.Client, key: str) -> None:
    """Empty and overlong keys are rejected."""
    response = api.post("/v1/videos", files={"video": ("a.mp4", VIDEO)}, headers={"Idempotency-Key": key})
    assert (response.status_code, response.json()["code"]) == (422, "invalid_request")


@pytest.mark.parametrize("key", [None, "one"])
def test_a_lost_reply_makes_no_second_job(
    api: httpx.Client, service_settings: Settings, redis: Redis, monkeypatch: pytest.MonkeyPatch, key: str | None
) -> None:
    """A connection to Redis that breaks during the transaction gives one job with its video."""
    real = Pipeline.parse_response
    lost: list[Any] = []

    def parse(pipeline: Pipeline, connection: Any, name: str, **options: Any) -> Any:
        response = real(pipeline, connection, name, **options)  # type: ignore[no-untyped-call]
        if isinstance(response, list) and redis.llen("rq:queue:videos") and not lost:
            lost.append(response)
            raise RedisConnectionError
        return response

    monkeypatch.setattr(Pipeline, "parse_response", parse)
    response = post(api, VIDEO, key)
    assert response.status_code == 202
    assert lost
    assert redis.lrange("rq:queue:videos", 0, -1) == [response.json()["job_id"].encode()]
    assert [folder.name for folder in folders(service_settings)] == [response.json()["job_id"]]


def test_the_upload_stays_where_its_job_may_be(
    api: httpx.Client, service_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If Redis becomes unavailable after the transaction, the response is 503, but the upload is kept for the job."""

    def unheard(service: ServiceContext, submission: Submission) -> JobRecord:
        submit(service, submission)
        raise RedisTimeoutError

    monkeypatch.setattr("duygu.services.api.videos.admission.submit", unheard)
    response = post(api, VIDEO)
    assert (response.status_code, response.json()["code"]) == (503, "unavailable")
    [job] = api.get("/v1/jobs").json()["jobs"]
    assert (service_settings.data_dir / "jobs" / job["job_id"] / "upload").read_bytes() == VIDEO
