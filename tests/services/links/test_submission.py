"""`POST /v1/videos` with a link."""

from typing import Any

import httpx
import pytest
from redis import Redis

from duygu.shared.config.settings import Settings
from duygu.shared.jobs.record import JobRecord
from duygu.shared.storage.opening import open_storage
from tests.services.conftest import serving

SECRETS = ("zoe", "pa55", "hidden")

LINK = "https://zoe:pa55@example.org/a.mp4?token=hidden"


def test_a_link_becomes_a_job_without_its_secrets(api: httpx.Client, caplog: pytest.LogCaptureFixture) -> None:
    """The job shows the link without credentials and query, in every call, and the log has neither."""
    response = api.post("/v1/videos", json={"url": LINK, "start_s": 1, "labels": ["fear"]})
    assert response.status_code == 202
    job = response.json()
    assert job["link"] == {"url": "https://example.org/a.mp4", "fetched_bytes": 0, "size_bytes": None}
    assert (job["size_bytes"], job["sha256"], job["stage"]) == (0, "", None)
    assert (job["options"]["start_s"], job["options"]["labels"]) == (1.0, ["fear"])
    assert response.headers["location"] == job["links"]["self"]
    listed = api.get("/v1/jobs").text + api.get(job["links"]["self"]).text + caplog.text
    assert not any(secret in text for secret in SECRETS for text in (response.text, listed))
    assert api.delete(job["links"]["self"]).status_code == 204


def test_the_secrets_are_erased_with_the_job(api: httpx.Client, redis: Redis) -> None:
    """A cancelled job's record has no link with secrets any more; that of a waiting job does not show it."""
    job = api.post("/v1/videos", json={"url": LINK}).json()
    record = JobRecord.from_hash(
        job["job_id"],
        {key.decode(): value.decode() for key, value in redis.hgetall(f"duygu:job:{job['job_id']}").items()},  # type: ignore[union-attr]
    )
    assert record.link == LINK
    assert not any(secret in repr(record) for secret in SECRETS)
    api.delete(job["links"]["self"])
    assert not any(b"hidden" in (redis.dump(key) or b"") for key in redis.keys("*"))


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"url": "http://127.0.0.1/a.mp4"}, "link_refused"),
        ({"url": "https://169.254.169.254/latest/meta-data/"}, "link_refused"),
        ({"url": "https://[::1]/a.mp4"}, "link_refused"),
        ({"url": "https://2130706433/a.mp4"}, "link_refused"),
        ({"url": "file:///etc/passwd"}, "link_refused"),
        ({"url": "s3://bucket/a.mp4"}, "link_refused"),
        ({"url": "http://example.org/a.mp4"}, "link_refused"),
        ({"url": 5}, "invalid_request"),
        ({}, "invalid_request"),
        ([], "invalid_request"),
        ({"url": LINK, "speed": 2}, "unknown_parameter"),
        ({"url": LINK, "min_face": 5}, "invalid_min_face"),
        ({"url": LINK, "labels": ["hunger"]}, "invalid_labels"),
    ],
)
def test_invalid_bodies_have_clear_codes(api: httpx.Client, body: Any, code: str) -> None:
    """A link that is not allowed and an invalid option are refused before a job exists."""
    response = api.post("/v1/videos", json=body)
    assert response.json()["code"] == code
    assert api.get("/v1/jobs").json()["jobs"] == []


def test_a_body_that_is_no_json_is_refused(api: httpx.Client) -> None:
    """Neither broken JSON nor one that is too large is read."""
    headers = {"Content-Type": "application/json; charset=utf-8"}
    assert api.post("/v1/videos", content=b"{", headers=headers).json()["code"] == "invalid_request"
    assert api.post("/v1/videos", content=b"[" * 60_000, headers=headers).json()["code"] == "invalid_request"
    assert api.post("/v1/videos", content=b" " * 70_000, headers=headers).json()["code"] == "too_large"


def test_links_are_reused_by_their_address(api: httpx.Client) -> None:
    """`reuse=true` and the idempotency key return the job of the same link, with its query, and the same options."""

    def submit(url: str = LINK, reuse: str = "true", **rest: Any) -> str:
        headers = {"Idempotency-Key": rest.pop("key")} if "key" in rest else {}
        response = api.post(f"/v1/videos?reuse={reuse}", json={"url": url, **rest}, headers=headers)
        assert response.status_code == 202, response.text
        return str(response.json()["job_id"])

    first = submit(reuse="false", key="one")
    assert submit(reuse="false", key="one") == first
    assert submit() == first
    assert submit(LINK.replace("hidden", "other")) != first
    assert submit(end_s=5) != first
    other = api.post("/v1/videos", json={"url": LINK, "end_s": 5}, headers={"Idempotency-Key": "one"})
    assert other.json()["code"] == "idempotency_mismatch"


def test_links_can_be_disabled(service_settings: Settings) -> None:
    """DUYGU_LINKS=0 refuses links, and the limits say so."""
    with serving(service_settings.model_copy(update={"links": False})) as api:
        assert api.get("/v1/limits").json()["link_schemes"] == []
        response = api.post("/v1/videos", json={"url": LINK})
        assert (response.status_code, response.json()["code"]) == (422, "link_refused")


def test_the_example_of_the_documentation_is_accepted(api: httpx.Client, service_settings: Settings) -> None:
    """The examples in the OpenAPI document create jobs, and nothing is stored before a worker fetches."""
    body = api.get("/openapi.json").json()["paths"]["/v1/videos"]["post"]["requestBody"]["content"]["application/json"]
    examples = {name: example["value"] for name, example in body["examples"].items()}
    assert api.post("/v1/videos", json=examples["link"]).status_code == 202
    assert open_storage(service_settings).stored() == []
    headers = {"Tus-Resumable": "1.0.0", "Upload-Length": "12", "Content-Type": "application/offset+octet-stream"}
    created = api.post("/v1/uploads", content=b"\0\0\0\x18ftypmp42", headers=headers)
    stored = {"upload_id": created.headers["location"].rpartition("/")[2]}
    assert api.post("/v1/videos", json=examples["upload"]).json()["code"] == "upload_not_found"
    assert api.post("/v1/videos", json={**examples["upload"], **stored}).status_code == 202
    assert api.get("/v1/limits").json()["link_schemes"] == ["https"]
