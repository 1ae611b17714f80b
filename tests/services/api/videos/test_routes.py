"""Submission of videos."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from redis import Redis

from duygu.shared.config.settings import Settings
from tests.services.conftest import serving, submit
from tests.support.media.videos import STILL, VideoMaker
from tests.support.workers.scripted_worker import Script

VIDEO = Script().upload()


def stored(settings: Settings) -> list[Path]:
    """All files in the storage."""
    return list((settings.data_dir / "jobs").rglob("*"))


def test_a_video_becomes_a_waiting_job(api: httpx.Client, video_maker: VideoMaker, service_settings: Settings) -> None:
    """An upload gives 202 and `Location`, and the file is stored unchanged under a generated name."""
    video = video_maker.make(STILL)
    response = api.post("/v1/videos", files={"video": ("../../evil name.mp4", video.read_bytes())})
    job = response.json()
    assert response.status_code == 202
    assert response.headers["Location"] == f"/v1/jobs/{job['job_id']}" == job["links"]["self"]
    assert (job["status"], job["started_at"], job["links"]["result"]) == ("queued", None, None)
    upload = service_settings.data_dir / "jobs" / job["job_id"] / "upload"
    assert hashlib.sha256(upload.read_bytes()).digest() == hashlib.sha256(video.read_bytes()).digest()


def test_a_body_without_a_stated_length_is_accepted(api: httpx.Client, service_settings: Settings) -> None:
    """A chunked body without a `Content-Length` is accepted."""
    boundary = "piece"
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="video"; filename="a"\r\n\r\n'.encode()

    def pieces() -> Iterator[bytes]:
        yield from (head, VIDEO, f"\r\n--{boundary}--\r\n".encode())

    headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    response = api.post("/v1/videos", content=pieces(), headers=headers)
    assert response.status_code == 202
    upload = service_settings.data_dir / "jobs" / response.json()["job_id"] / "upload"
    assert upload.read_bytes() == VIDEO


@pytest.mark.parametrize(
    "content_type", ["Multipart/Form-Data; Boundary=piece", 'multipart/form-data; charset=utf-8; boundary="piece"']
)
def test_content_types_of_other_programs_are_understood(api: httpx.Client, content_type: str) -> None:
    """Variants of the `Content-Type` header are accepted."""
    body = b'--piece\r\nContent-Disposition: form-data; name="video"; filename="a"\r\n\r\n' + VIDEO + b"\r\n--piece--"
    assert api.post("/v1/videos", content=body, headers={"Content-Type": content_type}).status_code == 202


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [(b"", 422, "empty_file"), (b"words", 415, "not_a_video"), (b"words" * 1000, 415, "not_a_video")],
)
def test_what_is_no_video_is_refused_at_once(
    api: httpx.Client, service_settings: Settings, content: bytes, status: int, code: str
) -> None:
    """An unusable upload gives a problem and is discarded."""
    response = api.post("/v1/videos", files={"video": ("a.mp4", content)})
    assert (response.status_code, response.json()["code"]) == (status, code)
    assert response.headers["Content-Type"] == "application/problem+json"
    assert stored(service_settings) == []


@pytest.mark.parametrize(
    "request_parts",
    [
        {"content": VIDEO, "headers": {"Content-Type": "video/mp4"}},
        {"data": {"video": "a word"}},
        {"content": b"", "headers": {"Content-Type": "multipart/form-data; boundary=b"}},
        {"content": b"", "headers": {"Content-Type": "multipart/form-data"}},
        {"content": b"", "headers": {"Content-Type": f"multipart/form-data; boundary={'b' * 300}"}},
    ],
)
def test_another_form_is_refused(
    api: httpx.Client, service_settings: Settings, request_parts: dict[str, object]
) -> None:
    """A body that is not a multipart form gives 422."""
    response = api.post("/v1/videos", **request_parts)  # type: ignore[arg-type]
    assert (response.status_code, response.json()["code"]) == (422, "invalid_request")
    assert stored(service_settings) == []


@pytest.mark.parametrize("stated", [True, False])
def test_too_large_is_refused(service_settings: Settings, stated: bool) -> None:
    """An upload beyond the limit gives 413 with or without a `Content-Length` and is discarded."""
    small = service_settings.model_copy(update={"max_upload_mb": 0.2})
    with serving(small) as api:
        request = api.build_request("POST", "/v1/videos", files={"video": ("a.mp4", VIDEO + bytes(900_000))})
        body = request.read()
        content = body if stated else (body[at : at + 65536] for at in range(0, len(body), 65536))
        headers = {"Content-Type": request.headers["Content-Type"]}
        response = api.post("/v1/videos", content=content, headers=headers)
        assert (response.status_code, response.json()["code"]) == (413, "too_large")
        assert "0.2 MB" in response.json()["detail"]
        assert stored(small) == []
        submit(api, VIDEO)


def test_a_full_queue_sends_retry_after(service_settings: Settings, redis: Redis) -> None:
    """A full queue gives 503 with `Retry-After`."""
    with serving(service_settings.model_copy(update={"max_queued": 2})) as api:
        submit(api, VIDEO)
        submit(api, VIDEO)
        response = api.post("/v1/videos", files={"video": ("a.mp4", VIDEO)})
        assert (response.status_code, response.json()["code"]) == (503, "queue_full")
        assert int(response.headers["Retry-After"]) > 0
        assert redis.llen("rq:queue:videos") == 2
