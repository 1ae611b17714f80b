"""Resumable uploads by the tus protocol, against a real API."""

import base64
import hashlib
import json
import os
import random
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import s3fs
from redis import Redis

from duygu.services.worker.context import WorkerContext
from duygu.services.worker.main import no_analysis
from duygu.services.worker.sweeper import sweep
from duygu.shared.broker import keys
from duygu.shared.config.api_keys import KeyLimits, Scope, add_key
from duygu.shared.config.settings import Settings
from duygu.shared.inputs.uploads.store import UploadStore
from duygu.shared.jobs.edits import EditStore
from duygu.shared.jobs.queues import QueueName, open_queue
from duygu.shared.jobs.record import new_job_id
from duygu.shared.jobs.store import JobStore
from duygu.shared.storage.base import UPLOAD
from duygu.shared.storage.opening import open_storage
from tests.services.conftest import serving, wait_until

TUS = {"Tus-Resumable": "1.0.0"}

BYTES = {**TUS, "Content-Type": "application/offset+octet-stream"}

VIDEO = b"\0\0\0\x18ftypmp42" + random.Random(1).randbytes(20_000_000)  # noqa: S311 - content, no secret

SMALL = VIDEO[:100_000]


@pytest.fixture(params=["folder", "bucket"])
def storage_settings(request: pytest.FixtureRequest, service_settings: Settings) -> Settings:
    """Settings with each storage."""
    if request.param == "folder":
        return service_settings
    return service_settings.model_copy(update={"storage_url": request.getfixturevalue("bucket_url")})


@pytest.fixture
def apis(storage_settings: Settings) -> Iterator[tuple[httpx.Client, httpx.Client]]:
    """Clients of two APIs that share Redis and storage."""
    with serving(storage_settings) as one, serving(storage_settings) as other:
        yield one, other


def create(api: httpx.Client, length: int = len(SMALL), **headers: str) -> str:
    """The address of a new upload."""
    response = api.post("/v1/uploads", headers={**TUS, "Upload-Length": str(length), **headers})
    assert response.status_code == 201, response.text
    return response.headers["location"]


def send(api: httpx.Client, address: str, offset: int, content: bytes, **headers: str) -> httpx.Response:
    """Append bytes."""
    return api.patch(address, content=content, headers={**BYTES, "Upload-Offset": str(offset), **headers})


def offset(api: httpx.Client, address: str) -> int:
    """How much has arrived."""
    response = api.head(address, headers=TUS)
    assert response.status_code == 200
    assert response.headers["cache-control"] == "no-store"
    return int(response.headers["upload-offset"])


def submit(api: httpx.Client, address: str, **options: Any) -> httpx.Response:
    """Make an upload a job."""
    return api.post("/v1/videos", json={"upload_id": address.rpartition("/")[2], **options})


def send_and_break(api: httpx.Client, address: str, start: int, content: bytes) -> None:
    """Send a part of the announced bytes, and close the connection."""
    with socket.create_connection((api.base_url.host, api.base_url.port or 80)) as connection:
        lines = [f"PATCH {address} HTTP/1.1", f"Host: {api.base_url.host}", f"Upload-Offset: {start}"]
        lines += [f"{name}: {value}" for name, value in {**BYTES, "Content-Length": "90000000"}.items()]
        connection.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + content)
        time.sleep(0.1)


def test_the_service_describes_itself(api: httpx.Client, service_settings: Settings) -> None:
    """OPTIONS names version, extensions, limits and checksums."""
    response = api.options("/v1/uploads")
    assert response.status_code == 204
    assert response.headers["tus-resumable"] == response.headers["tus-version"] == "1.0.0"
    assert response.headers["tus-max-size"] == str(service_settings.max_upload_bytes)
    assert {"creation", "termination", "expiration", "checksum"} <= set(response.headers["tus-extension"].split(","))
    assert response.headers["tus-checksum-algorithm"] == "sha1,sha256,sha512"


