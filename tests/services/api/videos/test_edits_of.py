"""`edits_of`: an annotated video with the edits of an earlier job of the same file."""

from pathlib import Path

import httpx
import pytest
from redis import Redis

from duygu.shared.config.settings import Settings
from duygu.shared.jobs.store import JobStore
from tests.services.conftest import StartWorker, ended
from tests.support.workers.scripted_worker import Script

VIDEO, OTHER = Script().upload(), Script(duration_s=0.2).upload()

UNKNOWN = "0" * 32


def post(api: httpx.Client, content: bytes, key: str | None = None, **query: str) -> httpx.Response:
    """Submit a video with parameters."""
    headers = {"Idempotency-Key": key} if key else {}
    return api.post("/v1/videos", files={"video": ("a.mp4", content)}, params=query, headers=headers)


def code(response: httpx.Response) -> tuple[int, str]:
    """Return the status and the code of an error."""
    return response.status_code, response.json()["code"]


def stored(settings: Settings) -> set[Path]:
    """Jobs with files in the storage."""
    return set((settings.data_dir / "jobs").iterdir())


@pytest.fixture
def finished(api: httpx.Client, start_scripted_worker: StartWorker) -> str:
    """The id of a job that has succeeded."""
    start_scripted_worker()
    job_id = post(api, VIDEO).json()["job_id"]
    assert ended(api, job_id)["status"] == "succeeded"
    return str(job_id)


def test_the_job_names_the_edited_one(
    api: httpx.Client, finished: str, redis: Redis, service_settings: Settings
) -> None:
    """The record names the edited job; `reuse` finds it until an edit, and a key is not for another `edits_of`."""
    wish = {"annotate": "true", "edits_of": finished}
    job = post(api, VIDEO, "one", **wish)
    assert job.status_code == 202
    record = JobStore(redis, service_settings.result_ttl).read(job.json()["job_id"])
    assert record
    assert record.edits_of == finished
    assert code(post(api, VIDEO, "one", annotate="true")) == (422, "idempotency_mismatch")
    assert post(api, VIDEO, reuse="true", **wish).json()["job_id"] == record.job_id
    assert post(api, VIDEO, reuse="true", annotate="true").json()["job_id"] != record.job_id
    api.post(f"/v1/jobs/{finished}/edits", json={"op": "threshold", "uncertain_below": 0.5}).raise_for_status()
    assert post(api, VIDEO, reuse="true", **wish).json()["job_id"] != record.job_id


def test_what_cannot_have_the_edits_is_refused(api: httpx.Client, finished: str, service_settings: Settings) -> None:
    """Another file, an unknown or malformed job, a link, and a missing `annotate` have codes; nothing is stored."""
    before = stored(service_settings)
    wish = {"annotate": "true", "edits_of": finished}
    assert code(post(api, OTHER, **wish)) == (422, "other_video")
    assert code(post(api, VIDEO, annotate="true", edits_of=UNKNOWN)) == (404, "job_not_found")
    assert post(api, VIDEO, annotate="true", edits_of="../x").status_code == 422
    assert code(post(api, VIDEO, edits_of=finished)) == (422, "invalid_request")
    link = {"url": "https://example.org/a.mp4"}
    assert code(api.post("/v1/videos", json=link, params=wish)) == (422, "invalid_request")
    assert stored(service_settings) == before


def test_a_job_without_a_result_has_no_edits(api: httpx.Client) -> None:
    """A queued job is refused as not ready."""
    queued = post(api, VIDEO).json()["job_id"]
    assert code(post(api, VIDEO, annotate="true", edits_of=queued)) == (409, "result_not_ready")
