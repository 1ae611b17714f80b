"""Looking at jobs and erasing them."""

import time

import httpx
import pytest
from redis import Redis

from duygu.shared.broker import keys
from duygu.shared.config.settings import Settings
from tests.services.conftest import submit
from tests.support.workers.scripted_worker import Script

VIDEO = Script().upload()
UNKNOWN = "0" * 32


def test_a_job_can_be_read(api: httpx.Client) -> None:
    """It is as in the response to the upload."""
    job = submit(api, VIDEO)
    assert api.get(job["links"]["self"]).json() == job
    assert (job["faces"], job["duration_s"], job["expires_at"]) == (None, None, None)


def test_a_job_knows_its_place(api: httpx.Client, redis: Redis) -> None:
    """`ahead` is in the response to the upload, in the job and in the list; it shrinks; null is unknown."""
    jobs = [submit(api, VIDEO) for _ in range(3)]
    links = [job["links"]["self"] for job in jobs]
    assert [job["ahead"] for job in jobs] == [0, 1, 2]
    assert [job["ahead"] for job in api.get("/v1/jobs").json()["jobs"]] == [2, 1, 0]
    api.delete(links[0])
    assert [api.get(link).json()["ahead"] for link in links[1:]] == [0, 1]
    redis.delete(f"rq:job:{jobs[1]['job_id']}")
    response = api.get(links[1])
    assert (response.status_code, response.json()["ahead"]) == (200, None)


def test_an_unknown_job_is_not_found(api: httpx.Client) -> None:
    """Unknown and malformed ids give 404 at every endpoint."""
    for job_id in (UNKNOWN, "x", f"{UNKNOWN}:events", "%2e%2e"):
        for response in (api.get(f"/v1/jobs/{job_id}"), api.delete(f"/v1/jobs/{job_id}")):
            assert (response.status_code, response.json()["code"]) == (404, "job_not_found")
        assert api.get(f"/v1/jobs/{job_id}/result").status_code == 404


def test_jobs_come_newest_first_page_by_page(api: httpx.Client) -> None:
    """Following the cursor gives every job once; an empty one leads to the first page."""
    made = []
    for _ in range(5):
        made.append(submit(api, VIDEO)["job_id"])
        time.sleep(0.002)  # ids have a resolution of a millisecond
    pages, cursor = [], None
    while True:
        page = api.get("/v1/jobs", params={"limit": 2, **({"cursor": cursor} if cursor else {})}).json()
        pages.append([job["job_id"] for job in page["jobs"]])
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert [len(page) for page in pages] == [2, 2, 1]
    assert [job_id for page in pages for job_id in page] == made[::-1]
    assert [job["job_id"] for job in api.get("/v1/jobs?limit=2&cursor=").json()["jobs"]] == pages[0]


def test_an_erasure_that_fails_is_not_claimed(
    api: httpx.Client, service_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """503 with a code of its own; the job is stopped but still there, and can be erased once that is possible."""

    def read_only(*_: object, **__: object) -> None:
        raise PermissionError

    job = submit(api, VIDEO)
    upload = service_settings.data_dir / "jobs" / job["job_id"] / "upload"
    with monkeypatch.context() as failing:
        failing.setattr("os.unlink", read_only)
        response = api.delete(job["links"]["self"])
        assert (response.status_code, response.json()["code"]) == (503, "erase_failed")
        assert "Retry-After" in response.headers
        assert api.get(job["links"]["self"]).json()["status"] == "cancelled"
        assert upload.exists()
    assert api.delete(job["links"]["self"]).status_code == 204
    assert not upload.parent.exists()
    assert api.get(job["links"]["self"]).status_code == 404


def test_expired_jobs_are_not_listed(api: httpx.Client, redis: Redis) -> None:
    """A job whose record Redis has dropped leaves the list as well."""
    gone, kept = submit(api, VIDEO)["job_id"], submit(api, VIDEO)["job_id"]
    redis.delete(keys.job(gone))
    assert [job["job_id"] for job in api.get("/v1/jobs").json()["jobs"]] == [kept]
    assert redis.zrange(keys.JOBS, 0, -1) == [kept.encode()]


def test_a_strange_page_is_refused(api: httpx.Client) -> None:
    """Limits and cursors that no page has; the problem says which argument is at fault."""
    for query in ("limit=0", "limit=1000", "limit=x", "cursor=x"):
        response = api.get(f"/v1/jobs?{query}")
        assert (response.status_code, response.json()["code"]) == (422, "invalid_request")
        assert response.json()["errors"][0]["at"] == f"query.{query.split('=')[0]}"
        assert response.json()["errors"][0]["message"] in response.json()["detail"]


def test_a_job_that_runs_or_waits_has_no_result(api: httpx.Client) -> None:
    """409, for it may have one later."""
    response = api.get(f"{submit(api, VIDEO)['links']['self']}/result")
    assert (response.status_code, response.json()["code"]) == (409, "result_not_ready")
