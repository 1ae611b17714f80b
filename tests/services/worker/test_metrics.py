"""The metrics of a worker."""

import socket

import httpx

from duygu.shared.config.settings import Settings
from tests.services.conftest import ended, submit, wait_until, worker
from tests.support.workers.scripted_worker import Script


def free_port() -> int:
    """Return an unused port."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def test_a_worker_counts_its_jobs(api: httpx.Client, service_settings: Settings) -> None:
    """The metrics port reports jobs by outcome, their time by stage, frames and the model."""
    port = free_port()
    settings = service_settings.model_copy(update={"metrics_port": port})
    with worker(settings, "tests.support.workers.scripted_worker", "videos"):
        ended(api, submit(api, Script(duration_s=0.5).upload())["job_id"])
        ended(api, submit(api, Script(hungry=True).upload())["job_id"])
        text = ""

        def counted() -> bool:
            nonlocal text
            text = httpx.get(f"http://127.0.0.1:{port}/metrics").text
            return 'duygu_jobs_total{code="out_of_memory"} 1.0' in text

        wait_until(counted)
    assert 'duygu_jobs_total{code="succeeded"} 1.0' in text
    assert 'duygu_frames_total{what="analysed"} 10.0' in text
    assert 'duygu_job_seconds_count{stage="wait"} 2.0' in text
    assert 'duygu_job_seconds_count{stage="analyze"} 2.0' in text
    assert 'duygu_job_seconds_count{stage="store"} 1.0' in text
    assert 'name="scripted"' in text
