"""The Python client with large files and with links."""

import hashlib
from pathlib import Path

import httpx
import pytest

from duygu.client import Service, analyze, submit_url
from duygu.client import resumable as parts
from duygu.shared.config.settings import Settings
from duygu.shared.errors import LinkRefusedError
from tests.services.conftest import StartWorker, serving, worker
from tests.support.servers.cutting_proxy import cutting
from tests.support.servers.file_server import serving_file
from tests.support.workers.scripted_worker import Script

RESPONSE_BYTES = 150
"""A response to a part is longer."""


def large(folder: Path) -> Path:
    """A scripted video of several parts."""
    path = folder / "large.mp4"
    path.write_bytes(Script(duration_s=0.1).upload().ljust(2_000_000))
    return path


@pytest.mark.parametrize("cuts", [(), (1, RESPONSE_BYTES), (1, *[RESPONSE_BYTES] * 10)])
def test_a_large_file_is_sent_in_parts(
    api: httpx.Client,
    start_scripted_worker: StartWorker,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    cuts: tuple[int, ...],
) -> None:
    """A large file arrives whole, also over connections that break, and becomes one job."""
    monkeypatch.setattr(parts, "LARGE_BYTES", 1_000_000)
    monkeypatch.setattr(parts, "PART_BYTES", 150_000)
    monkeypatch.setattr(parts, "FIRST_PAUSE_S", 0.01)
    start_scripted_worker()
    path = large(tmp_path)
    with cutting(api.base_url.port or 0, *cuts) as proxy:
        result = analyze(path, Service(f"http://127.0.0.1:{proxy.port}"), max_faces=2)
        assert proxy.connections > len(cuts)
    (job,) = api.get("/v1/jobs").json()["jobs"]
    assert (job["job_id"], job["sha256"]) == (result.job_id, hashlib.sha256(path.read_bytes()).hexdigest())
    assert job["options"]["max_faces"] == 2
    assert api.get(f"/v1/uploads/{job['job_id']}").json()["job_id"] == job["job_id"]


def test_links_are_submitted(service_settings: Settings) -> None:
    """`analyze` and `submit_url` take links; a refused one raises its error."""
    settings = service_settings.model_copy(update={"link_networks": "127.0.0.0/8"})
    video = Script(duration_s=0.1).upload()
    with (
        serving(settings) as api,
        serving_file(video) as server,
        worker(settings, "tests.support.workers.scripted_worker", "videos"),
    ):
        service = Service(str(api.base_url))
        assert analyze(server.url, service).video.sha256 == hashlib.sha256(video).hexdigest()
        job = submit_url(server.url, service, end_s=3)
        assert job.link
        assert (job.link.url, job.options.end_s) == (server.url, 3)
        with pytest.raises(LinkRefusedError):
            submit_url("https://10.0.0.1/a.mp4", service)