def test_an_upload_that_is_cut_ten_times(apis: tuple[httpx.Client, httpx.Client], storage_settings: Settings) -> None:
    """An upload whose connections break ten times, over two API processes, ends with the same sha256."""
    one, other = apis
    address = create(one, len(VIDEO))
    for number in range(10):
        api = (one, other)[number % 2]
        start = offset(api, address)
        send_and_break(api, address, start, VIDEO[start : start + 1_800_000])
        wait_until(lambda start=start: offset(one, address) > start)  # type: ignore[misc]
    start = offset(other, address)
    assert 0 < start < len(VIDEO)
    assert send(other, address, start, VIDEO[start:]).status_code == 204
    response = submit(one, address, end_s=2)
    assert response.status_code == 202, response.text
    job = response.json()
    assert (job["sha256"], job["size_bytes"]) == (hashlib.sha256(VIDEO).hexdigest(), len(VIDEO))
    assert job["options"]["end_s"] == 2
    with open_storage(storage_settings).local(job["job_id"], UPLOAD) as path:
        assert path.read_bytes() == VIDEO
    (stored,) = open_storage(storage_settings).stored()
    assert stored.files == {UPLOAD}


def test_an_upload_becomes_one_job(apis: tuple[httpx.Client, httpx.Client], redis: Redis) -> None:
    """Submitting an upload again returns its job, which has the upload's id, as its file is not moved."""
    one, other = apis
    address = create(one)
    assert submit(one, address).json()["code"] == "upload_incomplete"
    assert send(one, address, 0, SMALL).status_code == 204
    jobs = {submit(api, address).json()["job_id"] for api in (one, other, one)}
    assert jobs == {address.rpartition("/")[2]}
    assert redis.llen("rq:queue:videos") == 1
    assert one.get(address).json()["job_id"] in jobs
    assert send(one, address, len(SMALL), b"").json()["code"] == "offset_mismatch"
    assert one.delete(address, headers=TUS).json()["code"] == "upload_not_found"
    assert one.delete(f"/v1/jobs/{jobs.pop()}").status_code == 204
    assert submit(one, address).json()["code"] == "upload_not_found"


def test_equal_files_are_reused(api: httpx.Client, service_settings: Settings) -> None:
    """`reuse=true` returns the job of an equal file that was uploaded as a form, and erases the upload."""
    job = api.post("/v1/videos", files={"video": SMALL}).json()
    address = create(api)
    send(api, address, 0, SMALL)
    body = {"upload_id": address.rpartition("/")[2]}
    for _ in range(2):
        assert api.post("/v1/videos?reuse=true", json=body).json()["job_id"] == job["job_id"]
    assert [one.job_id for one in open_storage(service_settings).stored()] == [job["job_id"]]


def test_bytes_may_come_with_the_creation(api: httpx.Client) -> None:
    """The first bytes may be the body of the creation, and any number of bytes may follow."""
    response = api.post("/v1/uploads", content=SMALL[:10], headers={**BYTES, "Upload-Length": "100000"})
    assert (response.status_code, response.headers["upload-offset"]) == (201, "10")
    address = response.headers["location"]
    assert send(api, address, 10, SMALL[10:11]).headers["upload-offset"] == "11"
    assert send(api, address, 11, b"").status_code == 204
    assert offset(api, address) == 11


