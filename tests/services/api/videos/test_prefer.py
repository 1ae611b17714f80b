"""`Prefer: wait=N`."""

import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from duygu.services.api.videos.prefer import MAX_WAIT_S, wait_s
from tests.services.conftest import StartWorker, wait_until
from tests.support.workers.scripted_worker import Script


def submit(api: httpx.Client, script: Script, prefer: str) -> httpx.Response:
    """Submit a video and wait for its job."""
    return api.post("/v1/videos", files={"video": ("a.mp4", script.upload())}, headers={"Prefer": prefer})


def test_a_small_video_has_its_result_in_the_response(api: httpx.Client, start_scripted_worker: StartWorker) -> None:
    """A job that ends in time gives 200 with its result, and remains readable."""
    start_scripted_worker()
    response = submit(api, Script(), "respond-async, wait=30")
    job = response.json()
    assert (response.status_code, response.headers["Preference-Applied"]) == (200, "wait=30")
    assert job["status"] == "succeeded"
    assert job["result"]["job_id"] == job["job_id"]
    assert api.get(job["links"]["result"]).json() == job["result"]
    assert response.headers["Location"] == job["links"]["self"]


def test_a_failed_job_is_returned_as_such(api: httpx.Client, start_scripted_worker: StartWorker) -> None:
    """A failed job gives 200 with its error and without a result."""
    start_scripted_worker()
    job = submit(api, Script(hungry=True), "wait=30").json()
    assert (job["status"], job["error"]["code"], job["result"]) == ("failed", "out_of_memory", None)


def test_a_job_that_is_erased_meanwhile_was_cancelled(api: httpx.Client) -> None:
    """A waiting client gets its response at once, with the job as cancelled."""
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(submit, api, Script(), "wait=30")
        wait_until(lambda: api.get("/v1/jobs").json()["jobs"])
        [job] = api.get("/v1/jobs").json()["jobs"]
        assert api.delete(job["links"]["self"]).status_code == 204
        response = waiting.result()
    assert response.status_code == 200
    assert (response.json()["status"], response.json()["error"]["code"]) == ("cancelled", "cancelled")


def test_waiting_ends(api: httpx.Client) -> None:
    """Without a worker the response is 202 after the requested time."""
    started = time.monotonic()
    response = submit(api, Script(), "wait=1")
    assert response.status_code == 202
    assert "result" not in response.json()
    assert 1.0 <= time.monotonic() - started < 10


def test_a_job_is_accepted_though_redis_goes_away(api: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """If Redis becomes unavailable while waiting, the response is 202 with the accepted job."""

    def away(*_: object) -> None:
        raise RedisConnectionError

    def broken(*_: object) -> None:
        monkeypatch.setattr("duygu.shared.jobs.store.JobStore.read", away)
        away()

    monkeypatch.setattr("duygu.services.api.videos.prefer.follow", broken)
    response = submit(api, Script(), "wait=30")
    assert (response.status_code, response.json()["status"]) == (202, "queued")
    assert response.headers["Location"] == response.json()["links"]["self"]


@pytest.mark.parametrize(
    ("prefer", "seconds"),
    [
        (None, 0),
        ("", 0),
        ("wait=7", 7),
        ("respond-async, wait=7", 7),
        ('return=minimal; wait="7"', 7),
        ("Wait = 7", 7),
        ("wait=1000", MAX_WAIT_S),
        ("wait=-1", 0),
        ("wait=soon", 0),
        ("await=7", 0),
    ],
)
def test_preferences_are_read(prefer: str | None, seconds: int) -> None:
    """`wait` is parsed as in RFC 7240, and unknown preferences are ignored."""
    assert wait_s(prefer) == seconds
