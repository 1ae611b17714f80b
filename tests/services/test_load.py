"""Many clients at the same time."""

from contextlib import ExitStack

import httpx

from benchmarks.jobs import Served, responds, run
from duygu.shared.config.settings import Settings
from tests.services.conftest import wait_until, worker
from tests.services.worker.test_metrics import free_port
from tests.support.workers.scripted_worker import Script

CLIENTS, UPLOADS = 8, 40


def test_no_job_is_lost_and_none_is_done_twice(api: httpx.Client, service_settings: Settings) -> None:
    """Eight clients hand in forty videos that two workers share: each is taken, and done once."""
    ports = (free_port(), free_port())
    addresses = tuple(f"http://127.0.0.1:{port}/metrics" for port in ports)
    with ExitStack() as running:
        for port in ports:
            settings = service_settings.model_copy(update={"metrics_port": port})
            running.enter_context(worker(settings, "tests.support.workers.scripted_worker", "videos"))
        wait_until(lambda: all(map(responds, addresses)))
        found = run(Served(str(api.base_url), addresses), Script().upload(), CLIENTS, UPLOADS)
    assert found["statuses"] == {"202": UPLOADS}
    assert (found["accepted"], found["lost"], found["doubled"]) == (UPLOADS, 0, 0)