@pytest.mark.parametrize("name", ["sha1", "sha256", "sha512"])
def test_bytes_with_another_checksum_are_discarded(apis: tuple[httpx.Client, httpx.Client], name: str) -> None:
    """Bytes without the announced checksum are refused with 460, and sent again."""
    api, content = apis[0], VIDEO[:9_000_000]
    address = create(api, len(content))
    wrong = base64.b64encode(hashlib.new(name, b"other").digest()).decode()
    response = send(api, address, 0, content, **{"Upload-Checksum": f"{name} {wrong}"})
    assert (response.status_code, response.json()["code"]) == (460, "checksum_mismatch")
    assert offset(api, address) == 0
    right = base64.b64encode(hashlib.new(name, content).digest()).decode()
    assert send(api, address, 0, content, **{"Upload-Checksum": f"{name} {right}"}).status_code == 204
    assert submit(api, address).json()["sha256"] == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"Upload-Length": "5"}, 412, "unsupported_tus_version"),
        ({"Tus-Resumable": "0.2.2", "Upload-Length": "5"}, 412, "unsupported_tus_version"),
        ({**TUS}, 400, "invalid_upload"),
        ({**TUS, "Upload-Length": "-5"}, 400, "invalid_upload"),
        ({**TUS, "Upload-Length": "9" * 30}, 400, "invalid_upload"),
        ({**TUS, "Upload-Defer-Length": "1"}, 400, "invalid_upload"),
        ({**TUS, "Upload-Length": "5", "Upload-Metadata": "filename !"}, 400, "invalid_upload"),
        ({**TUS, "Upload-Length": "5", "Upload-Checksum": "md4 AAAA"}, 400, "invalid_upload"),
        ({**TUS, "Upload-Length": "0"}, 422, "empty_file"),
        ({**TUS, "Upload-Length": "500000001"}, 413, "too_large"),
    ],
)
def test_invalid_creations(
    api: httpx.Client, service_settings: Settings, headers: dict[str, str], status: int, code: str
) -> None:
    """An invalid creation has a status of the protocol and a code, and stores nothing."""
    response = api.post("/v1/uploads", headers=headers)
    assert (response.status_code, response.json()["code"]) == (status, code)
    assert response.headers["tus-resumable"] == "1.0.0"
    assert (response.headers.get("tus-version") == "1.0.0") == (status == 412)
    assert open_storage(service_settings).stored() == []


def test_invalid_parts(api: httpx.Client) -> None:
    """A wrong offset, a wrong type, too many bytes and an unknown upload have their codes."""
    address = create(api, 10)
    assert send(api, address, 5, b"abc").json()["code"] == "offset_mismatch"
    assert send(api, address, 0, b"abc", **{"Content-Type": "video/mp4"}).json()["code"] == "wrong_content_type"
    assert send(api, address, 0, b"a" * 11).json()["code"] == "invalid_upload"
    assert api.patch(address, content=b"a", headers={"Upload-Offset": "0"}).json()["code"] == "unsupported_tus_version"
    for unknown in ("0" * 32, "..etc", "x"):
        response = send(api, f"/v1/uploads/{unknown}", 0, b"a")
        assert (response.status_code, response.json()["code"]) == (404, "upload_not_found")
    assert offset(api, address) == 0


def test_a_file_that_is_no_video_is_refused_early(api: httpx.Client, service_settings: Settings) -> None:
    """The first bytes of a document end the upload, and a photograph is refused when it is submitted."""
    address = create(api, 10_000)
    assert send(api, address, 0, b"%PDF-1.7" + bytes(2000)).json()["code"] == "not_a_video"
    assert api.head(address, headers=TUS).status_code == 404
    address = create(api, 10_000)
    assert send(api, address, 0, (b"\xff\xd8\xff" + bytes(20_000))[:10_000]).status_code == 204
    assert submit(api, address).json()["code"] == "not_a_video"
    assert open_storage(service_settings).stored() == []


def test_metadata_is_returned_and_names_no_file(api: httpx.Client, service_settings: Settings) -> None:
    """The name of the file is returned as it was sent, and is no name in the storage."""
    name = base64.b64encode(b"../../../etc/passwd").decode()
    address = create(api, len(SMALL), **{"Upload-Metadata": f"filename {name},is_confidential"})
    assert api.head(address, headers=TUS).headers["upload-metadata"] == f"filename {name},is_confidential"
    send(api, address, 0, SMALL)
    submit(api, address)
    assert [stored.files for stored in open_storage(service_settings).stored()] == [{UPLOAD}]


def test_uploads_can_be_deleted(apis: tuple[httpx.Client, httpx.Client], storage_settings: Settings) -> None:
    """A deleted upload leaves neither a file nor a record, also by a method override."""
    one, other = apis
    for headers in ({}, {"X-HTTP-Method-Override": "DELETE"}):
        address = create(one)
        send(one, address, 0, SMALL[:50_000])
        response = other.request("POST" if headers else "DELETE", address, headers={**TUS, **headers})
        assert response.status_code == 204
        assert one.head(address, headers=TUS).status_code == 404
    assert open_storage(storage_settings).stored() == []


