"""Jobs of links, by real workers."""

import hashlib
import json
import os
import signal
import threading
from typing import Any

import httpx
import pytest
from redis import Redis

from duygu.shared.config.settings import Settings
from duygu.shared.storage.opening import open_storage
from tests.services.conftest import ended, job, wait_until, worker
from tests.support.servers.cutting_proxy import cutting
from tests.support.servers.file_server import serving_file
from tests.support.workers.scripted_worker import Script

SCRIPTED = "tests.support.workers.scripted_worker"

VIDEO = Script(duration_s=0.2).upload()

SHA256 = hashlib.sha256(VIDEO).hexdigest()


def submit(api: httpx.Client, url: str, **options: Any) -> str:
    """The id of a link's job."""
    response = api.post("/v1/videos", json={"url": url, **options})
    assert response.status_code == 202, response.text
    return str(response.json()["job_id"])


def events(api: httpx.Client, job_id: str) -> list[tuple[str, dict[str, Any]]]:
    """Names and data of all events of an ended job."""
    names, found = "", []
    for line in api.get(f"/v1/jobs/{job_id}/events").text.splitlines():
        field, _, value = line.partition(": ")
        if field == "event":
            names = value
        elif field == "data":
            found.append((names, json.loads(value)))
    return found


def test_a_link_is_fetched_and_analysed(link_api: httpx.Client, link_settings: Settings) -> None:
    """The result has the hash of the fetched file; the events tell of fetching; the upload and the link are gone."""
    with serving_file(VIDEO) as server, worker(link_settings, SCRIPTED, "videos"):
        job_id = submit(link_api, f"http://zoe:pa55@127.0.0.1:{server.port}/file?token=hidden")
        found = ended(link_api, job_id)
    assert (found["status"], found["sha256"], found["size_bytes"]) == ("succeeded", SHA256, len(VIDEO))
    assert found["link"]["url"] == server.url
    assert found["link"]["fetched_bytes"] == len(VIDEO)
    result = link_api.get(found["links"]["result"]).json()
    assert result["video"]["sha256"] == SHA256
    sent = events(link_api, job_id)
    assert [name for name, _ in sent][:4] == ["queued", "started", "fetching", "fetched"]
    assert dict(sent)["fetched"] == {"size_bytes": len(VIDEO), "sha256": SHA256}
    shares = [data["progress"] for name, data in sent if name in ("fetching", "progress")]
    assert shares == sorted(shares)
    assert not any(secret in json.dumps([found, sent]) for secret in ("zoe", "pa55", "hidden"))
    stored = open_storage(link_settings).stored()
    assert [(one.job_id, "upload" in one.files) for one in stored] == [(job_id, False)]


def test_a_link_that_is_cut_ten_times(link_api: httpx.Client, link_settings: Settings) -> None:
    """Ten broken connections end with the same hash."""
    content = VIDEO[:24] + VIDEO[24:].ljust(2_000_000)
    with (
        serving_file(content) as server,
        cutting(server.port, *[150_000] * 10) as proxy,
        worker(link_settings, SCRIPTED, "videos"),
    ):
        found = ended(link_api, submit(link_api, f"http://127.0.0.1:{proxy.port}/file"))
    assert (found["status"], found["sha256"]) == ("succeeded", hashlib.sha256(content).hexdigest())


@pytest.mark.parametrize(
    ("behaviour", "code"),
    [
        ({"kind": "text/html"}, "link_is_a_page"),
        ({"statuses": [404]}, "link_failed"),
        ({"content": b"%PDF" + bytes(1000)}, "not_a_video"),
        ({"content": b""}, "empty_file"),
        ({"endless": True}, "too_large"),
        ({"location": "http://169.254.169.254/"}, "link_refused"),
        ({"location": "http://[::1]/"}, "link_refused"),
    ],
)
def test_failures_have_clear_codes_and_keep_nothing(
    link_api: httpx.Client, link_settings: Settings, redis: Redis, behaviour: dict[str, Any], code: str
) -> None:
    """A link without a usable video fails with its code, and neither a file nor the link stays."""
    limited = link_settings.model_copy(update={"max_upload_mb": 1})
    with serving_file(**{"content": VIDEO, **behaviour}) as server, worker(limited, SCRIPTED, "videos"):
        path = "elsewhere" if "location" in behaviour else "file"
        found = ended(link_api, submit(link_api, f"http://127.0.0.1:{server.port}/{path}?token=hidden"))
    assert found["error"]["code"] == code
    wait_until(lambda: open_storage(link_settings).stored() == [])
    assert "127.0.0.1" not in json.dumps(found["error"])
    assert not any(b"hidden" in (redis.dump(key) or b"") for key in redis.keys("*"))


def test_a_job_can_be_cancelled_while_it_fetches(link_api: httpx.Client, link_settings: Settings) -> None:
    """Erasing a job that waits for its link's server ends it, and the worker takes the next one."""
    pause = threading.Event()
    with worker(link_settings, SCRIPTED, "videos"), serving_file(VIDEO.ljust(600_000), pause=pause) as server:
        job_id = submit(link_api, server.url)
        wait_until(lambda: job(link_api, job_id)["stage"] == "fetching")
        wait_until(lambda: job(link_api, job_id)["link"]["fetched_bytes"] > 0)
        assert link_api.delete(f"/v1/jobs/{job_id}").status_code == 204
        with serving_file(VIDEO) as other:
            assert ended(link_api, submit(link_api, other.url))["status"] == "succeeded"
        pause.set()
    assert [one.job_id for one in open_storage(link_settings).stored()] != [job_id]


def test_a_fetch_survives_its_worker(link_api: httpx.Client, link_settings: Settings) -> None:
    """A worker that is killed while it fetches is replaced: the next one fetches the link and ends the job."""
    pause = threading.Event()
    with serving_file(VIDEO.ljust(600_000), pause=pause) as server:
        with worker(link_settings, SCRIPTED, "videos") as first:
            job_id = submit(link_api, server.url)
            wait_until(lambda: job(link_api, job_id)["link"]["fetched_bytes"] > 0)
            os.kill(first.pid, signal.SIGKILL)
            first.wait()
        pause.set()
        with worker(link_settings, SCRIPTED, "videos"):
            assert ended(link_api, job_id)["sha256"] == hashlib.sha256(VIDEO.ljust(600_000)).hexdigest()