def test_a_new_request_takes_over(api: httpx.Client) -> None:
    """A request that hangs makes way for the next one, and what it had sent is kept."""
    address = create(api)
    with socket.create_connection((api.base_url.host, api.base_url.port or 80)) as hanging:
        lines = [f"PATCH {address} HTTP/1.1", "Host: localhost", "Upload-Offset: 0"]
        lines += [f"{name}: {value}" for name, value in {**BYTES, "Content-Length": "100000"}.items()]
        hanging.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + SMALL[:40_000])
        time.sleep(0.5)
        assert send(api, address, 0, b"").json()["code"] == "offset_mismatch"
        assert send(api, address, 40_000, SMALL[40_000:]).status_code == 204
    assert submit(api, address).json()["sha256"] == hashlib.sha256(SMALL).hexdigest()


def test_two_requests_at_once_do_not_mix(apis: tuple[httpx.Client, httpx.Client]) -> None:
    """Of requests that send the same bytes at the same time, the file has each byte once."""
    one, other = apis
    address, codes = create(one, len(VIDEO)), []
    threads = [
        threading.Thread(target=lambda api=api: codes.append(send(api, address, 0, VIDEO).status_code))
        for api in (one, other)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(codes) <= {204, 409, 423}
    start = offset(one, address)
    assert send(one, address, start, VIDEO[start:]).status_code == 204
    assert submit(one, address).json()["sha256"] == hashlib.sha256(VIDEO).hexdigest()


def test_expired_uploads_are_swept(
    apis: tuple[httpx.Client, httpx.Client], storage_settings: Settings, redis: Redis
) -> None:
    """The sweeper erases an expired upload and its parts, and leaves one that may go on however old its file is."""
    api = apis[0]
    expired, fresh = create(api, len(VIDEO)), create(api)
    send(api, expired, 0, VIDEO[:10_000_000])
    send(api, fresh, 0, SMALL[:50])
    upload_id = expired.rpartition("/")[2]
    redis.hset(keys.upload(upload_id), "expires", int(time.time()) - 1)
    redis.zadd(keys.UPLOADS, {keys.listing(upload_id, ""): time.time() - 1})
    assert api.head(expired, headers=TUS).status_code == 404
    storage = open_storage(storage_settings)
    context = WorkerContext(JobStore(redis, 60), storage, EditStore(redis), no_analysis, uploads=UploadStore(redis, 60))
    old = time.time() - 100_000
    for path in storage_settings.data_dir.rglob("*partial"):
        os.utime(path, (old, old))
        os.utime(path.parent, (old, old))
    sweep(context, open_queue(redis, QueueName.VIDEOS))
    assert not redis.exists(keys.upload(upload_id))
    assert upload_id not in {job.job_id for job in storage.stored()}
    assert offset(api, fresh) == 50
    assert send(api, fresh, 50, SMALL[50:]).status_code == 204
    assert submit(api, fresh).status_code == 202


def test_uploads_count_towards_the_limits_of_a_key(service_settings: Settings) -> None:
    """An upload counts as a waiting job and with its whole size until it is deleted; other keys do not see it."""
    path = service_settings.data_dir / "keys.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    scopes = frozenset({Scope.SUBMIT, Scope.READ})
    bounded = add_key(path, "bounded", scopes, KeyLimits(jobs_waiting=1, megabytes_per_day=1))
    other = add_key(path, "other", scopes, KeyLimits())
    with serving(service_settings.model_copy(update={"keys_file": path})) as api:
        api.headers["Authorization"] = f"Bearer {bounded}"
        address = create(api)
        refused = api.post("/v1/uploads", headers={**TUS, "Upload-Length": "5"})
        assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
        assert api.post("/v1/videos", files={"video": SMALL}).json()["code"] == "rate_limited"
        api.headers["Authorization"] = f"Bearer {other}"
        assert api.head(address, headers=TUS).status_code == 404
        assert submit(api, address).json()["code"] == "upload_not_found"
        api.headers["Authorization"] = f"Bearer {bounded}"
        assert send(api, address, 0, SMALL).status_code == 204
        assert submit(api, address).status_code == 202
        api.delete(f"/v1/jobs/{address.rpartition('/')[2]}")
        assert api.post("/v1/uploads", headers={**TUS, "Upload-Length": "950000"}).json()["code"] == "rate_limited"


def test_open_uploads_are_limited(service_settings: Settings) -> None:
    """No more uploads may be open than jobs may be queued."""
    with serving(service_settings.model_copy(update={"max_queued": 2})) as api:
        create(api)
        address = create(api)
        assert api.post("/v1/uploads", headers={**TUS, "Upload-Length": "5"}).json()["code"] == "queue_full"
        api.delete(address, headers=TUS)
        create(api)
    assert len(open_storage(service_settings).stored()) == 2


def test_the_errors_are_problems(api: httpx.Client) -> None:
    """An error of the protocol is a problem with a code and may be read by pages of the same origin."""
    response = api.patch("/v1/uploads/0", headers=BYTES, content=json.dumps({}).encode())
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["code"] == "invalid_upload"


def parts_in(storage_url: str) -> set[str]:
    """Ids of the jobs below a URL with a multipart upload that is neither completed nor aborted."""
    bucket, _, prefix = storage_url.removeprefix("s3://").partition("/")
    listed = s3fs.S3FileSystem(skip_instance_cache=True).call_s3("list_multipart_uploads", Bucket=bucket, Prefix=prefix)
    return {upload["Key"].split("/")[-2] for upload in listed.get("Uploads", ())}


@pytest.mark.parametrize(("ttl", "is_old"), [(60, True), (10**9, False)])
def test_parts_that_redis_forgot_are_swept(
    service_settings: Settings, bucket_url: str, redis: Redis, ttl: int, is_old: bool
) -> None:
    """Parts without a record are aborted once they are older than the lifetime of an upload; others stay.

    The server of the tests dates all parts to 2010, which 10**9 seconds reach back beyond.
    """
    settings = service_settings.model_copy(update={"storage_url": bucket_url})
    storage = open_storage(settings)
    uploads = UploadStore(redis, ttl)
    context = WorkerContext(JobStore(redis, 60), storage, EditStore(redis), no_analysis, uploads=uploads)
    elsewhere = open_storage(settings.model_copy(update={"storage_url": f"{bucket_url}-of-another-service"}))
    other = new_job_id()
    elsewhere.begin(other)
    with serving(settings) as api:
        forgotten, known = create(api, len(VIDEO)), create(api, len(VIDEO))
        for address in (forgotten, known):
            send(api, address, 0, VIDEO[:10_000_000])
        lost = forgotten.rpartition("/")[2]
        redis.delete(keys.upload(lost))
        redis.zrem(keys.UPLOADS, keys.listing(lost, ""))
        for _ in range(2):  # the second sweep of the hour changes nothing
            sweep(context, open_queue(redis, QueueName.VIDEOS))
        left = {known.rpartition("/")[2]} | (set() if is_old else {lost})
        assert parts_in(bucket_url) - {other} == left
        assert parts_in(f"{bucket_url}-of-another-service") == {other}
        assert send(api, known, 10_000_000, VIDEO[10_000_000:]).status_code == 204
        assert submit(api, known).status_code == 202


def test_a_bucket_that_is_away_is_swept_later(
    service_settings: Settings, bucket_url: str, redis: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    """A sweep goes on where the bucket does not list its parts, and says so."""
    storage = open_storage(service_settings.model_copy(update={"storage_url": f"{bucket_url[:-6]}x/jobs"}))
    context = WorkerContext(JobStore(redis, 60), storage, EditStore(redis), no_analysis, uploads=UploadStore(redis, 60))
    sweep(context, open_queue(redis, QueueName.VIDEOS))
    assert "unfinished uploads could not be deleted" in caplog.text
